//! The people who sign in with a passkey alone.

use super::ServedTenant;

impl ServedTenant {
    /// Returns true if people can sign in with a passkey alone. These are people with a password too, and people
    /// who were invited to set up a passkey.
    pub fn has_people_with_passkeys(&self) -> bool {
        let policies = self.tenant.authenticators;
        self.has_local_people() || self.accounts().iter().any(|it| policies.admits_by_passkey(it))
    }
}
