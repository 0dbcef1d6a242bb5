//! Checks that metadata can be registered: the rules for manifests, and the documents that the
//! metadata refers to.

use serde_json::{Map, Value};

use crate::{
    http::{AppState, Request},
    model::{Client, ObjectKey},
    protocol::{
        error::{ErrorCode, OAuthError},
        registration,
    },
    registry::{RegistrationService, ValidatedRegistration},
};

/// Largest sector document or JWK Set, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Validates metadata as the manifest that it would become.
pub(super) fn validate_metadata(
    registration: &RegistrationService,
    object: &ObjectKey,
    spec: Map<String, Value>,
) -> Result<ValidatedRegistration, OAuthError> {
    let found = registration
        .validate(object, spec)
        .map_err(|problem| registration::registration_refusal(&problem.field, &problem.message))?;
    registration::check_redirects(&found.client)?;
    Ok(found)
}

/// Fetches and checks the documents that the metadata refers to (OIDC Registration §5, §2).
pub(super) async fn check_documents(
    app: &AppState,
    request: &Request,
    client: &Client,
) -> Result<(), OAuthError> {
    if let Some(uri) = &client.details.sector_identifier_uri {
        let document = fetch(app, request, "sector_identifier_uri", uri).await?;
        registration::check_sector_document(&document, &client.redirect_uris)?;
    }
    if let Some(uri) = registration::needed_jwks_uri(client) {
        let document = fetch(app, request, "jwks_uri", uri).await?;
        registration::check_jwks_document(&document)?;
    }
    Ok(())
}

async fn fetch(
    app: &AppState,
    request: &Request,
    name: &str,
    uri: &str,
) -> Result<bytes::Bytes, OAuthError> {
    let fetched = app.http_client(request).get(uri, MAX_BYTES).await;
    fetched.map(|fetched| fetched.body).map_err(|error| {
        // A detailed error would reveal to an untrusted client which internal addresses exist.
        let text = format!("The document at {name} could not be fetched.");
        let refused = OAuthError::new(ErrorCode::InvalidClientMetadata, text);
        refused.because(error.to_string())
    })
}
