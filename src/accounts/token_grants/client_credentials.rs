//! The grant type `client_credentials` (RFC 6749 §4.4). The credential is the authentication of the
//! client itself.

use super::token_grant::TokenGrant;
use crate::{
    accounts::{AccountContext, RequestError},
    model::{Client, GrantType, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        token::{DecisionInput, TokenDecision, TokenRefusal, decide_client_credentials},
    },
};

pub(super) struct ClientCredentialsGrant {
    scope: Option<String>,
}

impl TokenGrant for ClientCredentialsGrant {
    const GRANT_TYPE: GrantType = GrantType::ClientCredentials;
    const CREDENTIAL: &'static str = "client";
    type Credential = ();

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        Ok(Self { scope: params.get("scope").map(str::to_owned) })
    }

    fn requested_scope(&self) -> Option<&str> {
        self.scope.as_deref()
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
