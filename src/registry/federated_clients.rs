//! The clients of a tenant that identities of other issuers authenticate: by issuer and subject, with
//! the parsed keys of issuers that have them in the manifest.

use std::{collections::HashMap, sync::Arc};

use crate::{
    keys::PublicKeys,
    model::{Client, ClientId, FederatedSubject},
};

/// An issuer and a subject.
type Identity = (Box<str>, Box<str>);

/// The clients that federated credentials authenticate.
#[derive(Clone, Debug, Default)]
pub struct FederatedClients {
    /// By exact issuer and subject; `None` if several clients trust them.
    by_identity: HashMap<Identity, Option<ClientId>>,
    /// By client, and the index of its credential.
    keys: HashMap<(ClientId, usize), Arc<PublicKeys>>,
}

impl FederatedClients {
    /// Indexes the credentials of clients.
    pub(super) fn of(clients: &[Arc<Client>]) -> Self {
        let mut found = Self::default();
        for client in clients {
            for (index, credential) in client.federated_credentials.iter().enumerate() {
                if let Some(set) = &credential.jwks {
                    let keys = Arc::new(PublicKeys::parse(set));
                    found.keys.insert((client.id.clone(), index), keys);
                }
                if let FederatedSubject::Exact(subject) = &credential.subject {
                    let identity = (credential.issuer.clone(), subject.clone());
                    let forget_others = |holder: &mut Option<ClientId>| {
                        if holder.as_ref() != Some(&client.id) {
                            *holder = None;
                        }
                    };
                    let holder = found.by_identity.entry(identity).and_modify(forget_others);
                    holder.or_insert_with(|| Some(client.id.clone()));
                }
            }
        }
        found
    }

    /// The only client that trusts this subject of an issuer exactly.
    pub fn only_client(&self, issuer: &str, subject: &str) -> Option<&ClientId> {
        self.by_identity.get(&(issuer.into(), subject.into()))?.as_ref()
    }

    /// The keys of a credential that has them in the manifest.
    pub fn keys(&self, client: &Client, index: usize) -> Option<&Arc<PublicKeys>> {
        self.keys.get(&(client.id.clone(), index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FederatedCredential, SubjectPattern, fixtures};

    const CI: &str = "https://ci.test";

    fn client(id: &str, credentials: &[(&str, FederatedSubject)]) -> Arc<Client> {
        let credential = |(issuer, subject): &(&str, FederatedSubject)| FederatedCredential {
            issuer: (*issuer).into(),
            jwks: None,
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
        let found = FederatedClients::of(&clients);
        let of = |subject| found.only_client(CI, subject).map(ClientId::as_str);
        assert_eq!(of("a"), Some("one"), "twice in one client");
        assert_eq!(of("c"), None, "in several clients");
        assert_eq!(of("repo:acme/shop"), None, "patterns need a client_id");
        assert_eq!(of("b"), None, "of another issuer");
        assert_eq!(found.only_client("https://b.test", "b").map(ClientId::as_str), Some("one"));
    }
}
