//! What is served at one moment. Immutable; tenants and clients are found by hash.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use aws_lc_rs::digest;

use super::{Prepared, RegistrationDesk, Verdicts};
use crate::{
    keys::{KeyRing, PublicKeys, Sealer, SigningKey},
    model::{
        Client, ClientId, IdTokenAlgorithm, Issuer, SigningAlgorithm, Subject, Tenant, TenantId,
        Timestamp, User,
    },
    protocol::metadata,
};

/// A tenant as served: with keys, clients, users and prepared answers.
#[derive(Clone, Debug)]
pub struct ServedTenant {
    /// The checked tenant.
    pub tenant: Tenant,
    /// Its keys.
    pub keys: KeyRing,
    /// The discovery document.
    pub discovery: Prepared,
    /// The JWK set.
    pub jwks: Prepared,
    /// 16 hex digits that stand for the tenant in the names of cookies.
    pub short_hash: String,
    /// Where clients register, if they may.
    pub registration: Option<RegistrationDesk>,
    clients: HashMap<ClientId, Arc<Client>>,
    public_keys: HashMap<ClientId, PublicKeys>,
    users: Vec<Arc<User>>,
    by_username: HashMap<String, Arc<User>>,
    by_subject: HashMap<Subject, Arc<User>>,
    /// In their order.
    origins: Box<[Arc<str>]>,
}

impl ServedTenant {
    /// A tenant with clients and users whose ids, usernames and subjects are each unique.
    pub fn new(
        tenant: Tenant,
        keys: KeyRing,
        clients: Vec<Arc<Client>>,
        users: Vec<Arc<User>>,
    ) -> Self {
        let by = |user: &Arc<User>| Arc::clone(user);
        let parsed = |client: &Arc<Client>| {
            Some((client.id.clone(), PublicKeys::parse(client.jwks.as_deref()?)))
        };
        let origins: BTreeSet<_> =
            clients.iter().flat_map(|it| it.origins.iter().cloned()).collect();
        Self {
            discovery: Prepared::about(&tenant.issuer, &metadata::discovery(&tenant)),
            jwks: Prepared::json(&keys.jwks()),
            short_hash: short_hash(&tenant.id),
            registration: None,
            origins: origins.into_iter().collect(),
            public_keys: clients.iter().filter_map(parsed).collect(),
            clients: clients.into_iter().map(|client| (client.id.clone(), client)).collect(),
            by_username: users.iter().map(|user| (user.username.clone(), by(user))).collect(),
            by_subject: users.iter().map(|user| (user.subject.clone(), by(user))).collect(),
            users,
            tenant,
            keys,
        }
    }

    /// The same, taking registrations.
    #[must_use]
    pub fn taking_registrations(self, registration: Option<RegistrationDesk>) -> Self {
        Self { registration, ..self }
    }

    /// The key that signs now: of the first listed algorithm that has one. Should none be due, as
    /// when this machine's clock is behind, the oldest key is known everywhere.
    pub fn signing_key(&self, now: Timestamp) -> Option<&Arc<SigningKey>> {
        let due = |algorithm: &_| self.keys.signing_key(*algorithm, now);
        self.tenant.algorithms.iter().find_map(due).or_else(|| oldest(self.keys.keys().iter()))
    }

    /// The key that signs with an algorithm.
    pub fn signing_key_of(
        &self,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Option<&Arc<SigningKey>> {
        let of_it = || self.keys.keys().iter().filter(|key| key.algorithm == algorithm);
        self.keys.signing_key(algorithm, now).or_else(|| oldest(of_it()))
    }

    /// The key that signs what a client is sent, by its `id_token_signed_response_alg`: of the
    /// tenant's first algorithm if it names none.
    pub fn signing_key_for(&self, client: &Client, now: Timestamp) -> Option<&Arc<SigningKey>> {
        match client.id_token_signed_response_alg {
            Some(IdTokenAlgorithm::Signed(algorithm)) => self.signing_key_of(algorithm, now),
            Some(IdTokenAlgorithm::None) | None => self.signing_key(now),
        }
    }

    /// The keys that a client registered by value.
    pub fn public_keys(&self, client: &Client) -> Option<&PublicKeys> {
        self.public_keys.get(&client.id)
    }

    /// A client by its id.
    pub fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.clients.get(id)
    }

    /// Its clients, in no order.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    /// Its users, in a stable order.
    pub fn users(&self) -> &[Arc<User>] {
        &self.users
    }

    /// A user by normalised username.
    pub fn user_by_username(&self, normalized: &str) -> Option<&Arc<User>> {
        self.by_username.get(normalized)
    }

    /// A user by `sub`.
    pub fn user_by_subject(&self, subject: &Subject) -> Option<&Arc<User>> {
        self.by_subject.get(subject)
    }

    /// Whether a browser's page of this origin may read token and userinfo answers.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.origins.binary_search_by(|known| (**known).cmp(origin)).is_ok()
    }
}

fn oldest<'a>(keys: impl Iterator<Item = &'a Arc<SigningKey>>) -> Option<&'a Arc<SigningKey>> {
    keys.min_by_key(|key| (key.times.signs_from, &key.kid))
}

