//! The configuration served at one moment. Immutable, with tenants and clients in hash maps.

use std::{collections::HashMap, sync::Arc};

use super::{ServedTenant, Verdicts};
use crate::{
    keys::{Sealer, Vault},
    messages::Languages,
    model::{InternalHost, Issuer, TenantId, Timestamp},
};

/// The configuration served at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The revision of the view that it was built from; 0: nothing has been read yet.
    pub revision: u64,
    /// The time of the build, from the clock of the replica.
    pub built_at: Timestamp,
    /// The installation's sealing keys, if they exist already.
    pub sealer: Option<Arc<Sealer>>,
    /// The installation's vault keys, if they exist already.
    pub vault: Option<Arc<Vault>>,
    /// The languages of pages and mails.
    pub languages: Arc<Languages>,
    hosts: HashMap<String, TenantsOfHost>,
    /// The tenants of each address at which clients present certificates.
    mutual_tls: HashMap<String, TenantsOfHost>,
    by_id: HashMap<TenantId, Arc<ServedTenant>>,
    /// Addresses inside the cluster, by authority.
    internal: HashMap<Box<str>, InternalHost>,
    verdicts: Verdicts,
}

/// The issuers of one authority (`host[:port]`).
#[derive(Clone, Debug, Default)]
struct TenantsOfHost {
    by_path: HashMap<String, Arc<ServedTenant>>,
    /// The largest number of segments in an issuer's path. Further segments of a request's path are
    /// not examined, so that long paths cost nothing.
    deepest: usize,
}

impl TenantsOfHost {
    fn add(&mut self, tenant: &Arc<ServedTenant>) {
        let path = tenant.tenant.issuer.path();
        self.deepest = self.deepest.max(path.matches('/').count());
        self.by_path.entry(path.to_owned()).or_insert_with(|| Arc::clone(tenant));
    }

    /// The tenant that a path belongs to, and the rest of the path.
    fn route<'p>(&self, path: &'p str) -> Option<(&Arc<ServedTenant>, &'p str)> {
        let slashes = path.match_indices('/').map(|(at, _)| at);
        let mut ends: Vec<usize> = slashes.chain([path.len()]).take(self.deepest + 1).collect();
        while let Some(end) = ends.pop() {
            if let Some(tenant) = self.by_path.get(&path[..end]) {
                return Some((tenant, &path[end..]));
            }
        }
        None
    }
}

impl Snapshot {
    /// Creates a snapshot. The tenants must have different issuers.
    pub fn new(
        revision: u64,
        built_at: Timestamp,
        sealer: Option<Arc<Sealer>>,
        tenants: Vec<Arc<ServedTenant>>,
        verdicts: Verdicts,
    ) -> Self {
        let mut hosts: HashMap<String, TenantsOfHost> = HashMap::with_capacity(tenants.len());
        for tenant in &tenants {
            hosts.entry(tenant.tenant.issuer.authority().to_owned()).or_default().add(tenant);
        }
        for tenant in &tenants {
            // Clients may send the scheme's default port (RFC 9110 §4.2.3), which issuers never
            // contain.
            if let Some(authority) = with_default_port(&tenant.tenant.issuer) {
                hosts.entry(authority).or_default().add(tenant);
            }
        }
        let mut mutual_tls: HashMap<String, TenantsOfHost> = HashMap::new();
        for tenant in &tenants {
            let url = tenant.tenant.mutual_tls_url.as_deref();
            let Some(authority) = url.and_then(|url| url.split('/').nth(2)) else { continue };
            mutual_tls.entry(authority.to_owned()).or_default().add(tenant);
            if !authority.contains(':') {
                mutual_tls.entry(format!("{authority}:443")).or_default().add(tenant);
            }
        }
        let by_id = tenants.into_iter().map(|tenant| (tenant.tenant.id.clone(), tenant)).collect();
        let internal = HashMap::new();
        let (vault, languages) = (None, Languages::built_in());
        Self {
            revision,
            built_at,
            sealer,
            vault,
            languages,
            hosts,
            mutual_tls,
            by_id,
            internal,
            verdicts,
        }
    }

    /// Sets the installation's vault keys.
    #[must_use]
    pub fn with_vault(self, vault: Option<Arc<Vault>>) -> Self {
        Self { vault, ..self }
    }

    /// Sets the languages of pages.
    #[must_use]
    pub fn with_languages(self, languages: &Arc<Languages>) -> Self {
        Self { languages: Arc::clone(languages), ..self }
    }

    /// Serves the tenants at addresses inside the cluster too.
    #[must_use]
    pub fn with_internal_hosts(self, hosts: &[InternalHost]) -> Self {
        let mut internal = HashMap::with_capacity(hosts.len());
        for host in hosts {
            internal.entry(host.authority().into()).or_insert_with(|| host.clone());
        }
        Self { internal, ..self }
    }

    /// The address inside the cluster with this authority. `authority` must be in lower case.
    pub fn internal_host(&self, authority: &str) -> Option<&InternalHost> {
        self.internal.get(authority)
    }

