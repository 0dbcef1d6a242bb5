//! A tenant as it is served: its keys, and its clients and users in hash maps.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    FederatedClients, PrerenderedJson, RegistrationService, ReservedNames,
    account_names::{index_by_preferred_username, index_by_verified_email},
};
use crate::{
    keys::{ClientAuthorities, KeyRing, PublicKeys, SigningKey},
    model::{
        Account, Client, ClientAuthentication, ClientId, DeclaredIdentity, IdTokenAlgorithm,
        InternalHost, PasswordState, ResourceServer, ResourceServers, SigningAlgorithm,
        StoredPassword, Subject, Tenant, Timestamp,
    },
    protocol::{
        identity_provider::{IdentityProvider, ProviderSource},
        metadata,
    },
};

/// A tenant as it is served, with keys, clients, users and prerendered responses.
#[derive(Clone, Debug)]
pub struct ServedTenant {
    /// The validated tenant, with all defaults applied.
    pub tenant: Tenant,
    /// The signing keys of the tenant: the current ones, and those that are published before or after.
    pub keys: KeyRing,
    /// The discovery document (OIDC Discovery §3), as rendered JSON.
    pub discovery: PrerenderedJson,
    /// The JWK Set (RFC 7517 §5), as rendered JSON.
    pub jwks: PrerenderedJson,
    /// 16 hexadecimal digits derived from the tenant's ID, for the names of its cookies.
    pub short_hash: String,
    /// Dynamic registration, if it is enabled.
    pub registration: Option<RegistrationService>,
    pub(super) clients: HashMap<ClientId, Arc<Client>>,
    public_keys: HashMap<ClientId, PublicKeys>,
    /// The authorities of the certificates of clients.
    client_authorities: HashMap<ClientId, ClientAuthorities>,
    /// The clients that identities of other issuers authenticate.
    pub federated_clients: FederatedClients,
    accounts: Vec<Arc<Account>>,
    /// The identity providers, in the order of the sign-in page.
    providers: Vec<Arc<IdentityProvider>>,
    /// The resource servers, by the values of `resource` (RFC 8707).
    pub resource_servers: ResourceServers,
    passwords: HashMap<Subject, StoredPassword>,
    by_username: HashMap<String, Arc<Account>>,
    /// The accounts by normalized `preferred_username`, if it is not the username.
    by_preferred_username: HashMap<String, Arc<Account>>,
    by_subject: HashMap<Subject, Arc<Account>>,
    /// The accounts by the people of identity providers that they declare.
    by_identity: HashMap<DeclaredIdentity, Arc<Account>>,
    /// The accounts by normalized e-mail address, if it is verified and no other account has it too.
    by_email: HashMap<String, Arc<Account>>,
    /// The names of objects that are not served.
    reserved: ReservedNames,
    /// Sorted, for binary search.
    origins: Box<[Arc<str>]>,
}

impl ServedTenant {
    /// Creates a tenant. The clients' IDs, the usernames and the subjects must be unique.
    pub fn new(
        tenant: Tenant,
        keys: KeyRing,
        clients: Vec<Arc<Client>>,
        accounts: Vec<(Arc<Account>, Option<StoredPassword>)>,
    ) -> Self {
        let by = |account: &Arc<Account>| Arc::clone(account);
        let passwords = accounts.iter().filter_map(|(account, password)| {
            password.clone().map(|password| (account.subject.clone(), password))
        });
        let passwords = passwords.collect();
        let accounts: Vec<_> = accounts.into_iter().map(|(account, _)| account).collect();
        let parsed = |client: &Arc<Client>| {
            Some((client.id.clone(), PublicKeys::parse(client.keys.inline()?)))
        };
        let origins: BTreeSet<_> =
            clients.iter().flat_map(|it| it.origins.iter().cloned()).collect();
        let grants = metadata::used_grant_types(clients.iter());
        Self {
            discovery: PrerenderedJson::about(
                &tenant.issuer,
                &metadata::discovery_document(&tenant, &ResourceServers::default(), &grants),
            ),
            jwks: PrerenderedJson::json(&keys.jwks()),
            short_hash: tenant.id.short_hash(),
            registration: None,
            origins: origins.into_iter().collect(),
            public_keys: clients.iter().filter_map(parsed).collect(),
            client_authorities: clients.iter().filter_map(authorities_of).collect(),
            federated_clients: FederatedClients::of(&tenant.id, &clients),
            clients: clients.into_iter().map(|client| (client.id.clone(), client)).collect(),
            by_username: accounts.iter().map(|it| (it.username.clone(), by(it))).collect(),
            by_preferred_username: index_by_preferred_username(&accounts),
            by_email: index_by_verified_email(&accounts),
            reserved: ReservedNames::default(),
            by_identity: accounts
                .iter()
                .flat_map(|it| it.identities.iter().map(move |identity| (identity.clone(), by(it))))
                .collect(),
            by_subject: accounts.iter().map(|it| (it.subject.clone(), by(it))).collect(),
            accounts,
            providers: Vec::new(),
            resource_servers: ResourceServers::default(),
            passwords,
            tenant,
            keys,
        }
    }

