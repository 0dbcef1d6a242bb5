//! Where people are found.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use async_trait::async_trait;
use unicode_normalization::UnicodeNormalization;

use crate::model::{StoredPassword, Subject, User};

/// Characters of a typed name that are looked at; names in manifests have at most 256.
const MAX_USERNAME_LEN: usize = 512;

/// The people of one tenant.
#[async_trait]
pub trait UserDirectory: Send + Sync {
    /// The person with a normalised sign-in name, disabled or not.
    async fn by_username(&self, username: &str) -> Option<Arc<User>>;

    /// The person with a subject, disabled or not.
    async fn by_subject(&self, subject: &Subject) -> Option<Arc<User>>;

    /// The stored password that an attempt for an unknown `username` is checked against, in vain:
    /// one of the tenant's own, always the same for a name, so that the time it takes does not tell
    /// unknown names from known ones. `None`: there is none, and a hash of the default cost is
    /// computed.
    async fn decoy(&self, username: &str) -> Option<StoredPassword> {
        let _ = username;
        None
    }
}

/// A directory's `decoy`: the password of one of its users, chosen by the name.
pub fn choose_decoy(users: &[Arc<User>], username: &str) -> Option<StoredPassword> {
    let mut hasher = DefaultHasher::new();
    username.hash(&mut hasher);
    let mut passwords = users.iter().filter_map(|user| user.password.as_ref());
    let count = u64::try_from(passwords.clone().count()).ok().filter(|count| *count > 0)?;
    passwords.nth(usize::try_from(hasher.finish() % count).ok()?).cloned()
}

/// The form in which sign-in names are compared: NFKC, lower case, without surrounding white space.
/// Only the first characters of an overlong name count. Applying it twice changes nothing.
pub fn normalize_username(text: &str) -> String {
    let composed: String = text.trim().chars().take(MAX_USERNAME_LEN).nfkc().collect();
    let lower: String = composed.to_lowercase().nfkc().collect();
    lower.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{ObjectKey, Secret};

    #[test]
    fn names_that_people_take_for_the_same_are_the_same() {
        for typed in ["ada", " Ada ", "ADA", "ＡＤＡ", "\u{a0}ada\n", "ada\u{3000}"] {
            assert_eq!(normalize_username(typed), "ada", "{typed:?}");
        }
        assert_eq!(normalize_username("Zoe\u{308}"), normalize_username("ZOË"));
        assert_eq!(normalize_username("ΟΔΥΣΣΕΥΣ"), normalize_username("οδυσσευς"));
    }

    #[test]
    fn other_names_stay_apart() {
        assert_ne!(normalize_username("ada"), normalize_username("a da"));
        assert_ne!(normalize_username("ada"), normalize_username("\u{430}da"), "Cyrillic a");
        assert_eq!(normalize_username("  "), "");
    }

    #[test]
    fn a_flood_of_characters_is_cut() {
        assert!(normalize_username(&"a".repeat(100_000)).len() <= MAX_USERNAME_LEN);
    }

    #[test]
    fn a_decoy_is_the_same_for_a_name_and_none_of_none() {
        let user = |password: Option<&str>| {
            Arc::new(User {
                object: ObjectKey::new("team", "ada"),
                username: "ada".to_owned(),
                subject: Subject::new("1"),
                password: password.map(|text| StoredPassword::Plain(Secret::new(text.to_owned()))),
                claims: serde_json::Map::new(),
                groups: vec![],
                disabled: false,
            })
        };
        let users = [user(None), user(Some("a")), user(Some("b")), user(None)];
        let chosen: Vec<_> = ["mallory", "eve", "bob", "dan", "x", "y", "z"]
            .map(|name| choose_decoy(&users, name).expect("one of those with a password"))
            .into();
        assert!(
            users[1..3].iter().all(|user| chosen.iter().any(|c| Some(c) == user.password.as_ref()))
        );
        assert_eq!(choose_decoy(&users, "mallory").as_ref(), chosen.first());
        assert_eq!(choose_decoy(&[user(None)], "mallory"), None);
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = normalize_username(&text);
            prop_assert_eq!(normalize_username(&once), once);
        }
    }
}
