//! `GET I/oauth/check-session`: the iframe with which applications watch a session (OIDC Session
//! Management §3.3). Any page may frame it; it only compares the session state.

use http::StatusCode;

use crate::http::{AppState, CookiePurpose, EndpointError, Reply, Request, cookies, pages};

/// Returns the page of the iframe.
pub async fn get(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let cookie = cookies::cookie_name(CookiePurpose::BrowserState, &request.tenant);
    let page = pages::check_session((&request.tenant.tenant, request.text()), &cookie);
    Ok(Reply::html(StatusCode::OK, page).with_script().frameable())
}
