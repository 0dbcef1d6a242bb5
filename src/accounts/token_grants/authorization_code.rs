//! The grant type `authorization_code` (RFC 6749 §4.1.3).

use super::token_grant::TokenGrant;
use crate::{
    accounts::{AccountContext, RequestError, grants::codes},
    model::{Client, GrantType, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        records::AuthorizationCode,
        token::{
            CodeRequest, DecisionInput, TokenDecision, TokenRefusal, check_code, decide_code,
            invalid_grant, needs_stored_grant,
        },
    },
};

pub(super) struct AuthorizationCodeGrant(CodeRequest);

impl TokenGrant for AuthorizationCodeGrant {
    const GRANT_TYPE: GrantType = GrantType::AuthorizationCode;
    const CREDENTIAL: &'static str = "code";
    type Credential = AuthorizationCode;

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        CodeRequest::parse(params).map(Self)
    }

    fn requested_scope(&self) -> Option<&str> {
        None
    }

    async fn open(
        &self,
        context: AccountContext<'_>,
        client: &Client,
    ) -> Result<AuthorizationCode, RequestError<OAuthError>> {
        let unknown = || invalid_grant("The code is invalid or was issued by another issuer.");
        let code = codes::open_code(context, self.0.code.expose()).await?.ok_or_else(unknown)?;
        let incarnation = context.services.store.incarnation().await?;
        check_code(&code, client, &self.0, &incarnation)?;
        Ok(code)
    }

    fn needed_grant(code: &AuthorizationCode, now: Timestamp) -> Option<&str> {
        needs_stored_grant(code, now).then_some(&code.grant_id)
    }

    fn decide(
        code: &AuthorizationCode,
        input: DecisionInput<'_>,
    ) -> Result<TokenDecision, TokenRefusal> {
        decide_code(code, input)
    }
}
