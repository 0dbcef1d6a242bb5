//! Issues the tokens of a grant after its gate.

use serde::Serialize;

use crate::{
    accounts::token_issuer::{self, IdTokenContext},
    http::{AppState, EndpointError, Request},
    keys::SealPurpose,
    model::{Client, User},
    protocol::{
        records::{Grant, GrantState, RefreshToken, encode},
        scope::{self, Scopes},
        token::token_until,
    },
    telemetry::TokenKind,
};

/// A successful token response (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Debug, Serialize)]
pub(super) struct TokenResponse {
    pub(super) access_token: String,
    pub(super) token_type: &'static str,
    pub(super) expires_in: u64,
    /// Omitted if empty, since `scope` must not be an empty string (§3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
}

/// The input of a token response.
#[derive(Clone, Copy)]
pub(super) struct TokenIssueContext<'a> {
    pub(super) client: &'a Client,
    pub(super) grant_id: &'a str,
    pub(super) grant: &'a Grant,
    /// The user of the grant.
    pub(super) user: &'a User,
    /// The scopes of the grant, or a subset.
    pub(super) scopes: &'a Scopes,
    /// The `nonce`, contained only in the first ID token (OIDC Core §12.2).
    pub(super) nonce: Option<&'a str>,
    /// The refresh token to keep; `None` to issue the grant's current one.
    pub(super) stays: Option<&'a str>,
}

/// Issues every token that a grant permits now.
pub(super) async fn issue_tokens(
    app: &AppState,
    request: &Request,
    issue: TokenIssueContext<'_>,
) -> Result<TokenResponse, EndpointError> {
    let TokenIssueContext { client, grant, scopes, .. } = issue;
    let named = (issue.grant_id, grant);
    let (access_token, id_token) = if scopes.contains("openid") {
        let about = IdTokenContext {
            user: issue.user,
            scopes: None,
            nonce: issue.nonce,
            access_token: None,
            code: None,
        };
        let both =
            token_issuer::access_and_id_token(app.context(request), client, scopes, named, about)
                .await?;
        (both.0, Some(both.1))
    } else {
        (token_issuer::access_token(app.context(request), client, scopes, Some(named)).await?, None)
    };
    let refresh_token = refresh_token(app, request, issue)?;
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: client.lifetimes.access_token.as_secs(),
        scope: scope::join(scopes),
        id_token,
        refresh_token,
    })
}

/// The grant's current refresh token, if it has one.
fn refresh_token(
    app: &AppState,
    request: &Request,
    issue: TokenIssueContext<'_>,
) -> Result<Option<String>, EndpointError> {
    let GrantState::Active { generation, .. } = issue.grant.state else { return Ok(None) };
    if generation == 0 {
        return Ok(None);
    }
    if let Some(stays) = issue.stays {
        return Ok(Some(stays.to_owned()));
    }
    let token = RefreshToken {
        grant_id: issue.grant_id.to_owned(),
        generation,
        client: issue.client.id.clone(),
        expires_at: token_until(issue.grant, &issue.client.lifetimes),
    };
    let tenant = &request.tenant.tenant.id;
    let plain = encode(&token);
    let sealed = request.sealer()?.seal(
        SealPurpose::Refresh,
        tenant,
        &plain,
        &*app.accounts.entropy,
        request.now,
    );
    app.accounts.metrics.token_issued(tenant, TokenKind::RefreshToken);
    Ok(Some(sealed))
}
