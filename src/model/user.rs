//! The validated user.

use super::{ObjectKey, Secret, Subject};

/// Maximum length of a password in bytes. Longer passwords never match.
pub const MAX_PASSWORD_LEN: usize = 1024;

/// A user who can sign in at one tenant.
#[derive(Clone, Debug)]
pub struct User {
    /// The `OidcUser` object that declares it.
    pub object: ObjectKey,
    /// The normalized sign-in name.
    pub username: String,
    /// The `sub` claim.
    pub subject: Subject,
    /// The stored password. `None` disables password sign-in.
    pub password: Option<StoredPassword>,
    /// Standard and custom claims by wire name (`email`, `given_name`, `address`, …). Never
    /// contains null, `sub`, or a claim that the protocol sets.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// The value of the `groups` claim.
    pub groups: Vec<String>,
    /// Whether the user is disabled: sign-in fails, and sessions and grants are inactive.
    pub disabled: bool,
}

/// A password as stored in its Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredPassword {
    /// A PHC or modular-crypt string: argon2id, bcrypt, pbkdf2, scrypt.
    Hash(Secret<String>),
    /// Clear text.
    Plain(Secret<String>),
}
