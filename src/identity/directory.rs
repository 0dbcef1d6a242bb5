//! The trait by which the sign-in finds accounts and their passwords.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use async_trait::async_trait;

use crate::model::{Account, StoredPassword, Subject};

/// The accounts of one tenant.
#[async_trait]
pub trait AccountLookup: Send + Sync {
    /// Returns the account with a normalized sign-in name, even if disabled.
    async fn by_username(&self, username: &str) -> Option<Arc<Account>>;

    /// Returns the account with a normalized e-mail address, even if disabled. The address is
    /// verified, and no other account has it too.
    async fn by_verified_email(&self, email: &str) -> Option<Arc<Account>>;

    /// Returns the account with a subject, even if disabled.
    async fn by_subject(&self, subject: &Subject) -> Option<Arc<Account>>;

    /// Returns the stored password of an account; `None` if it has none.
    async fn password(&self, subject: &Subject) -> Option<StoredPassword>;

    /// Returns the stored password to check when `username` is unknown, so that unknown names take
    /// as long as known ones. It is a password of another user of the tenant, always the same for a
    /// name, and the check never succeeds. `None` if the tenant has no passwords; then a hash of
    /// the default cost is computed.
    async fn decoy(&self, username: &str) -> Option<StoredPassword> {
        let _ = username;
        None
    }
}

/// Implements `decoy`: selects one of the passwords by a hash of the name.
pub fn choose_decoy<'a>(
    mut passwords: impl Iterator<Item = &'a StoredPassword> + Clone,
    username: &str,
) -> Option<StoredPassword> {
    let index = decoy_index(passwords.clone().count(), username)?;
    passwords.nth(index).cloned()
}

/// The number of the decoy among this many, by a hash of the name. `None` for a
/// count of zero.
pub fn decoy_index(count: usize, username: &str) -> Option<usize> {
    let mut hasher = DefaultHasher::new();
    username.hash(&mut hasher);
    let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
    usize::try_from(hasher.finish() % count).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn a_decoy_is_stable_for_a_name_and_absent_without_passwords() {
        let passwords = ["a", "b"].map(|it| StoredPassword::Plain(Secret::new(it.to_owned())));
        let chosen: Vec<_> = ["mallory", "eve", "bob", "dan", "x", "y", "z"]
            .map(|name| choose_decoy(passwords.iter(), name).expect("a password"))
            .into();
        assert!(passwords.iter().all(|password| chosen.contains(password)));
        assert_eq!(choose_decoy(passwords.iter(), "mallory").as_ref(), chosen.first());
        assert_eq!(choose_decoy([].iter(), "mallory"), None);
    }
}
