//! The names of a tenant's objects that are not served. They stay reserved: a mistake in an object neither passes its
//! names on to others, nor lets in the people of providers whom it declares.

use std::collections::HashMap;

use crate::{
    model::{
        Account, ClientId, DeclaredIdentity, ManagedKind, ObjectKey, ObjectRef, Subject,
        normalize_username,
    },
    protocol::identity_provider::{SubjectRule, can_give_subject},
};

/// The names of a user, as far as they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserNames {
    /// The normalized username and preferred username.
    pub names: Vec<String>,
    /// The normalized e-mail address, if it is verified.
    pub email: Option<String>,
    /// The claim `sub`. `None` if the object has no valid one.
    pub subject: Option<Subject>,
    /// The people of identity providers who are this user.
    pub identities: Vec<DeclaredIdentity>,
}

impl UserNames {
    /// The names of an accepted account.
    pub fn of(account: &Account) -> Self {
        let preferred = account.preferred_username().filter(|it| *it != account.username);
        Self {
            names: std::iter::once(account.username.clone()).chain(preferred).collect(),
            email: account.verified_email().map(normalize_username),
            subject: Some(account.subject.clone()),
            identities: account.identities.to_vec(),
        }
    }
}

/// The names of a provider, as far as they can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderNames {
    /// The rule by which it makes subjects.
    pub subject: SubjectRule,
    /// The domains of names that lead to it.
    pub domains: Vec<String>,
    /// Whether it is a directory, whose people type their password here.
    pub is_directory: bool,
}

/// The names of objects that are not served, each with an object that has it.
#[derive(Clone, Debug, Default)]
pub struct ReservedNames {
    names: HashMap<String, ObjectKey>,
    emails: HashMap<String, ObjectKey>,
    subjects: HashMap<Subject, ObjectKey>,
    identities: HashMap<DeclaredIdentity, ObjectKey>,
    client_ids: HashMap<ClientId, ObjectKey>,
    providers: Vec<(ObjectKey, ProviderNames)>,
}

impl ReservedNames {
    /// Reserves the names of a user.
    pub fn reserve_user(&mut self, user: &ObjectKey, names: UserNames) {
        for name in names.names {
            self.names.entry(name).or_insert_with(|| user.clone());
        }
        if let Some(email) = names.email {
            self.emails.entry(email).or_insert_with(|| user.clone());
        }
        if let Some(subject) = names.subject {
            self.subjects.entry(subject).or_insert_with(|| user.clone());
        }
        for identity in names.identities {
            self.identities.entry(identity).or_insert_with(|| user.clone());
        }
    }

    /// Reserves the id of a client.
    pub fn reserve_client(&mut self, client: ObjectKey, id: ClientId) {
        self.client_ids.insert(id, client);
    }

    /// Reserves the subjects and domains of a provider.
    pub fn reserve_provider(&mut self, provider: ObjectKey, names: ProviderNames) {
        self.providers.push((provider, names));
    }

    /// The provider that names of a domain lead to.
    pub fn provider_with_domain(&self, domain: &str) -> Option<&ObjectKey> {
        let mut providers = self.providers.iter();
        let found = providers.find(|(_, names)| names.domains.iter().any(|it| it == domain));
        found.map(|(provider, _)| provider)
    }

    /// Returns true if there is a provider of this name, which is not served.
    pub fn has_provider(&self, name: &str) -> bool {
        self.providers.iter().any(|(provider, _)| *provider.name == *name)
    }

    /// Returns true if domains of names lead to a provider other than a directory.
    pub fn routes_domains(&self) -> bool {
        self.providers.iter().any(|(_, names)| !names.is_directory && !names.domains.is_empty())
    }

    /// Returns true if a client that is not served has the id.
    pub fn has_client_id(&self, id: &str) -> bool {
        self.client_ids.contains_key(id)
    }

    /// The user who declares a person of an identity provider.
    pub fn user_with_identity(&self, identity: &DeclaredIdentity) -> Option<&ObjectKey> {
        self.identities.get(identity)
    }

    /// The user with a normalized username or preferred username.
    pub fn user_with_name(&self, normalized: &str) -> Option<&ObjectKey> {
        self.names.get(normalized)
    }

