//! Rule: `redirect_uri` is identical to a registered URI (RFC 9700 §2.1, OIDC Core §3.1.2.1). Only
//! this module can create a [`ReturnTo`].

mod authorization_response;
mod return_to;

pub use authorization_response::{AuthorizationResponse, EncodedResponse};
pub use return_to::{ResponseSigning, ReturnTo, form_action};

use super::{
    super::{error::OAuthError, unregistered_uri::unregistered_uri},
    parameters::{AuthorizationParameter, AuthorizationParams},
    response_mode::ResponseMode,
};
use crate::model::{Client, Issuer};

pub(super) fn check_redirect_uri(
    params: AuthorizationParams<'_>,
    client: &Client,
    issuer: &Issuer,
) -> Result<ReturnTo, OAuthError> {
    params.check_single(AuthorizationParameter::RedirectUri)?;
    let uri = match params.get(AuthorizationParameter::RedirectUri) {
        Some(requested) => registered(client, requested)?,
        None => only_one(params, client)?,
    };
    // If `state` was sent twice, the error response omits it, because it is unknown which one is
    // right.
    let ambiguous = params.is_duplicate(AuthorizationParameter::State);
    let state = if ambiguous { None } else { params.get(AuthorizationParameter::State) };
    let (mode, is_jwt) = ResponseMode::of_errors(params);
    let is_jwt = is_jwt || client.needs_signed_responses();
    Ok(ReturnTo::proven(uri, (mode, is_jwt), state, issuer, client))
}

fn registered<'a>(client: &Client, requested: &'a str) -> Result<&'a str, OAuthError> {
    if client.all_redirect_uris().any(|registered| registered.matches(requested)) {
        return Ok(requested);
    }
    let registered = ("redirectUris", &*client.redirect_uris);
    Err(unregistered_uri(
        client,
        (AuthorizationParameter::RedirectUri.name(), requested),
        registered,
    ))
}

/// A client with a single URI may omit it in OAuth requests (RFC 6749 §3.1.2.3), but not in OpenID
/// Connect requests (OIDC Core §3.1.2.1).
fn only_one<'a>(
    params: AuthorizationParams<'a>,
    client: &'a Client,
) -> Result<&'a str, OAuthError> {
    let openid = params
        .get(AuthorizationParameter::Scope)
        .is_some_and(|scope| scope.split(' ').any(|word| word == "openid"));
    match client.redirect_uris.as_slice() {
        [only] if !openid => Ok(only.as_str()),
        _ => params.require(AuthorizationParameter::RedirectUri),
    }
}
