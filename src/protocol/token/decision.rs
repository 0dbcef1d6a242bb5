//! The decision about a token request: the tokens to issue and the write that comes before, or a
//! refusal.

use super::subject_token::SubjectToken;
use crate::{
    model::{Client, Timestamp},
    protocol::{error::OAuthError, records::Grant, scope::Scopes, sender_keys::SenderKeys},
};

/// The state that a decision depends on, besides the credential in the request.
#[derive(Clone, Copy, Debug)]
pub struct DecisionInput<'a> {
    /// The client, which is authenticated and may use the grant type.
    pub client: &'a Client,
    /// The stored grant that the credential refers to. `None` if it is absent or was not read.
    pub stored: Option<&'a Grant>,
    /// The keys that the request proves, by a DPoP proof or the certificate of its connection.
    pub keys: SenderKeys<'a>,
    /// The time by the replica's own clock.
    pub now: Timestamp,
    /// The time by the store's clock, to compare with times that other replicas wrote.
    pub store_now: Timestamp,
}

/// A permitted token request: the scopes, and the grant that the tokens belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenDecision {
    /// The allowed scopes. A request may narrow them.
    pub scopes: Scopes,
    /// The user's grant that the tokens belong to. `None` if the client acts for itself.
    pub user: Option<UserGrant>,
}

/// A user's grant that tokens are issued for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserGrant {
    /// The id of the grant's record, which the access token names.
    pub id: String,
    /// The grant in the state to store.
    pub grant: Grant,
    /// The write that must succeed before tokens are issued.
    pub gate: GrantWrite,
    /// When the last token that refers to the grant expires.
    pub referenced_until: Timestamp,
    /// Whether the ID token contains the `nonce` of the authorization request. Only the first one
    /// does (OIDC Core §12.2).
    pub with_nonce: bool,
    /// Whether the session has to be active even if the grant outlives it.
    pub needs_session: bool,
    /// The refresh token in the response.
    pub refresh_token: RefreshTokenResponse,
    /// The token that is exchanged, which bounds the new one.
    pub subject_token: Option<Box<SubjectToken>>,
}

/// The refresh token in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokenResponse {
    /// The current one of the grant, if it has one.
    Current,
    /// The refresh token of the request, which the client keeps.
    Kept,
    /// No refresh token: the grant is of another client.
    Withheld,
}

/// The atomic write that lets a request through (docs/design/state.md#gates). A request that does
/// not pass is decided again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantWrite {
    /// Inserts the grant of an authorization code. An existing grant means that the code was used before.
    Insert,
    /// Replaces the stored grant, unless it changed.
    Swap,
}

/// A refused token request, and the grant that has to be revoked because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRefusal {
    /// The error in the response.
    pub error: OAuthError,
    /// The credential of the request, if it was used before and its grant is to be revoked.
    pub replayed: Option<ReplayedCredential>,
}

/// A code or refresh token that was used before: it may have been stolen, so its grant is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedCredential {
    /// The id of the grant to revoke.
    pub grant_id: String,
    /// The kind of the credential.
    pub kind: CredentialKind,
}

/// The kind of a credential that gives tokens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// An authorization code, which is redeemed once (RFC 6749 §4.1.2).
    Code,
    /// A refresh token, which is replaced at each use if the client's tokens rotate (RFC 9700 §4.14.2).
    RefreshToken,
}

impl From<OAuthError> for TokenRefusal {
    fn from(error: OAuthError) -> Self {
        Self { error, replayed: None }
    }
}
