//! Checks the document of a sector identifier (OIDC Registration §5).

use super::{OAuthError, invalid};
use crate::model::RedirectUri;

/// Rule: the document is a JSON array that contains every redirect URI of the client.
pub fn check_sector_document(
    document: &[u8],
    redirect_uris: &[RedirectUri],
) -> Result<(), OAuthError> {
    let Ok(named) = serde_json::from_slice::<Vec<String>>(document) else {
        return Err(invalid("sector_identifier_uri does not return a JSON array of strings."));
    };
    match redirect_uris.iter().find(|uri| !named.iter().any(|it| it == uri.as_str())) {
        None => Ok(()),
        Some(missing) => Err(invalid(format!(
            "sector_identifier_uri does not list the redirect URI {}.",
            missing.as_str()
        ))),
    }
}
