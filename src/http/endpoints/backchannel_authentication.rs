//! The backchannel authentication endpoint (OpenID Connect CIBA Core 1.0 §7). Only confidential clients use it, and
//! each request uses up quotas of the client and of the person. This is because a client learns whether a name is
//! known, and shows a text to a person who has not asked for it.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use super::{authenticated_form::AuthenticatedForm, throttled_request::refuse_throttled_request};
use crate::{
    accounts::{
        AccountContext,
        cross_device_flows::backchannel_requests::{
            BackchannelUserHint, admit_backchannel_request, admit_request_to_person,
            begin_backchannel_request, find_named_person,
        },
        tokens::token_events,
    },
    http::{AppState, EndpointError, Reply, Request},
    model::{Account, Client, ThrottledAttempt},
    protocol::{
        authorize::{hinted_person, validate_backchannel_request},
        backchannel::{BackchannelParams, PersonHint},
        cross_device::{POLL_INTERVAL, cross_device_query},
        error::{ErrorCode, OAuthError},
        params::RequestParams,
    },
};

/// The description of the error for too many requests.
const TOO_MANY_WAITING_MESSAGE: &str =
    "Too many requests wait for this person, or came from this client. Try again later.";

/// A successful response (CIBA Core §7.3).
#[derive(Debug, Serialize)]
struct BackchannelAuthenticationResponse {
    auth_req_id: String,
    expires_in: u64,
    interval: u64,
}

/// `POST I/oauth/backchannel_authentication`: a client asks a user for a sign-in (CIBA Core §7).
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let AuthenticatedForm { params, client } = AuthenticatedForm::read(app, &request).await?;
    let (context, served) = (app.context(&request), &request.tenant);
    let query = cross_device_query(&client, &params);
    let kept = RequestParams::parse(query.as_bytes());
    let requested = validate_backchannel_request(&served.tenant, &**served, &kept, None)?;
    let asked = BackchannelParams::check(&params, &client)?;
    let too_many = |wait| {
        let attempt = ThrottledAttempt::BackchannelAuthentication;
        refuse_throttled_request(context, Some(&*client), (attempt, TOO_MANY_WAITING_MESSAGE), wait)
    };
    admit_backchannel_request(context, &client).map_err(too_many)?;
    let address = context.origin.address.to_string();
    let report = |person: Option<&Account>| {
        context.audit(token_events::backchannel_event(&requested, (person, &*address)));
    };
    let found = find_person((context, &request), &client, (&asked.hint, &params)).await?;
    let Some(person) = found else {
        report(None);
        let text = "No user of this issuer can be found by the hint.";
        return Err(OAuthError::new(ErrorCode::UnknownUserId, text).into());
    };
    admit_request_to_person(context, &client, &person).await?.map_err(too_many)?;
    let expires_in = asked.waits_for.as_secs();
    let auth_req_id =
        begin_backchannel_request(context, (&*client, &person), (query, asked)).await?;
    report(Some(&*person));
    let interval = POLL_INTERVAL.as_secs();
    let response = BackchannelAuthenticationResponse { auth_req_id, expires_in, interval };
    Ok(Reply::json(StatusCode::OK, &response))
}

/// Finds the person that the request names; `None` if the person is unknown or disabled.
async fn find_person(
    (context, request): (AccountContext<'_>, &Request),
    client: &Client,
    (hint, params): (&PersonHint, &RequestParams),
) -> Result<Option<Arc<Account>>, EndpointError> {
    let served = &request.tenant;
    Ok(match hint {
        PersonHint::Login(name) => {
            find_named_person(context, client, BackchannelUserHint::Login(name)).await?
        }
        PersonHint::IdToken => match hinted_person(&served.tenant, &**served, params, client)? {
            Some(subject) => {
                find_named_person(context, client, BackchannelUserHint::Subject(&subject)).await?
            }
            None => None,
        },
    })
}
