//! A request before its body is read: its client, its limits, and its route.

use std::{net::IpAddr, sync::Arc};

use super::route_match::RouteMatch;
use crate::{
    http::{
        AppState, ConnectionCertificates, MemoryPermit, RequestLanguage, TrustedProxies,
        head_memory, head_size, transport::EffectiveRequest, web::not_found::RoutingError,
    },
    model::{ClientCertificate, Tenant, Timestamp},
    registry::Snapshot,
    telemetry::{AccessFacts, request_id},
};

/// Memory of a request apart from its head and body.
const REQUEST_OVERHEAD_BYTES: usize = 6 * 1024;

/// The context of a request before its body is read.
pub(super) struct RequestContext {
    pub(super) id: String,
    pub(super) now: Timestamp,
    pub(super) address: IpAddr,
    pub(super) is_forwarded_host: bool,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) memory: MemoryPermit,
    pub(super) facts: Arc<AccessFacts>,
    /// The certificate of the client, if the connection has one.
    pub(super) certificate: Option<ClientCertificate>,
    /// Whether the listener is one at which clients present certificates, which has nothing for browsers.
    pub(super) is_mutual_tls: bool,
}

impl RequestContext {
    /// The language of the request's pages; the tenant's default applies where the request names none.
    pub(super) fn language<B>(
        &self,
        request: &http::Request<B>,
        tenant: Option<&Tenant>,
    ) -> RequestLanguage {
        let languages = Arc::clone(&self.snapshot.languages);
        let query = request.uri().query().unwrap_or_default();
        let default = tenant.and_then(|tenant| tenant.branding.default_locale.as_ref());
        RequestLanguage::new(languages, request.headers(), query, default)
    }
}

impl AppState {
    /// The context of a request, and its client and host as trusted proxies pass them on.
    pub(super) fn request_context<B>(
        &self,
        request: &http::Request<B>,
        (peer, certificates): (IpAddr, &ConnectionCertificates),
        now: Timestamp,
    ) -> (RequestContext, EffectiveRequest) {
        let none = TrustedProxies::default();
        let proxies =
            if certificates.is_of_client() { &none } else { &self.config.trusted_proxies };
        let given = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
        let id = given.filter(|id| proxies.contains(peer) && is_id(id)).map(str::to_owned);
        let asked = proxies.effective_request(peer, request);
        let arrival = RequestContext {
            id: id.unwrap_or_else(|| request_id(&*self.accounts.entropy)),
            now,
            address: asked.client,
            is_forwarded_host: asked.is_forwarded_authority,
            snapshot: self.registry.snapshot(),
            memory: self.config.memory.permit(limited(proxies, asked.client)),
            facts: Arc::default(),
            certificate: None,
            is_mutual_tls: certificates.is_mutual_tls(),
        };
        (arrival, asked)
    }

    /// Finds the route of a request, and the certificate of its client.
    pub(super) fn find_route<B>(
        &self,
        request: &http::Request<B>,
        (asked, certificates): (&EffectiveRequest, &ConnectionCertificates),
        arrival: &mut RequestContext,
    ) -> Result<RouteMatch, RoutingError> {
        if head_size(request) > self.config.limits.head {
            return Err(RoutingError::Large);
        }
        arrival.memory.grow(head_memory(request) + REQUEST_OVERHEAD_BYTES)?;
        let find =
            if arrival.is_mutual_tls { RouteMatch::find_mutual_tls } else { RouteMatch::find };
        let found = find(&arrival.snapshot, asked, request.uri().path())?;
        // Only endpoints that use certificates judge them: the certificate of a browser does not matter elsewhere.
        arrival.certificate = certificates.of_request(request.headers())?;
        Ok(found)
    }
}

/// The address whose memory is limited: none for a proxy's own requests.
fn limited(proxies: &TrustedProxies, client: IpAddr) -> Option<IpAddr> {
    Some(client).filter(|client| !proxies.contains(*client))
}

/// Validates a request id set by a proxy.
fn is_id(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
