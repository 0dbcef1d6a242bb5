//! The clients of a tenant that authenticate by identities of other issuers. They are found by issuer and subject.
//! Keys of issuers that are in the manifest are parsed.
//!
//! Only clients of the tenant's own namespace are found without their client ID. Clients of every admitted
//! namespace may trust any identity. Otherwise a client elsewhere could take over the requests of a workload that
//! sends no client ID, or make them ambiguous.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use crate::{
    keys::PublicKeys,
    model::{Client, ClientId, FederatedIssuer, FederatedSubject, TenantId},
};

/// An issuer and a subject: the claims `iss` and `sub` of an assertion.
type Identity = (Box<str>, Box<str>);

/// The clients that federated credentials authenticate.
#[derive(Clone, Debug, Default)]
pub struct FederatedClients {
    /// The clients of the tenant's namespace, by exact issuer and subject; `None` if several trust them.
    by_identity: HashMap<Identity, Option<ClientId>>,
    /// The clients by the subject of a ServiceAccount of the cluster; `None` if several name it. They are in its own
    /// namespace, so no other namespace can add one.
    by_service_account: HashMap<Box<str>, Option<ClientId>>,
    /// The keys that verify a credential, by client and the index of the credential.
    keys: HashMap<(ClientId, usize), Arc<PublicKeys>>,
}

impl FederatedClients {
    /// Indexes the federated credentials of a tenant's clients.
    pub(super) fn of(tenant: &TenantId, clients: &[Arc<Client>]) -> Self {
        let mut found = Self::default();
        // Credentials with the same keys share them, so that an assertion is verified once.
        let mut parsed: HashMap<String, Arc<PublicKeys>> = HashMap::new();
        for client in clients {
            for (index, credential) in client.federated_credentials.iter().enumerate() {
                let FederatedIssuer::Named { issuer, jwks } = &credential.issuer else {
                    if let FederatedSubject::Exact(subject) = &credential.subject {
                        add_holder(&mut found.by_service_account, subject.clone(), &client.id);
                    }
                    continue;
                };
                if let Some(set) = jwks {
                    let keys = parsed.entry(set.to_string());
                    let keys = keys.or_insert_with(|| Arc::new(PublicKeys::parse(set)));
                    found.keys.insert((client.id.clone(), index), Arc::clone(keys));
                }
                if client.object.namespace != tenant.0.namespace {
                    continue;
                }
                if let FederatedSubject::Exact(subject) = &credential.subject {
                    let identity = (issuer.clone(), subject.clone());
                    add_holder(&mut found.by_identity, identity, &client.id);
                }
            }
        }
        found
    }

    /// The only client of the tenant's namespace that trusts this subject of an issuer exactly.
    pub fn only_client(&self, issuer: &str, subject: &str) -> Option<&ClientId> {
        self.by_identity.get(&(issuer.into(), subject.into()))?.as_ref()
    }

    /// The only client that a ServiceAccount of the cluster authenticates, by the subject of its tokens.
    pub fn only_client_of_service_account(&self, subject: &str) -> Option<&ClientId> {
        self.by_service_account.get(subject)?.as_ref()
    }

    /// The keys of a credential that has them in the manifest.
    pub fn keys(&self, client: &Client, index: usize) -> Option<&Arc<PublicKeys>> {
        self.keys.get(&(client.id.clone(), index))
    }
}

