//! The grant types that give a client tokens for itself. Its authentication is the credential: `client_credentials`
//! (RFC 6749 §4.4), and `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1), where the assertion of another
//! issuer authenticates it ([`parse_grant_assertion`](crate::protocol::client_auth::parse_grant_assertion)).

use std::marker::PhantomData;

use super::token_grant::TokenGrant;
use crate::{
    accounts::{AccountContext, RequestError},
    model::{Client, GrantType, Timestamp},
    protocol::{
        error::OAuthError,
        jwt::UnverifiedJwt,
        params::RequestParams,
        token::{DecisionInput, TokenDecision, TokenRefusal, decide_client_credentials},
    },
};

/// The part that differs between these grant types.
pub(super) trait ClientGrantType: Send + Sync + 'static {
    const GRANT_TYPE: GrantType;
    /// The name of the credential in errors.
    const CREDENTIAL: &'static str;
    /// The parameter with the credential, if it is not that of client authentication.
    const PARAMETER: Option<&'static str>;

    /// The latest time at which the token expires, if the credential bounds it.
    fn not_after(_: &RequestParams) -> Option<Timestamp> {
        None
    }
}

/// The grant type `client_credentials` (RFC 6749 §4.4).
pub(super) struct ClientCredentials;

impl ClientGrantType for ClientCredentials {
    const GRANT_TYPE: GrantType = GrantType::ClientCredentials;
    const CREDENTIAL: &'static str = "client";
    const PARAMETER: Option<&'static str> = None;
}

/// The grant type `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1).
pub(super) struct JwtBearer;

impl ClientGrantType for JwtBearer {
    const GRANT_TYPE: GrantType = GrantType::JwtBearer;
    const CREDENTIAL: &'static str = "assertion";
    const PARAMETER: Option<&'static str> = Some("assertion");

    /// `exp` of the assertion (RFC 7521 §4.1), which was verified as the client's authentication.
    fn not_after(params: &RequestParams) -> Option<Timestamp> {
        let jwt = UnverifiedJwt::read(params.get("assertion")?)?;
        jwt.time("exp").map(Timestamp::from_secs)
    }
}

/// A request for tokens of the client itself.
pub(super) struct ClientGrant<G> {
    scope: Option<String>,
    not_after: Option<Timestamp>,
    grant_type: PhantomData<G>,
}

impl<G: ClientGrantType> TokenGrant for ClientGrant<G> {
    const GRANT_TYPE: GrantType = G::GRANT_TYPE;
    const CREDENTIAL: &'static str = G::CREDENTIAL;
    type Credential = ();

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        G::PARAMETER.map(|parameter| params.require(parameter)).transpose()?;
        let scope = params.get("scope").map(str::to_owned);
        Ok(Self { scope, not_after: G::not_after(params), grant_type: PhantomData })
    }

    fn requested_scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }

    async fn open(
        &self,
        _: AccountContext<'_>,
        _: &Client,
    ) -> Result<(), RequestError<OAuthError>> {
        Ok(())
    }

    fn needed_grant((): &(), _: Timestamp) -> Option<&str> {
        None
    }

    fn decide((): &(), input: DecisionInput<'_>) -> Result<TokenDecision, TokenRefusal> {
        Ok(decide_client_credentials(input.client))
    }
}
