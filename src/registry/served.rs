//! One tenant as it is served: its keys, clients and users, each found by hash.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use aws_lc_rs::digest;

use super::{PrerenderedJson, RegistrationService};
use crate::{
    keys::{KeyRing, PublicKeys, SigningKey},
    model::{
        Client, ClientId, IdTokenAlgorithm, SigningAlgorithm, Subject, Tenant, TenantId, Timestamp,
        User,
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
    pub discovery: PrerenderedJson,
    /// The JWK set.
    pub jwks: PrerenderedJson,
    /// 16 hex digits that stand for the tenant in the names of cookies.
    pub short_hash: String,
    /// Where clients register, if they may.
    pub registration: Option<RegistrationService>,
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
            discovery: PrerenderedJson::about(&tenant.issuer, &metadata::discovery(&tenant)),
            jwks: PrerenderedJson::json(&keys.jwks()),
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
    pub fn taking_registrations(self, registration: Option<RegistrationService>) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_named_the_same_for_ever() {
        assert_eq!(short_hash(&TenantId::new("team", "shop")), "9b4be56421a879d5");
    }
}