    /// The discovery document at an address inside the cluster. Applications read it when they
    /// start, so it is not prepared.
    pub fn internal_discovery(&self, host: &InternalHost) -> PrerenderedJson {
        let url = host.tenant_url(&self.tenant.id);
        let (servers, grants) =
            (&self.resource_servers, metadata::used_grant_types(self.clients()));
        let document = metadata::internal_discovery(&self.tenant, servers, &grants, &url);
        PrerenderedJson::json(&document)
    }

    /// Sets the registration service; `None`: registration is disabled.
    #[must_use]
    pub fn taking_registrations(self, registration: Option<RegistrationService>) -> Self {
        Self { registration, ..self }
    }

    /// Sets the identity providers, in the order of the sign-in page.
    #[must_use]
    pub fn with_providers(self, providers: Vec<Arc<IdentityProvider>>) -> Self {
        Self { providers, ..self }
    }

    /// Sets the names of the tenant's objects that are not served.
    #[must_use]
    pub fn with_reserved_names(self, reserved: ReservedNames) -> Self {
        Self { reserved, ..self }
    }

    /// Names of objects that are not served. No other object may use them.
    pub fn reserved_names(&self) -> &ReservedNames {
        &self.reserved
    }

    /// Sets the resource servers. The discovery document has their scopes.
    #[must_use]
    pub fn with_resource_servers(self, resource_servers: Vec<Arc<ResourceServer>>) -> Self {
        if resource_servers.is_empty() {
            return self;
        }
        let resource_servers = ResourceServers::new(resource_servers);
        let grants = metadata::used_grant_types(self.clients());
        let document = metadata::discovery_document(&self.tenant, &resource_servers, &grants);
        let discovery = PrerenderedJson::about(&self.tenant.issuer, &document);
        Self { discovery, resource_servers, ..self }
    }

    /// The identity providers, in the order of the sign-in page.
    pub fn providers(&self) -> &[Arc<IdentityProvider>] {
        &self.providers
    }

    /// Issuers of the tenants of this installation that are identity providers of this tenant.
    pub fn linked_issuers(&self) -> Vec<String> {
        let linked = |provider: &Arc<IdentityProvider>| match &provider.source {
            ProviderSource::Oidc(oidc) => oidc.linked.is_some().then(|| oidc.issuer.clone()),
            ProviderSource::GitHub(_) | ProviderSource::Ldap(_) => None,
        };
        self.providers.iter().filter_map(linked).collect()
    }

    /// Finds an identity provider by the name of its object.
    pub fn provider(&self, name: &str) -> Option<&Arc<IdentityProvider>> {
        self.providers.iter().find(|provider| provider.name() == name)
    }

    /// The current signing key of the first listed algorithm that has one. If no key is due, for
    /// example because this machine's clock is slow, the oldest key is used: caches have it.
    pub fn signing_key(&self, now: Timestamp) -> Option<&Arc<SigningKey>> {
        let due = |algorithm: &_| self.keys.signing_key(*algorithm, now);
        let may_sign =
            |key: &&Arc<SigningKey>| self.tenant.fapi2.is_none() || key.algorithm.is_fapi2();
        let any = || oldest(self.keys.keys().iter().filter(may_sign));
        self.tenant.algorithms.iter().find_map(due).or_else(any)
    }

