//! The device authorization endpoint (RFC 8628 §3.1, §3.2). A record is stored before a user has signed in, so
//! addresses and clients have quotas.

use http::StatusCode;
use serde::Serialize;

use super::{authenticated_form::AuthenticatedForm, throttled_request::refuse_throttled_request};
use crate::{
    accounts::cross_device_flows::device_authorizations::{
        admit_device_request, begin_device_authorization,
    },
    http::{AppState, EndpointError, Reply, Request},
    model::{Endpoint, ThrottledAttempt},
    protocol::{
        authorize::validate_device_request,
        cross_device::{MAX_WAITING_TIME, POLL_INTERVAL, cross_device_query},
        params::RequestParams,
    },
};

/// A successful response (RFC 8628 §3.2).
#[derive(Debug, Serialize)]
struct DeviceAuthorizationResponse {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// `POST I/oauth/device_authorization`: a device asks for a user code (RFC 8628 §3.1).
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let AuthenticatedForm { params, client } = AuthenticatedForm::read(app, &request).await?;
    let (context, served) = (app.context(&request), &request.tenant);
    let query = cross_device_query(&client, &params);
    let params = RequestParams::parse(query.as_bytes());
    validate_device_request(&served.tenant, &**served, &params)?;
    admit_device_request(context, &client).map_err(|retry_after| {
        let attempt = ThrottledAttempt::DeviceAuthorization;
        let text = "Too many devices ask for codes. Try again later.";
        refuse_throttled_request(context, Some(&*client), (attempt, text), retry_after)
    })?;
    let codes = begin_device_authorization(context, &client, query).await?;
    let verification_uri = Endpoint::Device.url(&served.tenant.issuer);
    let user_code = codes.user_code.to_string();
    let response = DeviceAuthorizationResponse {
        device_code: codes.device_code,
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        verification_uri,
        user_code,
        expires_in: MAX_WAITING_TIME.as_secs(),
        interval: POLL_INTERVAL.as_secs(),
    };
    Ok(Reply::json(StatusCode::OK, &response))
}
