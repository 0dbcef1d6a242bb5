//! The part of a token request that differs by grant type. The steps around it are in `token_grants`.

use std::future::Future;

use crate::{
    accounts::{AccountContext, RequestError},
    model::{Client, GrantType, Timestamp},
    protocol::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        token::{DecisionInput, TokenDecision, TokenRefusal, TokenTypeIdentifier},
    },
};

/// The part of a token request that differs by grant type.
pub(super) trait TokenGrant: Sized + Send + Sync + 'static {
    /// The grant type, which the client must be registered for.
    const GRANT_TYPE: GrantType;
    /// The name of the credential in errors.
    const CREDENTIAL: &'static str;
    /// The error code for a credential that cannot be used.
    const INVALID: ErrorCode = ErrorCode::InvalidGrant;
    /// The parameters that name the target of the access token.
    const TARGETS: &'static [&'static str] = &["resource"];
    /// Whether an exchange rule of the resource server must allow the client (RFC 8693).
    const IS_EXCHANGE: bool = false;
    /// The credential of a request, opened: a code or a refresh token.
    type Credential: Send + Sync;

    /// Parses the parameters of the grant type.
    fn parse(params: &RequestParams) -> Result<Self, OAuthError>;

    /// The `scope` parameter, if the grant type has it.
    fn requested_scope(&self) -> Option<&str>;

    /// `issued_token_type` of the response, if the grant type has it.
    fn issued_token_type(&self) -> Option<TokenTypeIdentifier> {
        None
    }

    /// The latest time at which a token of the client itself expires, if the credential bounds it.
    fn not_after(&self) -> Option<Timestamp> {
        None
    }

    /// Opens the credential and checks its bindings. A failure spends and revokes nothing.
    fn open(
        &self,
        context: AccountContext<'_>,
        client: &Client,
    ) -> impl Future<Output = Result<Self::Credential, RequestError<OAuthError>>> + Send;

    /// The id of the stored grant that the first decision depends on.
    fn needed_grant(credential: &Self::Credential, now: Timestamp) -> Option<&str>;

    /// Decides which tokens the credential permits. Pure.
    fn decide(
        credential: &Self::Credential,
        input: DecisionInput<'_>,
    ) -> Result<TokenDecision, TokenRefusal>;
}
