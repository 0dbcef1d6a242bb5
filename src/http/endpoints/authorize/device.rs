//! The end of an authorization that a device asked for (RFC 8628 §3.3): the answer is stored, and the person goes
//! back to the device.

use http::StatusCode;

use super::AuthorizationContext;
use crate::{
    accounts::{
        device_authorizations::answer_device, registrations, session_clients,
        sessions::ActiveSession,
    },
    http::{
        EndpointError, Reply, UnusablePage,
        pages::{self, DeviceOutcome},
    },
    protocol::{
        authorize,
        error::{ErrorCode, OAuthError},
        records::{DeviceAnswer, RequestingDevice},
    },
};

impl AuthorizationContext<'_> {
    /// The response to a user who does not want to continue. A device is refused.
    pub(in crate::http::endpoints) async fn access_denied(
        &self,
        text: &str,
    ) -> Result<Reply, EndpointError> {
        let Some(device) = self.interaction.device() else {
            return Ok(self.refuse(&OAuthError::new(ErrorCode::AccessDenied, text)));
        };
        if !answer_device(self.accounts(), device, DeviceAnswer::Refused).await? {
            return Err(answered_already(self));
        }
        Ok(self.device_result(DeviceOutcome::Refused))
    }

    /// Sends an error to the client. A device gets none: it waits until its code expires, and another person
    /// may answer it.
    pub(in crate::http::endpoints) fn refuse(&self, error: &OAuthError) -> Reply {
        if self.interaction.device().is_some() {
            return self.device_result(DeviceOutcome::Unmet).status(StatusCode::FORBIDDEN);
        }
        Reply::to_application(self.authorization.return_to.error(error))
    }

    fn device_result(&self, outcome: DeviceOutcome) -> Reply {
        let tenant = &self.request.tenant.tenant;
        let client = &self.authorization.client;
        let html = pages::device_result((tenant, self.request.text()), client, outcome);
        Reply::html(StatusCode::OK, html)
    }
}

/// Stores the grant that the person has allowed a device. The device gets it with its next poll.
pub(super) async fn allow_device(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
    device: &RequestingDevice,
) -> Result<Reply, EndpointError> {
    let (context, requested) = (authorization.accounts(), &authorization.authorization);
    if !session_clients::add_session_client(context, session, &requested.client).await? {
        let ended = OAuthError::new(ErrorCode::LoginRequired, "The session has just ended.");
        return Ok(authorization.refuse(&ended));
    }
    let grant = authorize::grant_for(requested, &session.session, authorization.request.now);
    if !answer_device(context, device, DeviceAnswer::allowed(&grant)).await? {
        return Err(answered_already(authorization));
    }
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
