//! A checked user.

use super::{ObjectKey, Secret, Subject};

/// A person who signs in at one tenant.
#[derive(Clone, Debug)]
pub struct User {
    /// The `OidcUser` it comes from.
    pub object: ObjectKey,
    /// Normalised sign-in name.
    pub username: String,
    /// `sub`.
    pub subject: Subject,
    /// What a password is compared with; `None`: nobody can sign in with one.
    pub password: Option<StoredPassword>,
    /// Standard and free claims by wire name (`email`, `given_name`, `address`, …).
    /// Never holds null, `sub`, or a claim that the protocol itself writes.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// The claim of scope `groups`.
    pub groups: Vec<String>,
    /// A disabled user signs in nowhere and its sessions and grants are inactive.
    pub disabled: bool,
}

/// A password as its Secret holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredPassword {
    /// A PHC or modular-crypt string: argon2id, bcrypt, pbkdf2, scrypt.
    Hash(Secret<String>),
    /// As typed.
    Plain(Secret<String>),
}
