//! Dynamic client registration (OIDC Registration, RFC 7591, RFC 7592). Converts client metadata to
//! the spec of an `OidcClient`, and a served client to the response.
//!
//! Must not validate values that manifests contain too. The registry does that, so that registered
//! clients follow the same rules as manifests.

mod access;
mod application_type;
mod client_information;
mod fields;
mod flows;
mod keys;
mod problem;
mod redirects;
mod sector;
mod unsupported;

use serde_json::{Map, Value, json};

pub use access::{check_initial_access_token, check_registration_access_token, token_hash};
pub use client_information::{RegistrationAccess, client_information_response, client_metadata};
pub use fields::{is_registrable, manifest_name};
pub use keys::{check_jwks_document, needed_jwks_uri};
pub use problem::registration_refusal;
pub use redirects::check_redirects;
pub use sector::check_sector_document;
pub use unsupported::{UnsupportedMetadata, find_unsupported_metadata};

use super::error::{ErrorCode, OAuthError};
use crate::model::SigningAlgorithm;

/// A registration or update request, converted to the form of a manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistrationRequest {
    /// The spec of an `OidcClient`. Contains only registered metadata, never Lanyard's own
    /// settings.
    pub spec: Map<String, Value>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

impl RegistrationRequest {
    /// Parses a request body. Members that no specification registers are ignored (RFC 7591 §2). `algorithms`: those
    /// that the tenant signs with. `signed_requests`: whether it requires signed requests of all clients.
    pub fn parse(
        body: &[u8],
        algorithms: &[SigningAlgorithm],
        signed_requests: bool,
    ) -> Result<Self, OAuthError> {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else {
            return Err(invalid("The body must be a JSON object of client metadata."));
        };
        // RFC 7592 §2.2: null means the value is omitted.
        members.retain(|_, value| !value.is_null());
        unsupported::check_unsupported_metadata(&members, signed_requests)?;
        let mut spec = fields::spec_from_metadata(&members)?;
        application_type::complete_application_type(&mut spec);
        flows::complete_flows(&mut spec);
        // The defaults of OIDC Registration §2 and JARM §3. They are stored, so that the client keeps what its
        // response says, whatever a manifest without the field means.
        let default = default_algorithm(algorithms);
        spec.entry("idTokenSignedResponseAlg").or_insert_with(|| default.as_str().into());
        spec.entry("authorizationSignedResponseAlg").or_insert_with(|| default.as_str().into());
        spec.entry("tokenEndpointAuthMethod").or_insert_with(|| json!("client_secret_basic"));
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(invalid(format!("{name} must be a string."))),
        };
        Ok(Self { client_id: text("client_id")?, client_secret: text("client_secret")?, spec })
    }

    /// Rule: an update has the client's own ID and, if present, its current secret (RFC 7592 §2.2).
    pub fn check_update(&self, client: &crate::model::Client) -> Result<(), OAuthError> {
        if self.client_id.as_deref().is_some_and(|id| id != client.id.as_str()) {
            return Err(invalid("client_id differs from the client of this URL."));
        }
        let Some(secret) = &self.client_secret else { return Ok(()) };
        if client
            .authentication
            .secrets()
            .iter()
            .any(|own| access::constant_time_eq(own.expose(), secret))
        {
            return Ok(());
        }
        Err(invalid("client_secret does not match; omit it."))
    }
}

/// RS256 (OIDC Registration §2), unless the tenant has no keys for it.
fn default_algorithm(algorithms: &[SigningAlgorithm]) -> SigningAlgorithm {
    let first = algorithms.first().filter(|_| !algorithms.contains(&SigningAlgorithm::RS256));
    first.copied().unwrap_or(SigningAlgorithm::RS256)
}

fn invalid(text: impl Into<String>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, text)
}

#[cfg(test)]
mod tests;
