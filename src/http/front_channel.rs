//! Front-channel logout and session state: the frames that sign a browser out of applications (OIDC
//! Front-Channel Logout §3), and the state that an application watches (OIDC Session Management §2,
//! §3).

use url::Url;

use super::{csp, sessions::ActiveSession};
use crate::{
    model::Client,
    protocol::{digest::sha256, records::Session, sid},
    registry::ServedTenant,
};

/// Maximum frames of one page.
const MAX_FRAMES: usize = 32;

/// The front-channel logout URLs of a session's clients, with `iss` and `sid` where the client
/// registered for them (Front-Channel Logout §2). URLs that a CSP cannot express are left out. URLs
/// beyond the maximum are logged, since a page's origins share one header.
pub(super) fn frames(tenant: &ServedTenant, session: &Session) -> Vec<Url> {
    let clients = session.clients.iter().filter_map(|id| tenant.client(id.as_str()));
    let frame = |client: &std::sync::Arc<Client>| {
        let mut url = Url::parse(client.details.frontchannel_logout_uri.as_deref()?).ok()?;
        csp::origin(&url)?;
        if client.details.frontchannel_logout_session_required {
            url.query_pairs_mut()
                .append_pair("iss", tenant.tenant.issuer.as_str())
                .append_pair("sid", &sid::sid_for_client(client, &session.sid));
        }
        Some(url)
    };
    let mut frames: Vec<Url> = clients.filter_map(frame).collect();
    if frames.len() > MAX_FRAMES {
        tracing::warn!(
            tenant = %tenant.tenant.id,
            left_out = frames.len() - MAX_FRAMES,
            "a session has more applications with a frontchannelLogoutUri than a page can hold: \
             use backchannelLogoutUri"
        );
        frames.truncate(MAX_FRAMES);
    }
    frames
}

/// The value of the browser-state cookie. It is derived from a secret that no client knows: if it
/// were derived from `sid`, one client could link another's `session_state` to a user (OIDC Core
/// §8.1).
pub(super) fn browser_state(held: &ActiveSession) -> String {
    sha256(format!("browser state\0{}", held.record_id()))
}

/// The `session_state` of an authorization response (Session Management §2). `None` if the redirect
/// URI has no origin that a frame could have.
pub(super) fn session_state(
    client: &Client,
    redirect_uri: &str,
    held: &ActiveSession,
    salt: &str,
) -> Option<String> {
    let origin = Url::parse(redirect_uri).ok()?.origin();
    if !origin.is_tuple() {
        return None;
    }
    let (origin, state) = (origin.ascii_serialization(), browser_state(held));
    Some(format!("{}.{salt}", sha256(format!("{} {origin} {state} {salt}", client.id))))
}
