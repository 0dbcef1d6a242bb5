//! Redirect URIs that manifests may contain but dynamic registration does not allow.

use super::{ErrorCode, OAuthError};
use crate::model::{ApplicationType, Client, GrantType, RedirectUri};

/// Rule: web clients with the implicit grant cannot use `localhost`, where any application may
/// listen (OIDC Registration §2, `application_type`). Manifests may contain it, because their owner
/// is trusted.
pub fn check_redirects(client: &Client) -> Result<(), OAuthError> {
    let bound = client.application_type == ApplicationType::Web
        && client.grant_types.contains(&GrantType::Implicit);
    if bound && client.redirect_uris.iter().any(RedirectUri::is_localhost) {
        let text = "redirect_uris: web clients with the grant type implicit must not use localhost; register application_type native, or the response type code.";
        return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, text));
    }
    Ok(())
}
