//! The identity providers that the domains of names lead to.

use std::sync::Arc;

use super::ServedTenant;
use crate::{
    model::{Account, LdapSettings, ObjectKey, PasswordState},
    protocol::identity_provider::IdentityProvider,
};

/// The directory that checks a name.
#[derive(Clone, Copy, Debug)]
pub struct RoutedDirectory<'a> {
    /// The provider, and its directory to ask for the person.
    pub directory: (&'a IdentityProvider, &'a LdapSettings),
    /// The only user who can sign in by the name, if there is one.
    pub user: Option<&'a Arc<Account>>,
}

impl ServedTenant {
    /// Returns true if a name's domain is assigned to a provider other than a directory, served or not.
    pub fn routes_domains(&self) -> bool {
        let mut elsewhere = self.providers().iter().filter(|it| it.directory().is_none());
        elsewhere.any(|provider| !provider.sign_in.domains.is_empty())
            || self.reserved_names().routes_domains()
    }

    /// The provider that the domain of a name leads to, if the provider is not served and no user with a password has
    /// the name. So a mistake in the provider's object sends neither the name nor the password to another place.
    pub fn absent_provider_for_name(&self, normalized: &str) -> Option<&ObjectKey> {
        let (_, domain) = normalized.rsplit_once('@')?;
        let provider = self.reserved_names().provider_with_domain(domain)?;
        let user = self.declared_user(normalized);
        let has_password = user.is_some_and(|user| user.password != PasswordState::Absent);
        let is_served = self.providers().iter().any(|it| it.sign_in.has_domain(domain));
        (!has_password && !is_served).then_some(provider)
    }

    /// The provider that the domain of a name leads to. The people of a directory type their password
    /// here.
    pub fn provider_for_name(&self, name: &str) -> Option<&Arc<IdentityProvider>> {
        let domain = name.rsplit_once('@')?.1.trim().to_ascii_lowercase();
        let mut elsewhere = self.providers().iter().filter(|it| it.directory().is_none());
        elsewhere.find(|provider| provider.sign_in.has_domain(&domain))
    }

    /// The directory that checks a name, with the user who has the name. A user without a password signs in with
    /// the directory whose person the user declares. A name may also belong to no user of the tenant, served or
    /// not. Its directory is the one that lists the domain after the `@`, or else the one that lists no domains.
    pub fn directory_for(&self, normalized: &str) -> Option<RoutedDirectory<'_>> {
        let providers = self.providers().iter();
        let mut directories = providers.filter_map(|it| Some((&**it, it.directory()?)));
        if let Some(user) = self.declared_user(normalized) {
            // A directory must not see a password that is checked here.
            let declares = |provider: &IdentityProvider| {
                user.password == PasswordState::Absent
                    && user.identities.iter().any(|it| it.provider == provider.name())
            };
            let directory = directories.find(|(provider, _)| declares(provider))?;
            return Some(RoutedDirectory { directory, user: Some(user) });
        }
        if self.reserved_names().user_with_typed_name(normalized).is_some() {
            return None;
        }
        let domain = normalized.rsplit_once('@').map(|(_, domain)| domain);
        let named = domain.and_then(|domain| {
            let mut directories = directories.clone();
            directories.find(|(it, _)| it.sign_in.has_domain(domain))
        });
        let directory = named.or_else(|| directories.find(|(it, _)| it.sign_in.domains.is_empty()));
        directory.map(|directory| RoutedDirectory { directory, user: None })
    }

    /// The user who signs in by a normalized name: the username, or a verified e-mail address.
    fn declared_user(&self, normalized: &str) -> Option<&Arc<Account>> {
        let by_email = || self.account_by_email(normalized).filter(|_| normalized.contains('@'));
        self.account_by_username(normalized).or_else(by_email)
    }
}