    /// The user who signs in by a normalized name: by the username, or by a verified e-mail address.
    pub fn user_with_typed_name(&self, normalized: &str) -> Option<&ObjectKey> {
        let by_email = || self.emails.get(normalized).filter(|_| normalized.contains('@'));
        self.user_with_name(normalized).or_else(by_email)
    }

    /// The user or client whose subject it is.
    pub fn holder_of_subject(&self, subject: &Subject) -> Option<ObjectRef> {
        if let Some(user) = self.subjects.get(subject) {
            return Some(ObjectRef::new(ManagedKind::OidcUser, user.clone()));
        }
        if let Some(client) = self.client_ids.get(subject.as_str()) {
            return Some(ObjectRef::new(ManagedKind::OidcClient, client.clone()));
        }
        None
    }

    /// A provider that can give a subject to one of its people.
    pub fn provider_with_subject(&self, subject: &Subject) -> Option<ObjectRef> {
        let mut providers = self.providers.iter();
        let (provider, _) =
            providers.find(|(_, names)| can_give_subject(&names.subject, subject))?;
        Some(ObjectRef::new(ManagedKind::IdentityProvider, provider.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SubjectStrategy, fixtures};

    #[test]
    fn the_names_of_a_user_are_found() {
        let mut account = fixtures::user();
        account.username = "grace".to_owned();
        account.claims.insert("preferred_username".to_owned(), "The Admiral".into());
        account.claims.insert("email".to_owned(), "Grace@Acme.test".into());
        account.claims.insert("email_verified".to_owned(), true.into());
        let identity = DeclaredIdentity { provider: "corp".to_owned(), subject: "7".to_owned() };
        account.identities = [identity.clone()].into();
        let (grace, other) = (ObjectKey::new("team", "grace"), ObjectKey::new("team", "other"));
        let mut reserved = ReservedNames::default();
        reserved.reserve_user(&grace, UserNames::of(&account));
        // The first one keeps them.
        reserved.reserve_user(&other, UserNames::of(&account));
        for name in ["grace", "the admiral"] {
            assert_eq!(reserved.user_with_name(name), Some(&grace), "{name}");
            assert_eq!(reserved.user_with_typed_name(name), Some(&grace), "{name}");
        }
        assert_eq!(reserved.user_with_typed_name("grace@acme.test"), Some(&grace));
        assert_eq!(reserved.user_with_name("grace@acme.test"), None);
        assert_eq!(reserved.user_with_identity(&identity), Some(&grace));
        let holder = reserved.holder_of_subject(&account.subject);
        assert_eq!(holder, Some(ObjectRef::new(ManagedKind::OidcUser, grace)));
    }

    #[test]
    fn the_subjects_of_clients_and_other_providers_are_found() {
        let mut reserved = ReservedNames::default();
        let key = |name| ObjectKey::new("team", name);
        reserved.reserve_client(key("shop"), ClientId::new("team.shop"));
        let rule = SubjectRule {
            claim: "sub".to_owned(),
            strategy: SubjectStrategy::Computed,
            connector_id: String::new(),
        };
        let domains = vec!["acme.test".to_owned()];
        let names = ProviderNames { subject: rule, domains, is_directory: true };
        reserved.reserve_provider(key("corp"), names);
        assert_eq!(reserved.provider_with_domain("acme.test"), Some(&key("corp")));
        assert_eq!(reserved.provider_with_domain("other.test"), None);
        assert!(!reserved.routes_domains());
        let client = reserved.holder_of_subject(&Subject::new("team.shop"));
        assert_eq!(client.map(|it| it.to_string()).as_deref(), Some("OidcClient team/shop"));
        assert_eq!(reserved.holder_of_subject(&Subject::new("ada")), None);
        let computed = Subject::new("ba19b9dd-021d-5fe5-80d7-83fd6954cdc9");
        let provider = reserved.provider_with_subject(&computed);
        assert_eq!(
            provider.map(|it| it.to_string()).as_deref(),
            Some("IdentityProvider team/corp")
        );
        assert_eq!(reserved.provider_with_subject(&Subject::new("ada")), None);
    }
}
