//! What survives between requests: sealed in a URL, form or cookie, or kept in the store. The
//! state machines of grants and sessions live here too.
//!
//! Each record is postcard behind a version byte (`encode`, `decode`). Fields are only ever added
//! with a new version; version N writes what N−1 can read (design §6).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{ClientId, Subject, Timestamp};

/// The version that this release writes.
const VERSION: u8 = 1;

/// A record that cannot be read: another version, or not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable record")]
pub struct DecodeError;

/// Version byte and postcard.
pub fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_extend(record, vec![VERSION]).expect("records serialise to memory")
}

/// The reverse of `encode`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|_| DecodeError),
        _ => Err(DecodeError),
    }
}

/// How and when a person proved who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Who.
    pub subject: Subject,
    /// `auth_time`.
    pub auth_time: Timestamp,
    /// `amr` (RFC 8176): `pwd`.
    pub amr: Vec<String>,
    /// `acr`, where the tenant names levels.
    pub acr: Option<String>,
}

/// A person's session with a tenant; stored under the hash of the cookie's value, indexed by user
/// and by `sid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The public id, which tokens carry as `sid`; never the cookie's value.
    pub sid: String,
    /// Who signed in.
    pub authentication: Authentication,
    /// When the session began.
    pub created_at: Timestamp,
    /// When it ends, however often it is used.
    pub ends_at: Timestamp,
    /// When it was last used; written at most once a minute.
    pub used_at: Timestamp,
    /// Clients that signed in with it: whom a logout concerns.
    pub clients: BTreeSet<ClientId>,
}

/// What a person (or a client) was granted. All tokens of a person name one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The client.
    pub client: ClientId,
    /// Who signed in, and how.
    pub authentication: Authentication,
    /// The session it ends with, unless it has `offline_access`.
    pub sid: Option<String>,
    /// Scopes granted.
    pub scopes: BTreeSet<String>,
    /// `nonce` of the authorization request; refreshed ID tokens do not repeat it.
    pub nonce: Option<String>,
    /// Whether ID tokens carry `auth_time`.
    pub wants_auth_time: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, however often it is refreshed.
    pub ends_at: Timestamp,
    /// Active with a refresh generation, or revoked.
    pub state: GrantState,
    /// Claims that were asked for by name.
    pub claims: RequestedClaims,
}

/// Claims asked for by name, by where they go (OIDC Core §5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedClaims {
    /// To userinfo.
    pub userinfo: BTreeSet<String>,
    /// Into ID tokens.
    pub id_token: BTreeSet<String>,
}

impl Grant {
    /// Whether its tokens are worth something, but for its session and its person.
    pub fn is_active(&self, now: Timestamp) -> bool {
        !matches!(self.state, GrantState::Revoked { .. }) && now < self.ends_at
    }

    /// Whether it outlives its session (OIDC Core §11).
    pub fn is_offline(&self) -> bool {
        self.scopes.contains("offline_access")
    }
}

/// Active or revoked; a revoked grant stays until everything that names it has expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantState {
    /// In use.
    Active {
        /// Of the current refresh token, from 1; 0: none was issued.
        generation: u32,
        /// When that generation was made, by the first use of the one before.
        rotated_at: Timestamp,
    },
    /// Revoked at that time.
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// In use since its access token left the authorization endpoint; the code that came with it
    /// has not been redeemed.
    PendingRedemption,
}

/// An authorization code: sealed, at most a minute (RFC 6749 §4.1.2). Redeeming it inserts the
/// grant `grant_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// The id of the grant that redeeming makes.
    pub grant_id: String,
    /// The store it was made with.
    pub incarnation: String,
    /// The grant as it will be (its state: generation 0).
    pub grant: Grant,
    /// `redirect_uri` of the request, if the request had one.
    pub redirect_uri: Option<String>,
    /// `code_challenge`, always S256 (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// From then on it is refused.
    pub expires_at: Timestamp,
    /// Whether the grant is stored already, since an access token came with the code: then
    /// redeeming changes it from `Offered`.
    pub grant_stored: bool,
}

/// What a code on the wire is sealed from. A long code (a long nonce, many scopes) would not fit
/// in a URL: then the rest is stored, and the wire holds its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SealedCode {
    /// The code itself.
    Whole(Box<AuthorizationCode>),
    /// The id of a `RecordKind::CodeDetail`, whose value is the encoded `AuthorizationCode`.
    Stored(String),
}

/// A refresh token: sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// The grant.
    pub grant_id: String,
    /// Its generation.
    pub generation: u32,
    /// The client it was given to.
    pub client: ClientId,
    /// From then on it is refused; what was idle for too long is refused sooner, by the grant.
    pub expires_at: Timestamp,
}

/// What a user has agreed to for a client; stored under hash(subject, client).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Scopes agreed to over time, and claims by name, as `authorize::Ask::wishes` writes them.
    pub scopes: BTreeSet<String>,
    /// When last.
    pub given_at: Timestamp,
}
