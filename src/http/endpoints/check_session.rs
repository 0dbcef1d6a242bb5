//! `GET I/oauth/check-session`: the page that applications frame to watch a session (OIDC Session
//! Management §3.3). It may be framed by any page, and does nothing but compare.

use http::StatusCode;

use crate::http::{AppState, CookiePurpose, EndpointError, Reply, Request, cookies, pages};

/// The page.
#[expect(clippy::unused_async, reason = "handlers have one shape")]
pub async fn get(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let cookie = cookies::name(CookiePurpose::BrowserState, &request.tenant);
    let page = pages::check_session(&request.tenant.tenant, &cookie);
    Ok(Reply::html(StatusCode::OK, page).with_script().frameable())
}