    /// The tenant that a path at an address inside the cluster belongs to, and the rest of the path.
    pub fn route_internal<'p>(
        &self,
        host: &InternalHost,
        path: &'p str,
    ) -> Option<(&Arc<ServedTenant>, &'p str)> {
        let (id, rest) = InternalHost::split_path(path)?;
        host.serves(&id.0.namespace).then_some(())?;
        Some((self.tenant(&id)?, rest))
    }

    /// The tenant that a path belongs to, and the rest of the path (empty, or starting with a
    /// slash). With nested issuers, the one with the most matching segments. The cost does not
    /// depend on the number of tenants. `authority` must be in lower case.
    pub fn route<'p>(
        &self,
        authority: &str,
        path: &'p str,
    ) -> Option<(&Arc<ServedTenant>, &'p str)> {
        self.hosts.get(authority)?.route(path)
    }

    /// The tenant that a path belongs to, and the rest of it, at the addresses at which clients present certificates.
    pub fn route_mutual_tls<'p>(
        &self,
        authority: &str,
        path: &'p str,
    ) -> Option<(&Arc<ServedTenant>, &'p str)> {
        self.mutual_tls.get(authority)?.route(path)
    }

    /// The tenant with exactly this issuer path (RFC 8414 §3.1).
    pub fn at(&self, authority: &str, issuer_path: &str) -> Option<&Arc<ServedTenant>> {
        self.hosts.get(authority)?.by_path.get(issuer_path)
    }

    /// Finds a tenant by its ID.
    pub fn tenant(&self, id: &TenantId) -> Option<&Arc<ServedTenant>> {
        self.by_id.get(id)
    }

    /// All tenants that are served, unordered.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<ServedTenant>> {
        self.by_id.values()
    }

    /// The verdict on every object, except those being deleted.
    pub fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }
}

/// The authority with the scheme's default port; `None` if the issuer contains a port.
fn with_default_port(issuer: &Issuer) -> Option<String> {
    let port = if issuer.is_https() { 443 } else { 80 };
    (issuer.host() == issuer.authority()).then(|| format!("{}:{port}", issuer.authority()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::KeyRing,
        model::{Tenant, fixtures},
    };

    fn snapshot(issuers: &[&str]) -> Snapshot {
        let served = |(index, issuer): (usize, &&str)| {
            let tenant = Tenant {
                id: TenantId::new("team", index.to_string()),
                issuer: Issuer::parse(issuer).expect("canonical"),
                ..fixtures::tenant()
            };
            Arc::new(ServedTenant::new(tenant, KeyRing::default(), vec![], vec![]))
        };
        let tenants = issuers.iter().enumerate().map(served).collect();
        Snapshot::new(1, Timestamp::from_secs(0), None, tenants, Verdicts::default())
    }

    fn routed<'p>(
        snapshot: &Snapshot,
        authority: &str,
        path: &'p str,
    ) -> Option<(String, &'p str)> {
        let (tenant, rest) = snapshot.route(authority, path)?;
        Some((tenant.tenant.issuer.to_string(), rest))
    }

    #[test]
    fn nested_issuers_match_by_the_most_whole_segments() {
        let all = ["https://a.test", "https://a.test/x", "https://a.test/x/y", "https://b.test/z"];
        let snapshot = snapshot(&all);
        for (authority, path, issuer, rest) in [
            ("a.test", "/oauth/token", all[0], "/oauth/token"),
            ("a.test", "", all[0], ""),
            ("a.test", "/", all[0], "/"),
            ("a.test", "/x", all[1], ""),
            ("a.test", "/x/", all[1], "/"),
            ("a.test", "/xy/login", all[0], "/xy/login"),
            ("a.test", "/x/login", all[1], "/login"),
            ("a.test", "/x/y/login", all[2], "/login"),
            ("a.test", "/x/y/y/y/login", all[2], "/y/y/login"),
            ("b.test", "/z/login", all[3], "/login"),
        ] {
            let found = routed(&snapshot, authority, path);
            assert_eq!(found, Some((issuer.to_owned(), rest)), "{authority}{path}");
        }
        for (authority, path) in [("b.test", "/"), ("b.test", "/zz/login"), ("c.test", "/x")] {
            assert_eq!(routed(&snapshot, authority, path), None, "{authority}{path}");
        }
    }

    #[test]
    fn only_the_default_port_of_the_scheme_may_be_added() {
        let snapshot =
            snapshot(&["https://a.test/x", "http://localhost/x", "https://b.test:8443/x"]);
        for authority in ["a.test", "a.test:443", "localhost:80", "b.test:8443"] {
            assert!(snapshot.route(authority, "/x").is_some(), "{authority}");
        }
        for authority in ["a.test:80", "a.test:8443", "localhost:443", "b.test", "b.test:443"] {
            assert!(snapshot.route(authority, "/x").is_none(), "{authority}");
        }
    }

    #[test]
    fn at_requires_the_whole_issuer_path() {
        let snapshot = snapshot(&["https://a.test", "https://a.test/x"]);
        assert!(snapshot.at("a.test", "").is_some());
        assert!(snapshot.at("a.test", "/x").is_some());
        for path in ["/", "/x/", "/x/y", "x"] {
            assert!(snapshot.at("a.test", path).is_none(), "{path}");
        }
    }
}
