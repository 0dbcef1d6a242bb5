//! Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): a client ID is the URL of a JSON
//! document with the client's metadata, so the client needs no registration.
//!
//! Must not decide when a document is fetched. It reads the metadata that a sign-in needs, and everything that
//! restricts the client: logos and links of strangers are not shown, and their clients are not notified of logout.

mod document_client;
mod document_url;
mod public_keys;
mod restrictions;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub use document_client::{client_of_document, client_without_document};
pub use document_url::{DocumentUrl, DocumentUrlError};
pub use restrictions::ClientRestrictions;

use public_keys::read_document_keys;

use super::scope::{Scopes, parse_scopes};
use crate::model::{
    ApplicationType, AuthMethod, ClientKeys, GrantType, RedirectUri, ResponseType, WireEnum,
    invisible_characters::find_invisible,
};

/// Largest document, in bytes (§8.7).
pub const MAX_DOCUMENT_LEN: usize = 5 * 1024;
/// Longest name of a client, in characters.
const MAX_NAME_LEN: usize = 128;
/// Members that a document must not have, because it is public (§4.1).
const SECRET_MEMBERS: [&str; 2] = ["client_secret", "client_secret_expires_at"];

/// The metadata of a client as its document has them, before the policy of the tenant applies.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientDocument {
    /// `client_name`; `None` if absent or not usable.
    pub name: Option<String>,
    /// `redirect_uris`; at least one.
    pub redirect_uris: Vec<RedirectUri>,
    /// `token_endpoint_auth_method`: `none` or `private_key_jwt`.
    pub method: AuthMethod,
    /// `jwks` or `jwks_uri`, with public keys only.
    pub keys: ClientKeys,
    /// Whether `grant_types` contains `refresh_token`.
    pub refreshes: bool,
    /// `scope`; empty if absent, which asks for all scopes that the tenant allows.
    pub scopes: Scopes,
    /// The members that restrict the client.
    pub restrictions: ClientRestrictions,
}

/// The reason why a document cannot be used. The message is for the developer of the client, and repeats nothing
/// of the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientDocumentError {
    /// The document is not a JSON object, or is too large.
    #[error("is not a JSON object, or not served as application/json")]
    NotJson,
    /// The document is about another client: `client_id` is not the URL (§4).
    #[error("has a client_id that differs from the URL of the document")]
    OtherClientId,
    /// The document contains a secret or a private key (§4.1), in the member of this name.
    #[error("contains {0}, which must not be published")]
    Published(&'static str),
    /// `token_endpoint_auth_method` needs a shared secret, or is unknown (§4.1).
    #[error(
        "has a token_endpoint_auth_method that needs a registration; it must be none or private_key_jwt"
    )]
    Method,
    /// The member of this name has a value that cannot be used; the second text says what it must be.
    #[error("has no usable {0}: {1}")]
    Member(&'static str, &'static str),
    /// The member of this name asks for something that is not supported; the second text says why.
    #[error("has {0}, which is not supported: {1}")]
    Unsupported(&'static str, &'static str),
}

impl ClientDocument {
    /// Parses the document at a URL. Members that are not used are ignored (RFC 7591 §2), unless they restrict the
    /// client.
    pub fn parse(url: &str, body: &[u8]) -> Result<Self, ClientDocumentError> {
        if body.len() > MAX_DOCUMENT_LEN {
            return Err(ClientDocumentError::NotJson);
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
            return Err(ClientDocumentError::NotJson);
        };
        // Simple string comparison (RFC 3986 §6.2.1).
        if members.get("client_id").and_then(Value::as_str) != Some(url) {
            return Err(ClientDocumentError::OtherClientId);
        }
        if let Some(name) = SECRET_MEMBERS.into_iter().find(|name| members.contains_key(*name)) {
            return Err(ClientDocumentError::Published(name));
        }
        let grants = grant_types(&members)?;
        let method = method(&members)?;
        Ok(Self {
            name: name(&members),
            redirect_uris: redirect_uris(&members)?,
            keys: read_document_keys(&members, method)?,
            method,
            refreshes: grants.contains(&GrantType::RefreshToken),
            scopes: parse_scopes(members.get("scope").and_then(Value::as_str)),
            restrictions: ClientRestrictions::read(&members)?,
        })
    }
}

/// The texts of a list; `None` if the member is absent.
fn texts<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<Vec<&'a str>>, ClientDocumentError> {
    let Some(value) = members.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let list = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
    list.map(Some).ok_or(ClientDocumentError::Member(name, "it must be a list of strings"))
}

/// The name, unless it could disguise the page that shows it.
fn name(members: &Map<String, Value>) -> Option<String> {
    let name = members.get("client_name")?.as_str()?.trim();
    let is_plain = !name.is_empty()
        && name.chars().count() <= MAX_NAME_LEN
        && !name.chars().any(char::is_control)
        && find_invisible(name).is_none();
    is_plain.then(|| name.to_owned())
}

/// Rule: no method is based on a shared secret (§4.1). Without the member the client is public, because no other
/// default is possible.
fn method(members: &Map<String, Value>) -> Result<AuthMethod, ClientDocumentError> {
    let written = members.get("token_endpoint_auth_method").filter(|value| !value.is_null());
    let Some(written) = written else { return Ok(AuthMethod::None) };
    match written.as_str() {
        Some("none") => Ok(AuthMethod::None),
        Some("private_key_jwt") => Ok(AuthMethod::PrivateKeyJwt),
        _ => Err(ClientDocumentError::Method),
    }
}

/// Rule: redirect URIs are registered by the document, and compared as strings (§4.2). Those on loopback hosts
/// have any port (RFC 8252 §7.3).
fn redirect_uris(members: &Map<String, Value>) -> Result<Vec<RedirectUri>, ClientDocumentError> {
    const FIELD: &str = "redirect_uris";
    let texts = texts(members, FIELD)?.unwrap_or_default();
    if texts.is_empty() {
        return Err(ClientDocumentError::Member(FIELD, "it must be a list of URIs"));
    }
    let parse = |text: &str| RedirectUri::parse(text, ApplicationType::Native);
    let uris: Result<_, _> = texts.into_iter().map(parse).collect();
    uris.map_err(|_| {
        let text = "each must be an absolute URI without fragment, user name or wildcard";
        ClientDocumentError::Member(FIELD, text)
    })
}

/// The grant types, by default `authorization_code` (RFC 7591 §2). The client needs that one, and `code` if it
/// lists response types.
fn grant_types(members: &Map<String, Value>) -> Result<BTreeSet<GrantType>, ClientDocumentError> {
    let written = texts(members, "grant_types")?;
    let code = GrantType::AuthorizationCode;
    let written = written.unwrap_or_else(|| vec![code.name()]);
    // Grant types that clients with a document may not have are left out.
    let allowed = GrantType::ALL.into_iter().filter(|it| it.is_allowed_in_documents());
    let usable: BTreeSet<GrantType> =
        allowed.filter(|grant_type| written.contains(&grant_type.name())).collect();
    if !usable.contains(&code) {
        let text = "it must list authorization_code";
        return Err(ClientDocumentError::Member("grant_types", text));
    }
    let responses = texts(members, "response_types")?;
    if responses.is_some_and(|responses| !responses.contains(&ResponseType::Code.name())) {
        return Err(ClientDocumentError::Member("response_types", "it must list code"));
    }
    Ok(usable)
}

#[cfg(test)]
mod tests;
