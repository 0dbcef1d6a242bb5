//! The grant type `refresh_token` (RFC 6749 §6).

use super::token_grant::TokenGrant;
use crate::{
    accounts::{AccountContext, RequestError},
    model::{Client, GrantType, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        records::RefreshToken,
        token::{
            DecisionInput, RefreshRequest, TokenDecision, TokenRefusal, check_refresh,
            decide_refresh, invalid_grant,
        },
    },
};

pub(super) struct RefreshTokenGrant(RefreshRequest);

impl TokenGrant for RefreshTokenGrant {
    const GRANT_TYPE: GrantType = GrantType::RefreshToken;
    const CREDENTIAL: &'static str = "refresh token";
    type Credential = RefreshToken;

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        RefreshRequest::parse(params).map(Self)
    }

    fn requested_scope(&self) -> Option<&str> {
        self.0.scope.as_deref()
    }

    async fn open(
        &self,
        context: AccountContext<'_>,
        client: &Client,
    ) -> Result<RefreshToken, RequestError<OAuthError>> {
        let text = "The refresh token is invalid or was issued by another issuer.";
        let token: Option<RefreshToken> = context.open(self.0.token.expose())?;
        let token = token.ok_or_else(|| invalid_grant(text))?;
        check_refresh(&token, client, context.now)?;
        Ok(token)
    }

    fn needed_grant(token: &RefreshToken, _: Timestamp) -> Option<&str> {
        Some(&token.grant_id)
    }

    fn decide(
        token: &RefreshToken,
        input: DecisionInput<'_>,
    ) -> Result<TokenDecision, TokenRefusal> {
        decide_refresh(token, input)
    }
}
