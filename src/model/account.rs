//! The validated account of a user.

use serde_json::Value;

use super::{
    LOCAL_PROVIDER, ObjectKey, ObjectMark, Secret, Subject, Timestamp, normalize_username,
    wire_enum::wire_enum,
};

/// Maximum length of a password in bytes. Longer passwords never match.
pub const MAX_PASSWORD_LEN: usize = 1024;

/// The account of a user who can sign in at one tenant, without its credentials.
#[derive(Clone, Debug)]
pub struct Account {
    /// The object that the account comes from.
    pub source: AccountSource,
    /// The sign-in name, as `normalize_username` returns it.
    pub username: String,
    /// The `sub` claim (OIDC Core §2), before it is made pairwise for a client.
    pub subject: Subject,
    /// Standard and custom claims by wire name (`email`, `given_name`, `address`, …). Never
    /// contains null, `sub`, or a claim that the protocol sets.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// The value of the `groups` claim.
    pub groups: Vec<String>,
    /// Whether the account is disabled: sign-in fails, and sessions and grants are inactive.
    pub disabled: bool,
    /// The mark of the object, made of its UID, or in `dev` of its name.
    pub mark: ObjectMark,
    /// `metadata.generation` of the object; 0 in `dev`.
    pub generation: u64,
    /// Whether the stored password can be read.
    pub password: PasswordState,
    /// Sessions and grants made before this time have ended. A time in the future has no effect yet.
    pub sign_out_before: Option<Timestamp>,
    /// Authenticators that were set up before this time are void, and sessions and grants made before
    /// it have ended. A time in the future has no effect yet.
    pub reset_authenticators_before: Option<Timestamp>,
    /// The people of identity providers who are this user.
    pub identities: Box<[DeclaredIdentity]>,
    /// The invitation by which the person can choose a password.
    pub invitation: Option<Invitation>,
}

/// An invitation of a person to set up a sign-in: a password or an authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The id of the invitation. All links of one id work once.
    pub id: String,
    /// The time at which its links expire.
    pub not_after: Timestamp,
    /// How the link gets to the person, if the manifest says it.
    pub delivery: Option<InvitationDelivery>,
}

wire_enum!(
    /// How the link of an invitation gets to the person.
    InvitationDelivery {
        /// By mail, to the address of the user.
        Mail = "Mail",
        /// By the administrator, who reads it from a Secret.
        Secret = "Secret",
    }
);

/// A person of an identity provider, as an OidcUser names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeclaredIdentity {
    /// The name of the provider's object.
    pub provider: String,
    /// The provider's identifier of the person.
    pub subject: String,
}

impl Account {
    /// The e-mail address, verified or not.
    pub fn email(&self) -> Option<&str> {
        self.claims.get("email").and_then(Value::as_str)
    }

    /// The e-mail address, if it was verified to be the person's.
    pub fn verified_email(&self) -> Option<&str> {
        let is_verified = self.claims.get("email_verified") == Some(&Value::Bool(true));
        self.email().filter(|_| is_verified)
    }

    /// The name by which the person is addressed: the full name, or the username.
    pub fn display_name(&self) -> &str {
        let name = self.claims.get("name").and_then(Value::as_str);
        name.unwrap_or(&self.username)
    }

    /// The name of the identity provider that the person has signed in at; `None` for a sign-in at
    /// the tenant itself.
    pub fn provider_name(&self) -> Option<&str> {
        match &self.source {
            AccountSource::Resource(_) => None,
            AccountSource::Provider(provider) | AccountSource::Declared { provider, .. } => {
                Some(&provider.name)
            }
        }
    }

    /// The name of the identity provider that the person has signed in at, or [`LOCAL_PROVIDER`].
    pub fn provider_or_local(&self) -> &str {
        self.provider_name().unwrap_or(LOCAL_PROVIDER)
    }

    /// The name of the identity provider that must authenticate the person at each sign-in. `None` for a person with a
    /// password here, or without a declared identity.
    pub fn asked_provider(&self) -> Option<&str> {
        let has_none = self.password == PasswordState::Absent;
        self.identities.first().filter(|_| has_none).map(|identity| identity.provider.as_str())
    }

    /// Returns true if a sign-in at the tenant itself is accepted. That by a passkey alone is not, if the user has got
    /// `identities` since: the provider is asked.
    pub fn signs_in_here(&self) -> bool {
        self.asked_provider().is_none()
    }

    /// Returns true if a passkey is the only way in: the person has no password here, and no identity provider. A
    /// recovery code is asked for after a password or a provider, so such a person cannot use one.
    pub fn signs_in_by_passkey_alone(&self) -> bool {
        self.password == PasswordState::Absent
            && self.identities.is_empty()
            && self.provider_name().is_none()
    }

    /// The normalized claim `preferred_username`, by which applications know the person.
    pub fn preferred_username(&self) -> Option<String> {
        let name = self.claims.get("preferred_username").and_then(Value::as_str);
        name.map(normalize_username)
    }

    /// The mark of the person at the provider, if it is not the mark of the account itself.
    pub fn declared_mark(&self) -> Option<ObjectMark> {
        match self.source {
            AccountSource::Declared { person, .. } => Some(person),
            AccountSource::Resource(_) | AccountSource::Provider(_) => None,
        }
    }
}

/// Where the password of an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordState {
    /// The account has no password here, and the person cannot choose one.
    Absent,
    /// The password was read.
    Readable,
    /// The password's Secret is missing or cannot be used. Sessions and grants wait until it can.
    Unreadable,
    /// The manifest names no password, and the person can choose one, which is in the store.
    SelfChosen,
}

/// The object or objects that an account comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountSource {
    /// An `OidcUser` object, by its namespace and name.
    Resource(ObjectKey),
    /// An `IdentityProvider` object, whose claims about the person are in the store.
    Provider(ObjectKey),
    /// An `OidcUser` object whose user has signed in at an identity provider.
    Declared {
        /// The `OidcUser` object, by its namespace and name.
        user: ObjectKey,
        /// The `IdentityProvider` object, by its namespace and name.
        provider: ObjectKey,
        /// The mark of the person at the provider.
        person: ObjectMark,
        /// The subject that the person has if no OidcUser declares the identity.
        subject: Subject,
    },
}

/// A password as stored in its Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredPassword {
    /// A PHC or modular-crypt string: argon2id, bcrypt, pbkdf2, scrypt.
    Hash(Secret<String>),
    /// The password in clear text.
    Plain(Secret<String>),
}
