//! The end of an authorization that a device asked for (RFC 8628 §3.3): the answer is stored, and the person goes
//! back to the device.

use http::StatusCode;

use super::AuthorizationContext;
use crate::{
    accounts::{
        device_authorizations::{allow_device, answer_device},
        registrations, session_clients,
        sessions::ActiveSession,
    },
    http::{
        EndpointError, Reply, UnusablePage,
        pages::{self, DeviceOutcome},
    },
    protocol::{
        authorize,
        error::{ErrorCode, OAuthError},
        records::{DeviceAnswer, Grant, GrantState, RequestingDevice},
    },
};

impl AuthorizationContext<'_> {
    /// The response to a user who does not want to continue. A device is refused.
    pub(in crate::http::endpoints) async fn access_denied(
        &self,
        text: &str,
    ) -> Result<Reply, EndpointError> {
        let Some(device) = self.interaction.device() else {
            return self.refuse(OAuthError::new(ErrorCode::AccessDenied, text));
        };
        if !answer_device(self.accounts(), device, DeviceAnswer::Refused).await? {
            return Err(answered_already(self));
        }
        // A person who may not enter has been reported already.
        if self.entry_refusal().is_none() {
            self.audit_consent(false);
        }
        Ok(self.device_result(DeviceOutcome::Refused))
    }

    /// Sends an error to the client. A device gets none: it waits until its code expires, and another person
    /// may answer it. A client that a document describes gets it once the person has answered a page.
    pub(in crate::http::endpoints) fn refuse(
        &self,
        error: OAuthError,
    ) -> Result<Reply, EndpointError> {
        if self.interaction.device().is_some() {
            return Ok(self.device_result(DeviceOutcome::Unmet).status(StatusCode::FORBIDDEN));
        }
        if self.authorization.client.is_described_by_document() && !self.by_form {
            return Err(error.into());
        }
        Ok(Reply::to_application(self.authorization.return_to.error(&error)))
    }

    fn device_result(&self, outcome: DeviceOutcome) -> Reply {
        let tenant = &self.request.tenant.tenant;
        let client = &self.authorization.client;
        let html = pages::device_result((tenant, self.request.text()), client, outcome);
        Reply::html(StatusCode::OK, html)
    }
}

/// Stores the grant that the person has allowed a device. The device gets it with its next poll. The permission is
/// that of this device: it does not spare the person a question at the next one, or in a browser.
pub(super) async fn let_device_in(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
    device: &RequestingDevice,
) -> Result<Reply, EndpointError> {
    let (context, requested) = (authorization.accounts(), &authorization.authorization);
    if !session_clients::add_session_client(context, session, &requested.client).await? {
        let ended = OAuthError::new(ErrorCode::LoginRequired, "The session has just ended.");
        return authorization.refuse(ended);
    }
    let now = authorization.request.now;
    let grant = Grant {
        state: GrantState::PendingRedemption,
        ..authorize::grant_for(requested, &session.session, now)
    };
    if !allow_device(context, device, &grant).await? {
        return Err(answered_already(authorization));
    }
    authorization.audit_consent(true);
    registrations::mark_used(&context.services.registrations, &requested.client);
    Ok(authorization.device_result(DeviceOutcome::Allowed))
}

/// The error if a device was answered before, or its code has expired.
fn answered_already(authorization: &AuthorizationContext<'_>) -> EndpointError {
    let text = authorization.request.text();
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title: text.device_over_title().to_owned(),
        message: text.device_over_text().to_owned(),
        advice: text.device_over_advice().to_owned(),
        start_again: None,
        status: StatusCode::BAD_REQUEST,
        code: "device_answered",
    }))
}
