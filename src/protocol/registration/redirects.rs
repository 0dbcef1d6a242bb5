//! Redirect URIs that may be registered by anybody, but not by who registers himself.

use super::{ErrorCode, OAuthError};
use crate::model::{ApplicationType, Client, GrantType, RedirectUri};

/// Rule: no web client of the implicit grant comes back to `localhost`, whose applications are
/// nobody's in particular (OIDC Registration §2, `application_type`). A manifest may say so: its
/// owner answers for it.
pub fn check_redirects(client: &Client) -> Result<(), OAuthError> {
    let bound = client.application_type == ApplicationType::Web
        && client.grant_types.contains(&GrantType::Implicit);
    let local = |uri: &RedirectUri| uri.host().as_deref() == Some("localhost");
    if bound && client.redirect_uris.iter().any(local) {
        let text = "redirect_uris: web clients with the grant type implicit must not use localhost; register application_type native, or the response type code.";
        return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, text));
    }
    Ok(())
}
