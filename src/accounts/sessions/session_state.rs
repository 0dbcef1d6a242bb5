//! The state of a browser's session that an application watches (OIDC Session Management §2, §3).

use url::Url;

use super::active_session::ActiveSession;
use crate::model::{Client, sha256_base64url};

/// The value of the browser-state cookie. It is derived from a secret that clients do not have. With a value
/// derived from `sid`, one client could link another's `session_state` to a user (OIDC Core §8.1).
pub(crate) fn browser_state(session: &ActiveSession) -> String {
    sha256_base64url(format!("browser state\0{}", session.record_id()))
}

/// The `session_state` of an authorization response (Session Management §2). `None` if the redirect
/// URI has no origin that a frame could have.
pub(crate) fn session_state(
    client: &Client,
    redirect_uri: &str,
    session: &ActiveSession,
    salt: &str,
) -> Option<String> {
    let origin = Url::parse(redirect_uri).ok()?.origin();
    if !origin.is_tuple() {
        return None;
    }
    let (origin, state) = (origin.ascii_serialization(), browser_state(session));
    Some(format!("{}.{salt}", sha256_base64url(format!("{} {origin} {state} {salt}", client.id))))
}
