//! Whether metadata can be registered: as a manifest would be judged, and by the documents that it
//! refers to.

use serde_json::{Map, Value};

use crate::{
    http::{App, Failure},
    model::{Client, ObjectKey},
    protocol::{
        error::{ErrorCode, OAuthError},
        registration,
    },
    registry::{Registrable, RegistrationDesk},
};

/// Largest sector document or JWK Set, in bytes.
const LARGEST: usize = 64 * 1024;

/// Judges metadata as the manifest that it would become.
pub(super) fn judge(
    desk: &RegistrationDesk,
    object: &ObjectKey,
    spec: Map<String, Value>,
) -> Result<Registrable, Failure> {
    let found = desk.judge(object, spec).map_err(|problem| {
        Failure::Json(registration::refusal(&problem.field, &problem.message))
    })?;
    registration::check_redirects(&found.client).map_err(Failure::Json)?;
    Ok(found)
}

/// Fetches and checks what the metadata stands on (OIDC Registration §5, §2).
pub(super) async fn documents(app: &App, client: &Client) -> Result<(), Failure> {
    if let Some(uri) = &client.details.sector_identifier_uri {
        let document = fetch(app, "sector_identifier_uri", uri).await?;
        registration::check_sector(&document, &client.redirect_uris).map_err(Failure::Json)?;
    }
    if let Some(uri) = registration::needed_keys(client) {
        let document = fetch(app, "jwks_uri", uri).await?;
        registration::check_keys(&document).map_err(Failure::Json)?;
    }
    Ok(())
}

async fn fetch(app: &App, name: &str, uri: &str) -> Result<bytes::Bytes, Failure> {
    let fetched = app.fetch.get(uri, LARGEST).await;
    fetched.map(|fetched| fetched.body).map_err(|error| {
        // What exactly failed would tell a stranger about addresses inside the network.
        let text = format!("{name} does not give its document.");
        let refused = OAuthError::new(ErrorCode::InvalidClientMetadata, text);
        Failure::Json(refused.because(error.to_string()))
    })
}
