//! The tenant and route of a request: at an issuer, or at an address inside the cluster.

use std::sync::Arc;

use super::router::{self, Route};
use crate::{
    http::{transport::EffectiveRequest, web::not_found::RoutingError},
    model::{Endpoint, InternalHost},
    registry::{ServedTenant, Snapshot},
};

/// The tenant and route of a request.
pub(super) struct RouteMatch {
    pub(super) tenant: Arc<ServedTenant>,
    pub(super) route: Route,
    pub(super) path_param: String,
    /// The address inside the cluster at which the tenant was found, if it was one.
    pub(super) internal_host: Option<InternalHost>,
}

impl RouteMatch {
    /// Finds the tenant and route of a path. Issuers go before addresses inside the cluster.
    pub(super) fn find(
        snapshot: &Snapshot,
        asked: &EffectiveRequest,
        path: &str,
    ) -> Result<Self, RoutingError> {
        let authority = asked.authority.as_deref().ok_or(RoutingError::Host)?;
        if let Some(tenant) = well_known(path, |path| snapshot.at(authority, path)) {
            return Ok(Self::discovery(tenant));
        }
        if let Some((tenant, rest)) = snapshot.route(authority, path) {
            return Self::of(tenant, rest).ok_or(RoutingError::Endpoint);
        }
        let host = snapshot.internal_host(authority).ok_or(RoutingError::Issuer)?;
        Self::find_internal(snapshot, host, path)
            .filter(|_| !asked.proxied)
            .ok_or(RoutingError::Internal)
    }

    /// Finds the tenant and route of a path at an address at which clients present certificates, which has nothing for
    /// browsers.
    pub(super) fn find_mutual_tls(
        snapshot: &Snapshot,
        asked: &EffectiveRequest,
        path: &str,
    ) -> Result<Self, RoutingError> {
        let authority = asked.authority.as_deref().ok_or(RoutingError::Host)?;
        let found = snapshot.route_mutual_tls(authority, path);
        let (tenant, rest) = found.ok_or(RoutingError::MutualTls)?;
        Self::of(tenant, rest)
            .filter(|found| found.route.endpoint.has_mutual_tls_alias())
            .ok_or(RoutingError::MutualTls)
    }

    /// Finds the tenant and route of a path at an address inside the cluster, which has no pages for
    /// browsers.
    fn find_internal(snapshot: &Snapshot, host: &InternalHost, path: &str) -> Option<Self> {
        let route = |path| snapshot.route_internal(host, path);
        let tenant_at = |path: &str| {
            let (tenant, rest) = snapshot.route_internal(host, path)?;
            rest.is_empty().then_some(tenant)
        };
        let found = match well_known(path, tenant_at) {
            Some(tenant) => Self::discovery(tenant),
            None => {
                let (tenant, rest) = route(path)?;
                Self::of(tenant, rest)?
            }
        };
        let internal = found.route.endpoint.is_internal();
        internal.then(|| Self { internal_host: Some(host.clone()), ..found })
    }

    fn discovery(tenant: &Arc<ServedTenant>) -> Self {
        let route = router::route_of(Endpoint::Discovery);
        Self { tenant: Arc::clone(tenant), route, path_param: String::new(), internal_host: None }
    }

    fn of(tenant: &Arc<ServedTenant>, rest: &str) -> Option<Self> {
        let (route, path_param) = router::find_route(rest)?;
        let (tenant, path_param) = (Arc::clone(tenant), path_param.to_owned());
        Some(Self { tenant, route, path_param, internal_host: None })
    }
}

/// The tenant whose metadata a path names in the form of RFC 8414 §3.1.
fn well_known<'s>(
    path: &str,
    tenant_at: impl Fn(&str) -> Option<&'s Arc<ServedTenant>>,
) -> Option<&'s Arc<ServedTenant>> {
    const METADATA: [&str; 2] =
        ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];
    METADATA.iter().find_map(|form| {
        let issuer_path = path.strip_prefix(form)?;
        (issuer_path.is_empty() || issuer_path.starts_with('/')).then_some(())?;
        tenant_at(issuer_path)
    })
}
