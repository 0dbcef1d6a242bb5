//! The frames that sign a browser out of applications (OIDC Front-Channel Logout §3).

use url::Url;

use crate::{
    http::csp,
    model::Client,
    protocol::{records::Session, session, sid},
    registry::ServedTenant,
};

/// Maximum frames of one page.
const MAX_FRAMES: usize = 32;

/// The front-channel logout URLs of a session's clients, with `iss` and `sid` where the client
/// registered for them (Front-Channel Logout §2). URLs that a CSP cannot express are left out. URLs
/// beyond the maximum are logged, because a page's origins share one header.
pub(super) fn logout_frames(tenant: &ServedTenant, session: &Session) -> Vec<Url> {
    let clients = session.clients.iter().filter_map(|id| tenant.declared_client(id.as_str()));
    let clients = clients.filter(|client| session::session_includes(session, client));
    let frame = |client: &std::sync::Arc<Client>| {
        let mut url = Url::parse(client.details.frontchannel_logout_uri.as_deref()?).ok()?;
        csp::csp_origin(&url)?;
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
            omitted_frames = frames.len() - MAX_FRAMES,
            "a session has more applications with a frontchannelLogoutUri than a page can hold: \
             use backchannelLogoutUri"
        );
        frames.truncate(MAX_FRAMES);
    }
    frames
}
