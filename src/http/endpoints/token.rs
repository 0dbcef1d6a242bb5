//! The token endpoint (RFC 6749 §3.2): authenticate → decide → gate → sign, for every grant type.

mod code;
mod issue;
mod refresh;

use http::StatusCode;

use crate::{
    accounts::token_issuer,
    http::{AppState, EndpointError, Reply, Request, client_authentication},
    model::Client,
    protocol::{
        params::RequestParams,
        scope,
        token::{self, TokenRequest},
    },
};

/// `POST I/oauth/token`.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params =
        request.form().and_then(RequestParams::reject_duplicates).map_err(EndpointError::Json)?;
    let client = client_authentication::authenticate(app, &request, &params).await?;
    let ask = TokenRequest::parse(&params).map_err(EndpointError::Json)?;
    token::check_grant_type(&client, &ask).map_err(EndpointError::Json)?;
    let issuer = request.tenant.tenant.issuer.as_str();
    token::check_resources(issuer, &params).map_err(EndpointError::Json)?;
    let answer = match &ask {
        TokenRequest::Code { code, redirect_uri, verifier } => {
            let bound = (redirect_uri.as_deref(), verifier.as_ref().map(|it| it.expose().as_str()));
            code::redeem(app, &request, &client, code.expose(), bound).await?
        }
        TokenRequest::Refresh { token, scope } => {
            refresh::refresh(app, &request, &client, token.expose(), scope.as_deref()).await?
        }
        TokenRequest::ClientCredentials { scope } => {
            client_credentials(app, &request, &client, scope.as_deref()).await?
        }
    };
    app.used(&client);
    Ok(Reply::json(StatusCode::OK, &answer).header("pragma", "no-cache"))
}

/// The `client_credentials` grant (RFC 6749 §4.4). No grant is stored.
async fn client_credentials(
    app: &AppState,
    request: &Request,
    client: &Client,
    asked: Option<&str>,
) -> Result<issue::TokenResponse, EndpointError> {
    let scopes = token::client_scopes(client, asked).map_err(EndpointError::Json)?;
    let access_token =
        token_issuer::access_token(app.context(request), client, &scopes, None).await?;
    Ok(issue::TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: client.lifetimes.access_token.as_secs(),
        scope: scope::join(&scopes),
        id_token: None,
        refresh_token: None,
    })
}
