//! The token endpoint (RFC 6749 §3.2).

use http::StatusCode;
use serde::Serialize;

use super::{authenticated_form::AuthenticatedForm, received_proof::received_proof};
use crate::{
    accounts::token_grants::{self, GrantedTokens, TokenRequest},
    http::{AppState, EndpointError, Reply, Request},
    protocol::{
        authorization_details::AuthorizationDetail, scope, sender_keys::BoundKey,
        token::TokenTypeIdentifier,
    },
};

/// A successful token response (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Debug, Serialize)]
struct TokenResponse {
    access_token: Option<String>,
    token_type: &'static str,
    expires_in: u64,
    /// Omitted if empty, because `scope` must not be an empty string (RFC 6749 §3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    /// RFC 9396 §7.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_details: Vec<AuthorizationDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// The type of the access token; only in the response to a token exchange (RFC 8693 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
}

/// `POST I/oauth/token`: issues tokens by each of the grant types (RFC 6749 §3.2).
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let AuthenticatedForm { params, client } = AuthenticatedForm::read(app, &request).await?;
    let context = app.context(&request);
    let proof = received_proof(&request)?;
    let certificate = request.certificate.as_ref();
    let token_request =
        TokenRequest { context, client: &client, params: &params, proof, certificate };
    let GrantedTokens { tokens, scopes, details, key, lifetime, token_type } =
        token_grants::grant_tokens(token_request).await?;
    let response = TokenResponse {
        access_token: tokens.access_token.map(|token| token.jwt),
        token_type: BoundKey::token_type(key.as_ref()),
        expires_in: lifetime.as_secs(),
        scope: scope::join_scopes(&scopes),
        authorization_details: details,
        id_token: tokens.id_token,
        refresh_token: tokens.refresh_token,
        issued_token_type: token_type.map(TokenTypeIdentifier::as_str),
    };
    Ok(Reply::json(StatusCode::OK, &response).header("pragma", "no-cache"))
}
