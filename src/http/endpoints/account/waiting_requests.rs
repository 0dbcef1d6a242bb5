//! The requests over the backchannel that wait for the person (CIBA Core §8). The page lists them. The person
//! answers on the consent page, after a step-up in the same session if the request or the application requires one.

use super::{account_url, change_result::AccountNotice};
use crate::{
    accounts::{
        cross_device_flows::backchannel_requests::{find_waiting_request, waiting_requests},
        sessions::active_session::ActiveSession,
    },
    http::{
        AppState, EndpointError, Reply, Request,
        endpoints::authorize::begin_authorization,
        pages::{CrossDeviceOutcome, WaitingRequestEntry},
    },
    protocol::{
        authorize::{AuthorizationRequest, Interaction, validate_backchannel_request},
        params::RequestParams,
        records::{BackchannelRequest, CrossDeviceAuthorization},
    },
};

/// A request with what it asks for.
pub(super) struct WaitingRequest {
    stored: CrossDeviceAuthorization,
    requested: AuthorizationRequest,
}

/// Loads the requests that wait for the person and that the client may still make.
pub(super) async fn load_waiting_requests(
    app: &AppState,
    request: &Request,
    active: &ActiveSession,
) -> Result<Vec<WaitingRequest>, EndpointError> {
    let subject = &active.session.authentication.subject;
    let stored = waiting_requests(app.context(request), subject).await?;
    let valid = |stored| {
        let requested = validate_stored(request, active, &stored)?;
        Some(WaitingRequest { stored, requested })
    };
    Ok(stored.into_iter().filter_map(valid).collect())
}

impl WaitingRequest {
    /// The entry of the page.
    pub(super) fn entry(&self) -> WaitingRequestEntry<'_> {
        let details = self.stored.backchannel.as_ref();
        WaitingRequestEntry {
            id: &self.stored.grant_id,
            application: &self.requested.client.name,
            binding_message: details.and_then(|details| details.binding_message.as_deref()),
            permissions: &self.requested.requested_permissions,
            requested_at: self.stored.requested_at,
            address: &self.stored.address,
        }
    }
}

/// Validates a request again, because clients and tenants change; `None` if the client may not make it any more.
fn validate_stored(
    request: &Request,
    active: &ActiveSession,
    stored: &CrossDeviceAuthorization,
) -> Option<AuthorizationRequest> {
    let (served, person) = (&request.tenant, &active.session.authentication.subject);
    let params = RequestParams::parse(stored.query.as_bytes());
    let requested =
        validate_backchannel_request(&served.tenant, &**served, &params, Some(person)).ok()?;
    stored.belongs_to_client(&requested.client).then_some(requested)
}

/// Begins the answer to a request, by its id.
pub(super) async fn begin_answer(
    (app, request): (&AppState, &Request),
    active: &ActiveSession,
    id: &str,
) -> Result<Reply, EndpointError> {
    let person = &active.session.authentication.subject;
    let found = find_waiting_request(app.context(request), person, id).await?;
    let found = found.and_then(|stored| {
        let requested = validate_stored(request, active, &stored)?;
        Some((stored, requested))
    });
    let Some((stored, requested)) = found else {
        return Ok(Reply::see_other(&answered_request_url(request, CrossDeviceOutcome::Over)));
    };
    request.facts.record_client(&requested.client.object);
    let asked = BackchannelRequest {
        grant_id: stored.grant_id,
        subject: person.to_string(),
        binding_message: stored.backchannel.and_then(|details| details.binding_message),
        address: stored.address,
        requested_at: stored.requested_at,
    };
    let goal = (stored.query, asked);
    begin_authorization(
        (app, request),
        (requested, true),
        Some(active.clone()),
        |pre_session, session| {
            Interaction::answer_backchannel(goal, pre_session, session, request.now)
        },
    )
    .await
}

/// The account page with the end of a request.
pub(in crate::http::endpoints) fn answered_request_url(
    request: &Request,
    outcome: CrossDeviceOutcome,
) -> String {
    let notice = match outcome {
        CrossDeviceOutcome::Allowed => AccountNotice::RequestAllowed,
        CrossDeviceOutcome::Refused => AccountNotice::RequestRefused,
        CrossDeviceOutcome::Unmet => AccountNotice::RequestUnmet,
        CrossDeviceOutcome::Over => AccountNotice::RequestOver,
    };
    account_url(request, Some(("done", notice.as_str())))
}
