//! The token endpoint (RFC 6749 §3.2): authenticate → decide → gate → sign, whatever the grant type.

mod code;
mod issue;
mod refresh;

use http::StatusCode;

use crate::{
    http::{App, Failure, Reply, Request, clients, tokens},
    model::Client,
    protocol::{
        params::Params,
        scope,
        token::{self, Ask},
    },
};

/// `POST I/oauth/token`.
pub async fn post(app: &App, request: Request) -> Result<Reply, Failure> {
    let params = request.form().and_then(Params::checked).map_err(Failure::Json)?;
    let client = clients::authenticate(app, &request, &params).await?;
    let ask = Ask::parse(&params).map_err(Failure::Json)?;
    token::check_grant_type(&client, &ask).map_err(Failure::Json)?;
    let issuer = request.tenant.tenant.issuer.as_str();
    token::check_resources(issuer, &params).map_err(Failure::Json)?;
    let answer = match &ask {
        Ask::Code { code, redirect_uri, verifier } => {
            let bound = (redirect_uri.as_deref(), verifier.as_ref().map(|it| it.expose().as_str()));
            code::redeem(app, &request, &client, code.expose(), bound).await?
        }
        Ask::Refresh { token, scope } => {
            refresh::refresh(app, &request, &client, token.expose(), scope.as_deref()).await?
        }
        Ask::ClientCredentials { scope } => {
            for_client(app, &request, &client, scope.as_deref()).await?
        }
    };
    app.used(&client);
    Ok(Reply::json(StatusCode::OK, &answer).header("pragma", "no-cache"))
}

/// `client_credentials` (RFC 6749 §4.4): no grant is stored.
async fn for_client(
    app: &App,
    request: &Request,
    client: &Client,
    asked: Option<&str>,
) -> Result<issue::Answer, Failure> {
    let scopes = token::client_scopes(client, asked).map_err(Failure::Json)?;
    let access_token = tokens::access_token(app, request, client, &scopes, None).await?;
    Ok(issue::Answer {
        access_token,
        token_type: "Bearer",
        expires_in: client.lifetimes.access_token.as_secs(),
        scope: scope::join(&scopes),
        id_token: None,
        refresh_token: None,
    })
}