/// The first 64 bits of the SHA-256 of a tenant's id, in hexadecimal digits.
fn short_hash(id: &TenantId) -> String {
    let hash = digest::digest(&digest::SHA256, id.to_string().as_bytes());
    let bytes: [u8; 8] = hash.as_ref()[..8].try_into().expect("SHA-256 has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(bytes))
}

/// What is served at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The revision of the view that it was built from; 0: nothing was read yet.
    pub revision: u64,
    /// When it was built.
    pub built_at: Timestamp,
    /// The installation's sealing keys, once there are any.
    pub sealer: Option<Arc<Sealer>>,
    hosts: HashMap<String, Host>,
    by_id: HashMap<TenantId, Arc<ServedTenant>>,
    verdicts: Verdicts,
}

/// The issuers of one authority.
#[derive(Clone, Debug, Default)]
struct Host {
    by_path: HashMap<String, Arc<ServedTenant>>,
    /// Most segments of an issuer's path: further ones of a request's path are not looked at, so
    /// that its length costs nothing.
    deepest: usize,
}

impl Host {
    fn add(&mut self, tenant: &Arc<ServedTenant>) {
        let path = tenant.tenant.issuer.path();
        self.deepest = self.deepest.max(path.matches('/').count());
        self.by_path.entry(path.to_owned()).or_insert_with(|| Arc::clone(tenant));
    }
}

impl Snapshot {
    /// A snapshot of tenants that share no issuer.
    pub fn new(
        revision: u64,
        built_at: Timestamp,
        sealer: Option<Arc<Sealer>>,
        tenants: Vec<Arc<ServedTenant>>,
        verdicts: Verdicts,
    ) -> Self {
        let mut hosts: HashMap<String, Host> = HashMap::with_capacity(tenants.len());
        for tenant in &tenants {
            hosts.entry(tenant.tenant.issuer.authority().to_owned()).or_default().add(tenant);
        }
        for tenant in &tenants {
            // A client may spell out the scheme's default port (RFC 9110 §4.2.3); issuers never do.
            if let Some(authority) = with_default_port(&tenant.tenant.issuer) {
                hosts.entry(authority).or_default().add(tenant);
            }
        }
        let by_id = tenants.into_iter().map(|tenant| (tenant.tenant.id.clone(), tenant)).collect();
        Self { revision, built_at, sealer, hosts, by_id, verdicts }
    }

    /// The tenant that a path belongs to, and the rest of the path (empty, or with a leading
    /// slash): of nested issuers the one with the longest run of whole segments. Takes the same
    /// time however many tenants there are. `authority` is in lower case.
    pub fn route<'p>(
        &self,
        authority: &str,
        path: &'p str,
    ) -> Option<(&Arc<ServedTenant>, &'p str)> {
        let host = self.hosts.get(authority)?;
        let slashes = path.match_indices('/').map(|(at, _)| at);
        let mut ends: Vec<usize> = slashes.chain([path.len()]).take(host.deepest + 1).collect();
        while let Some(end) = ends.pop() {
            if let Some(tenant) = host.by_path.get(&path[..end]) {
                return Some((tenant, &path[end..]));
            }
        }
        None
    }

    /// The tenant with exactly this issuer path (RFC 8414 §3.1).
    pub fn at(&self, authority: &str, issuer_path: &str) -> Option<&Arc<ServedTenant>> {
        self.hosts.get(authority)?.by_path.get(issuer_path)
    }

    /// A tenant by its id.
    pub fn tenant(&self, id: &TenantId) -> Option<&Arc<ServedTenant>> {
        self.by_id.get(id)
    }

    /// All tenants, in no order.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<ServedTenant>> {
        self.by_id.values()
    }

    /// The verdict on every object that is not being deleted.
    pub fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }
}

/// The authority with the scheme's default port; `None` if the issuer names a port.
fn with_default_port(issuer: &Issuer) -> Option<String> {
    let port = if issuer.is_https() { 443 } else { 80 };
    (issuer.host() == issuer.authority()).then(|| format!("{}:{port}", issuer.authority()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    fn snapshot(issuers: &[&str]) -> Snapshot {
        let served = |(index, issuer): (usize, &&str)| {
            let tenant = Tenant {
                id: TenantId::new("team", index.to_string()),
                issuer: Issuer::parse(issuer).expect("canonical"),
                ..samples::tenant()
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
    fn nested_issuers_match_by_the_longest_run_of_whole_segments() {
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
    fn a_host_may_spell_out_the_default_port_of_its_scheme_only() {
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
    fn the_well_known_form_wants_the_whole_path() {
        let snapshot = snapshot(&["https://a.test", "https://a.test/x"]);
        assert!(snapshot.at("a.test", "").is_some());
        assert!(snapshot.at("a.test", "/x").is_some());
        for path in ["/", "/x/", "/x/y", "x"] {
            assert!(snapshot.at("a.test", path).is_none(), "{path}");
        }
    }

    #[test]
    fn cookies_are_named_the_same_for_ever() {
        assert_eq!(short_hash(&TenantId::new("team", "shop")), "9b4be56421a879d5");
    }
}
