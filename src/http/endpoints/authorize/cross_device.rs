//! The end of an authorization that a person answers on another device (RFC 8628 §3.3, CIBA Core §8): the answer is
//! stored. The person goes back to the device, or to the account page.

use http::StatusCode;

use super::AuthorizationContext;
use crate::{
    accounts::{
        clients::registrations,
        cross_device_flows::cross_device::{allow_request, answer_request},
        sessions::{active_session::ActiveSession, session_clients},
    },
    http::{
        EndpointError, Reply, UnusablePage,
        endpoints::account::answered_request_url,
        pages::{self, CrossDeviceOutcome},
    },
    protocol::{
        authorize,
        error::{ErrorCode, OAuthError},
        records::{CrossDeviceAnswer, CrossDeviceRequest, Grant, GrantState},
    },
};

impl AuthorizationContext<'_> {
    /// The response to a user who does not want to continue. Another device is refused.
    pub(in crate::http::endpoints) async fn access_denied(
        &self,
        text: &str,
    ) -> Result<Reply, EndpointError> {
        let Some(asked) = self.interaction.cross_device() else {
            return self.send_error(OAuthError::new(ErrorCode::AccessDenied, text));
        };
        // A person who presses Cancel on the sign-in page of a request to another person has not answered it.
        if !self.is_asked(asked) {
            return Ok(self.cross_device_result(asked, CrossDeviceOutcome::Unmet));
        }
        if !answer_request(self.accounts(), asked, CrossDeviceAnswer::Refused).await? {
            return self.answered_already(asked);
        }
        // A person who may not enter has been reported already.
        if self.entry_refusal().is_none() {
            self.audit_consent(false);
        }
        Ok(self.cross_device_result(asked, CrossDeviceOutcome::Refused))
    }

    /// Sends an error to the client. That of another device gets none: it waits until its request expires, and the
    /// person may answer it otherwise. A client that a document describes gets it once the person has answered a page.
    pub(in crate::http::endpoints) fn send_error(
        &self,
        error: OAuthError,
    ) -> Result<Reply, EndpointError> {
        if let Some(asked) = self.interaction.cross_device() {
            return Ok(self.cross_device_result(asked, CrossDeviceOutcome::Unmet));
        }
        if self.authorization.client.is_described_by_document() && !self.by_form {
            return Err(error.into());
        }
        Ok(Reply::to_application(self.authorization.return_to.error(&error)))
    }

    /// Whether the browser's user may answer a request: anyone a device, and over the backchannel the person who is
    /// asked.
    fn is_asked(&self, asked: CrossDeviceRequest<'_>) -> bool {
        match asked {
            CrossDeviceRequest::Device(_) => true,
            CrossDeviceRequest::Backchannel(request) => self
                .session_record()
                .is_some_and(|it| it.authentication.subject.as_str() == request.subject),
        }
    }

    fn cross_device_result(
        &self,
        asked: CrossDeviceRequest<'_>,
        outcome: CrossDeviceOutcome,
    ) -> Reply {
        if let CrossDeviceRequest::Backchannel(_) = asked {
            return Reply::see_other(&answered_request_url(self.request, outcome));
        }
        let tenant = &self.request.tenant.tenant;
        let client = &self.authorization.client;
        let html = pages::device_result((tenant, self.request.text()), client, outcome);
        let status = match outcome {
            CrossDeviceOutcome::Unmet => StatusCode::FORBIDDEN,
            _ => StatusCode::OK,
        };
        Reply::html(status, html)
    }

    /// The response if a request was answered before, or has expired.
    fn answered_already(&self, asked: CrossDeviceRequest<'_>) -> Result<Reply, EndpointError> {
        if let CrossDeviceRequest::Backchannel(_) = asked {
            return Ok(self.cross_device_result(asked, CrossDeviceOutcome::Over));
        }
        let text = self.request.text();
        Err(EndpointError::UnusablePage(Box::new(UnusablePage {
            title: text.device_over_title().to_owned(),
            message: text.device_over_text().to_owned(),
            advice: text.device_over_advice().to_owned(),
            start_again: None,
            status: StatusCode::BAD_REQUEST,
            code: "device_answered",
        })))
    }
}

/// Stores the grant that the person has allowed. The client gets it with its next poll. The permission is for this
/// request only. The person is asked again at the next request, and in a browser.
pub(super) async fn allow_cross_device(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
    asked: CrossDeviceRequest<'_>,
) -> Result<Reply, EndpointError> {
    let (context, requested) = (authorization.accounts(), &authorization.authorization);
    let ended = || OAuthError::new(ErrorCode::LoginRequired, "The session has just ended.");
    if !authorization.is_asked(asked) {
        return authorization.send_error(ended());
    }
    if !session_clients::add_session_client(context, session, &requested.client).await? {
        return authorization.send_error(ended());
    }
    let now = authorization.request.now;
    let grant = Grant {
        state: GrantState::PendingRedemption,
        ..authorize::grant_for(requested, &session.session, now)
    };
    if !allow_request(context, asked, &grant).await? {
        return authorization.answered_already(asked);
    }
    authorization.audit_consent(true);
    registrations::mark_client_used(&context.services.registrations, &requested.client);
    Ok(authorization.cross_device_result(asked, CrossDeviceOutcome::Allowed))
}
