//! The page where a person types the code of a device (RFC 8628 §3.3). Opening it makes no look-up, so a link with
//! a code reveals nothing to strangers and approves nothing. The person sends the code, signs in, and is always
//! asked for consent.

use http::StatusCode;

use super::authorize::{AuthorizationContext, forms, proceed_authorization};
use crate::{
    accounts::cross_device_flows::device_authorizations::{admit_user_code, find_waiting_device},
    http::{
        AppState, CookiePurpose, EndpointError, Reply, Request,
        pages::{self, DevicePage},
    },
    model::{AuditEvent, ThrottledAttempt},
    protocol::{
        authorize::{Interaction, pre_session_hash, validate_device_request},
        device::UserCode,
        params::{RequestParams, UI_LOCALES},
        records::{CrossDeviceAuthorization, RequestingDevice},
    },
};

/// `GET I/device`: the page, with the code of a link (`verification_uri_complete`).
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.query_params()?;
    request.language.request(params.get(UI_LOCALES));
    let code = params.get("user_code").and_then(UserCode::parse);
    Ok(ask_for_code((app, &request), code.as_ref(), None))
}

/// `POST I/device`: the code of a device.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    if !request.same_origin() {
        return Err(forms::foreign_form().into());
    }
    let form = request.form().and_then(RequestParams::reject_duplicates)?;
    let (context, text) = (app.context(&request), request.text());
    let code = form.get("user_code").and_then(UserCode::parse);
    let problem = |status, words: &str| {
        Ok(ask_for_code((app, &request), code.as_ref(), Some(words)).status(status))
    };
    let Some(pre_session) = request.cookie(CookiePurpose::PreSession) else {
        return problem(StatusCode::BAD_REQUEST, text.page_of_other_browser());
    };
    let browser = pre_session_hash(pre_session);
    if let Err(wait) = admit_user_code(context, &browser) {
        let attempt = ThrottledAttempt::UserCode;
        context.audit(AuditEvent::throttled_attempt(attempt, None, wait));
        let words = text.too_many_device_codes(&text.wait_in_words(wait)).to_string();
        let page = problem(StatusCode::TOO_MANY_REQUESTS, &words)?;
        return Ok(page.header("retry-after", &wait.as_secs().max(1).to_string()));
    }
    let found = match &code {
        Some(code) => find_waiting_device(context, code, &browser).await?,
        None => None,
    };
    match (code.as_ref(), found) {
        (Some(code), Some(found)) => {
            begin_answer((app, &request), pre_session, (code, found)).await
        }
        _ => problem(StatusCode::UNPROCESSABLE_ENTITY, text.device_code_wrong()),
    }
}

/// Begins the sign-in of the user who answers a device.
async fn begin_answer(
    (app, request): (&AppState, &Request),
    pre_session: &str,
    (code, found): (&UserCode, CrossDeviceAuthorization),
) -> Result<Reply, EndpointError> {
    let served = &request.tenant;
    let params = RequestParams::parse(found.query.as_bytes());
    let authorization = validate_device_request(&served.tenant, &**served, &params)?;
    request.facts.record_client(&authorization.client.object);
    let device = RequestingDevice {
        grant_id: found.grant_id,
        user_code: code.letters().to_owned(),
        address: found.address,
        requested_at: found.requested_at,
    };
    let session = app.session(request).await?;
    let before = session.as_ref().map(|active| &active.session);
    let goal = (found.query, device);
    let interaction = Interaction::authorize_device(goal, pre_session, before, request.now);
    let by_form = true;
    let context =
        AuthorizationContext::new((app, request), (authorization, by_form), session, interaction);
    proceed_authorization(context).await
}

/// The page that asks for the code.
fn ask_for_code(
    (app, request): (&AppState, &Request),
    code: Option<&UserCode>,
    problem: Option<&str>,
) -> Reply {
    let code = code.map(ToString::to_string).unwrap_or_default();
    let page =
        DevicePage { tenant: &request.tenant.tenant, text: request.text(), code: &code, problem };
    // The referrer policy lets browsers send `Origin` with the form (Fetch §3.1).
    let reply = Reply::html(StatusCode::OK, pages::device_page(&page))
        .header("referrer-policy", "same-origin");
    match request.cookie(CookiePurpose::PreSession) {
        Some(_) => reply,
        None => reply.cookie(CookiePurpose::PreSession, &app.accounts.entropy.token()),
    }
}