    /// The current signing key of an algorithm.
    pub fn signing_key_of(
        &self,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Option<&Arc<SigningKey>> {
        let of_it = || self.keys.keys().iter().filter(|key| key.algorithm == algorithm);
        self.keys.signing_key(algorithm, now).or_else(|| oldest(of_it()))
    }

    /// The current signing key for tokens sent to a client: of its `id_token_signed_response_alg`,
    /// or of the tenant's first algorithm by default.
    pub fn signing_key_for(&self, client: &Client, now: Timestamp) -> Option<&Arc<SigningKey>> {
        match client.id_token_signed_response_alg {
            Some(IdTokenAlgorithm::Signed(algorithm)) => self.signing_key_of(algorithm, now),
            Some(IdTokenAlgorithm::None) | None => self.signing_key(now),
        }
    }

    /// The public keys that a client registered by value.
    pub fn public_keys(&self, client: &Client) -> Option<&PublicKeys> {
        self.public_keys.get(&client.id)
    }

    /// The authorities of the certificates of a client.
    pub fn client_authorities(&self, client: &Client) -> Option<&ClientAuthorities> {
        self.client_authorities.get(&client.id)
    }

    /// All clients that are served, unordered.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    /// All accounts, in a stable order.
    pub fn accounts(&self) -> &[Arc<Account>] {
        &self.accounts
    }

    /// The stored password of an account.
    pub fn password(&self, subject: &Subject) -> Option<&StoredPassword> {
        self.passwords.get(subject)
    }

    /// Returns true if a user has a password, even one that cannot be read at the moment.
    pub fn has_local_people(&self) -> bool {
        self.accounts.iter().any(|account| account.password != PasswordState::Absent)
    }

    /// The stored passwords of all accounts that have one, in a stable order.
    pub fn passwords(&self) -> impl Iterator<Item = &StoredPassword> + Clone {
        self.accounts.iter().filter_map(|account| self.password(&account.subject))
    }

    /// Finds an account by normalized username.
    pub fn account_by_username(&self, normalized: &str) -> Option<&Arc<Account>> {
        self.by_username.get(normalized)
    }

    /// Finds an account by the normalized name that applications know: the username, or the claim
    /// `preferred_username`.
    pub fn account_by_shown_name(&self, normalized: &str) -> Option<&Arc<Account>> {
        let by_preferred = || self.by_preferred_username.get(normalized);
        self.account_by_username(normalized).or_else(by_preferred)
    }

    /// Finds an account by a normalized e-mail address that was verified, if no other account has
    /// it too.
    pub fn account_by_email(&self, normalized: &str) -> Option<&Arc<Account>> {
        self.by_email.get(normalized)
    }

    /// Finds the account that declares a person of an identity provider.
    pub fn account_by_identity(&self, identity: &DeclaredIdentity) -> Option<&Arc<Account>> {
        self.by_identity.get(identity)
    }

    /// Finds an account by `sub`, before it is made pairwise for a client.
    pub fn account_by_subject(&self, subject: &Subject) -> Option<&Arc<Account>> {
        self.by_subject.get(subject)
    }

    /// Returns true if pages of this origin may read token and userinfo responses (CORS).
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.origins.binary_search_by(|known| (**known).cmp(origin)).is_ok()
    }
}

fn oldest<'a>(keys: impl Iterator<Item = &'a Arc<SigningKey>>) -> Option<&'a Arc<SigningKey>> {
    keys.min_by_key(|key| (key.times.signs_from, &key.kid))
}

/// The authorities of a client, if its certificate is issued by some.
fn authorities_of(client: &Arc<Client>) -> Option<(ClientId, ClientAuthorities)> {
    let ClientAuthentication::TlsClientAuth { certificate: Some(rule) } = &client.authentication
    else {
        return None;
    };
    let authorities = ClientAuthorities::parse(rule.authorities.as_bytes()).ok()?;
    Some((client.id.clone(), authorities))
}

#[cfg(test)]
mod tests {
    use crate::model::TenantId;

    #[test]
    fn cookie_names_are_stable_across_releases() {
        assert_eq!(TenantId::new("team", "shop").short_hash(), "9b4be56421a879d5");
    }
}
