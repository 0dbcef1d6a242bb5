//! The client information response (RFC 7591 §3.2.1, RFC 7592 §3). It contains all registered
//! metadata, including defaults.

use serde_json::{Map, Value};

use super::fields;
use crate::model::Client;

/// The members of the response in addition to metadata.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationAccess<'a> {
    /// `registration_client_uri`: the URL of the client configuration endpoint for this client (RFC 7592 §3).
    pub uri: &'a str,
    /// `registration_access_token`, by which the client reads and changes its registration (RFC 7592 §3).
    pub token: &'a str,
}

/// Returns the response for a served client.
pub fn client_information_response(client: &Client, access: RegistrationAccess<'_>) -> Value {
    let mut members = client_metadata(client);
    members.insert("registration_client_uri".to_owned(), access.uri.into());
    members.insert("registration_access_token".to_owned(), access.token.into());
    if let Some(at) = client.registered.as_ref().and_then(|it| it.at) {
        members.insert("client_id_issued_at".to_owned(), at.secs().into());
    }
    if let Some(secret) = client.authentication.secrets().first() {
        members.insert("client_secret".to_owned(), secret.expose().as_str().into());
        // The secret does not expire (RFC 7591 §3.2.1).
        members.insert("client_secret_expires_at".to_owned(), 0.into());
    }
    members.into()
}

/// Returns the registered metadata, including the client ID.
pub fn client_metadata(client: &Client) -> Map<String, Value> {
    let mut members = fields::registered_metadata(client);
    members.insert("client_id".to_owned(), client.id.as_str().into());
    members
}
