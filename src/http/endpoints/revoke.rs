//! `POST I/oauth/revoke` (RFC 7009).

use http::StatusCode;

use super::authenticated_form::AuthenticatedForm;
use crate::{
    accounts::grants::token_lookup::{self, PresentedToken},
    http::{AppState, EndpointError, Reply, Request},
    protocol::error::{ErrorCode, OAuthError},
};

/// Revokes a token and the grant that it refers to. An invalid token is treated as revoked already (RFC
/// 7009 §2.2).
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let AuthenticatedForm { params, client: caller } =
        AuthenticatedForm::read(app, &request).await?;
    let (context, token) = (app.context(&request), params.require("token")?);
    if let Some(presented) = PresentedToken::read(context, token)?
        && !token_lookup::revoke_token(context, &presented, &caller).await?
    {
        let text = "The token was issued to another client.";
        return Err(OAuthError::new(ErrorCode::InvalidGrant, text).into());
    }
    Ok(Reply::empty(StatusCode::OK))
}
