//! The grant type `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693).

use std::sync::Arc;

use serde_json::Value;

use super::token_grant::TokenGrant;
use crate::{
    accounts::{
        AccountContext, RequestError,
        grants::token_lookup::{AccessTokenError, verify_access_token},
        tokens::revoked_tokens::is_revoked_token,
    },
    keys::JwtType,
    model::{Client, GrantType, Timestamp},
    protocol::{
        claims::Claims,
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        token::{
            DecisionInput, ExchangeRequest, SubjectContext, SubjectToken, TokenDecision,
            TokenRefusal, TokenTypeIdentifier, check_access_subject, check_actor, check_id_subject,
            decide_exchange, invalid_subject,
        },
    },
};

pub(super) struct TokenExchangeGrant(ExchangeRequest);

impl TokenGrant for TokenExchangeGrant {
    const GRANT_TYPE: GrantType = GrantType::TokenExchange;
    const CREDENTIAL: &'static str = "subject token";
    const INVALID: ErrorCode = ErrorCode::InvalidRequest;
    const TARGETS: &'static [&'static str] = &["resource", "audience"];
    const IS_EXCHANGE: bool = true;
    type Credential = SubjectToken;

    fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        ExchangeRequest::parse(params).map(Self)
    }

    fn requested_scope(&self) -> Option<&str> {
        self.0.scope.as_deref()
    }

    fn issued_token_type(&self) -> Option<TokenTypeIdentifier> {
        Some(self.0.requested_token_type)
    }

    async fn open(
        &self,
        context: AccountContext<'_>,
        client: &Client,
    ) -> Result<SubjectToken, RequestError<OAuthError>> {
        let served = context.tenant;
        let of = SubjectContext {
            tenant: &served.tenant,
            servers: &served.resource_servers,
            client,
            now: context.now,
        };
        let subject = match self.0.subject_token_type {
            TokenTypeIdentifier::AccessToken | TokenTypeIdentifier::Jwt => {
                let claims =
                    access_claims(context, "subject token", self.0.subject_token.expose())?;
                check_access_subject(&claims, of)?
            }
            TokenTypeIdentifier::IdToken => {
                let jwt = self.0.subject_token.expose();
                let claims = served.keys.verify(jwt, JwtType::IdToken).map_err(|error| {
                    let text = "The subject token is not an ID token of this issuer.";
                    invalid_subject(text).because(error.to_string())
                })?;
                check_id_subject(&claims, of)?
            }
        };
        let Some(actor) = &self.0.actor_token else { return Ok(subject) };
        let claims = access_claims(context, "actor token", actor.expose())?;
        let subject = check_actor(subject, &claims, of)?;
        let jti = claims.get("jti").and_then(Value::as_str);
        if is_revoked_token(context, jti).await? {
            return Err(invalid_subject("The actor token has been revoked.").into());
        }
        Ok(subject)
    }

    fn needed_grant(subject: &SubjectToken, _: Timestamp) -> Option<&str> {
        Some(&subject.grant_id)
    }

    fn decide(
        subject: &SubjectToken,
        input: DecisionInput<'_>,
    ) -> Result<TokenDecision, TokenRefusal> {
        decide_exchange(subject, input)
    }
}

/// The claims of an access token of the issuer that is bound as it must be.
fn access_claims(
    context: AccountContext<'_>,
    kind: &str,
    token: &str,
) -> Result<Arc<Claims>, OAuthError> {
    verify_access_token(context, token).map_err(|error| {
        let text = match error {
            AccessTokenError::NotVerified(_) => {
                format!("The {kind} is not an access token of this issuer.")
            }
            AccessTokenError::NotBound => format!(
                "The {kind} must be bound to a key or certificate, as its client or its resource server requires; get another one."
            ),
        };
        invalid_subject(&text).because(error.to_string())
    })
}
