//! The identity providers that the domains of names lead to.

use std::sync::Arc;

use super::ServedTenant;
use crate::protocol::identity_provider::IdentityProvider;

impl ServedTenant {
    /// Returns true if domains of names lead to providers that are no directories.
    pub fn routes_domains(&self) -> bool {
        let mut elsewhere = self.providers().iter().filter(|it| it.directory().is_none());
        elsewhere.any(|provider| !provider.sign_in.domains.is_empty())
    }

    /// The provider that the domain of a name leads to. The people of a directory type their password
    /// here.
    pub fn provider_for_name(&self, name: &str) -> Option<&Arc<IdentityProvider>> {
        let domain = name.rsplit_once('@')?.1.trim().to_ascii_lowercase();
        let mut elsewhere = self.providers().iter().filter(|it| it.directory().is_none());
        elsewhere.find(|provider| provider.sign_in.domains.contains(&domain))
    }
}
