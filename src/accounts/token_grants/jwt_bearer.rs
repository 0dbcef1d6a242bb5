//! The grant type `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1). The assertion of another issuer has
//! authenticated the client ([`parse_grant_assertion`](crate::protocol::client_auth::parse_grant_assertion)), and
//! gives tokens for it alone.

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

pub(super) struct JwtBearerGrant {
    scope: Option<String>,
}

impl TokenGrant for JwtBearerGrant {
    const GRANT_TYPE: GrantType = GrantType::JwtBearer;
    const CREDENTIAL: &'static str = "assertion";
    type Credential = ();

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        params.require("assertion")?;
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