/// Adds a client to an identity. With several clients it finds none.
fn add_holder<K: Eq + Hash>(
    holders: &mut HashMap<K, Option<ClientId>>,
    identity: K,
    client: &ClientId,
) {
    let forget_others = |holder: &mut Option<ClientId>| {
        if holder.as_ref() != Some(client) {
            *holder = None;
        }
    };
    let holder = holders.entry(identity).and_modify(forget_others);
    holder.or_insert_with(|| Some(client.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        FederatedCredential, SubjectPattern, TokenValidation, fixtures, service_account_subject,
    };

    const CI: &str = "https://ci.test";

    fn client(id: &str, credentials: &[(&str, FederatedSubject)]) -> Arc<Client> {
        let credential = |(issuer, subject): &(&str, FederatedSubject)| FederatedCredential {
            issuer: FederatedIssuer::Named { issuer: (*issuer).into(), jwks: None },
            subject: subject.clone(),
            audience: "https://id.test".into(),
            claims: std::collections::BTreeMap::new(),
        };
        Arc::new(Client {
            id: ClientId::new(id),
            federated_credentials: credentials.iter().map(credential).collect(),
            ..fixtures::client()
        })
    }

    #[test]
    fn exactly_one_client_is_found_by_an_exact_identity() {
        let exact = |subject: &str| FederatedSubject::Exact(subject.into());
        let pattern = SubjectPattern::parse("repo:acme/*").expect("a pattern");
        let clients = [
            client("one", &[(CI, exact("a")), (CI, exact("a")), ("https://b.test", exact("b"))]),
            client("two", &[(CI, exact("c"))]),
            client("three", &[(CI, exact("c"))]),
            client("four", &[(CI, FederatedSubject::Pattern(pattern))]),
            client("five", &[(CI, exact("c"))]),
        ];
        let found = FederatedClients::of(&clients[0].tenant, &clients);
        let of = |subject| found.only_client(CI, subject).map(ClientId::as_str);
        assert_eq!(of("a"), Some("one"), "twice in one client");
        assert_eq!(of("c"), None, "in several clients");
        assert_eq!(of("repo:acme/shop"), None, "patterns need a client_id");
        assert_eq!(of("b"), None, "of another issuer");
        assert_eq!(found.only_client("https://b.test", "b").map(ClientId::as_str), Some("one"));
    }

    #[test]
    fn clients_of_other_namespaces_need_a_client_id() {
        let exact = |subject: &str| FederatedSubject::Exact(subject.into());
        let own = client("own", &[(CI, exact("a"))]);
        let elsewhere = |name: &str| {
            let client = client(name, &[(CI, exact("a")), (CI, exact("b"))]);
            let object = crate::model::ObjectKey::new("elsewhere", name);
            Arc::new(Client { object, ..Client::clone(&client) })
        };
        let clients = [elsewhere("one"), Arc::clone(&own), elsewhere("two")];
        let found = FederatedClients::of(&own.tenant, &clients);
        assert_eq!(found.only_client(CI, "a").map(ClientId::as_str), Some("own"));
        assert_eq!(found.only_client(CI, "b"), None, "their workloads send a client_id");
    }

    #[test]
    fn a_service_account_is_found_in_every_namespace() {
        let of_account = |namespace: &str, name: &str| {
            let subject = service_account_subject(namespace, "billing");
            let named = client(name, &[(CI, FederatedSubject::Exact(subject.into()))]);
            let issuer = FederatedIssuer::Cluster { validation: TokenValidation::Signature };
            let credentials = named.federated_credentials.iter();
            let credentials =
                credentials.map(|it| FederatedCredential { issuer: issuer.clone(), ..it.clone() });
            let object = crate::model::ObjectKey::new(namespace, name);
            let federated_credentials = credentials.collect();
            Arc::new(Client { object, federated_credentials, ..Client::clone(&named) })
        };
        let clients = [of_account("a", "one"), of_account("b", "two"), of_account("b", "three")];
        let found = FederatedClients::of(&clients[0].tenant, &clients);
        let of = |namespace| {
            let subject = service_account_subject(namespace, "billing");
            found.only_client_of_service_account(&subject).map(ClientId::as_str)
        };
        assert_eq!((of("a"), of("b"), of("c")), (Some("one"), None, None));
        assert_eq!(found.only_client(CI, "system:serviceaccount:a:billing"), None);
    }

    #[test]
    fn credentials_with_the_same_keys_share_them() {
        let with_keys = |client: &Client| {
            let jwks = Some(Arc::new(serde_json::json!({ "keys": [] })));
            let issuer = FederatedIssuer::Named { issuer: CI.into(), jwks };
            let credentials = client.federated_credentials.iter();
            let credentials =
                credentials.map(|it| FederatedCredential { issuer: issuer.clone(), ..it.clone() });
            Arc::new(Client { federated_credentials: credentials.collect(), ..client.clone() })
        };
        let exact = |subject: &str| FederatedSubject::Exact(subject.into());
        let client = with_keys(&client("one", &[(CI, exact("a")), (CI, exact("b"))]));
        let found = FederatedClients::of(&client.tenant, std::slice::from_ref(&client));
        let keys = [found.keys(&client, 0), found.keys(&client, 1)].map(|it| it.expect("keys"));
        assert!(Arc::ptr_eq(keys[0], keys[1]));
    }
}
