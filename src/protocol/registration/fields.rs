//! The table of supported client metadata (OIDC Registration §2, RFC 7591 §2, RP-Initiated Logout). A row has the
//! JSON type, the name in a manifest, and the value of a registered client.

use serde_json::{Map, Value, json};

use super::{OAuthError, invalid};
use crate::model::{Client, ClientDetail, ClientDetailKind, ClientDetails, RedirectUri, WireEnum};

/// The JSON type of a metadata value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MetadataShape {
    Text,
    Texts,
    Flag,
    Seconds,
    KeySet,
}

/// A metadata value: its name, its type, and its value in a response.
type Field = (&'static str, MetadataShape, fn(&Client) -> Value);

/// The metadata that is not in [`ClientDetails`]. Null and empty lists are omitted in responses.
const FIELDS: [Field; 19] = [
    ("redirect_uris", MetadataShape::Texts, |client| uris(&client.redirect_uris)),
    ("post_logout_redirect_uris", MetadataShape::Texts, |client| {
        uris(&client.post_logout_redirect_uris)
    }),
    ("response_types", MetadataShape::Texts, |client| {
        client.response_types.iter().map(|it| it.as_str()).collect()
    }),
    ("grant_types", MetadataShape::Texts, |client| {
        client.grant_types.iter().map(|it| it.as_str()).collect()
    }),
    ("application_type", MetadataShape::Text, |client| client.application_type.as_str().into()),
    ("client_name", MetadataShape::Text, |client| client.name.as_str().into()),
    ("jwks_uri", MetadataShape::Text, |client| json!(client.keys.url())),
    ("jwks", MetadataShape::KeySet, |client| json!(client.keys.inline())),
    ("subject_type", MetadataShape::Text, |client| client.subject_type.as_str().into()),
    ("id_token_signed_response_alg", MetadataShape::Text, |client| {
        name(client.id_token_signed_response_alg)
    }),
    ("userinfo_signed_response_alg", MetadataShape::Text, |client| {
        name(client.userinfo_signed_response_alg)
    }),
    ("authorization_signed_response_alg", MetadataShape::Text, |client| {
        name(client.authorization_signed_response_alg)
    }),
    ("request_object_signing_alg", MetadataShape::Text, |client| {
        name(client.request_object_signing_alg)
    }),
    ("token_endpoint_auth_method", MetadataShape::Text, |client| {
        client.authentication.method().as_str().into()
    }),
    ("token_endpoint_auth_signing_alg", MetadataShape::Text, |client| {
        name(client.details.token_endpoint_auth_signing_alg)
    }),
    ("backchannel_token_delivery_mode", MetadataShape::Text, |client| {
        name(client.details.backchannel_token_delivery_mode)
    }),
    ("default_max_age", MetadataShape::Seconds, |client| {
        json!(client.default_max_age.map(|age| age.as_secs()))
    }),
    ("require_auth_time", MetadataShape::Flag, |client| client.require_auth_time.into()),
    ("require_pushed_authorization_requests", MetadataShape::Flag, |client| {
        client.require_pushed_requests.into()
    }),
];

fn uris(uris: &[RedirectUri]) -> Value {
    uris.iter().map(RedirectUri::as_str).collect()
}

fn name<T: WireEnum>(value: Option<T>) -> Value {
    json!(value.map(T::name))
}

/// Names and types of all metadata that is registered under its own name.
fn shapes() -> impl Iterator<Item = (&'static str, MetadataShape)> {
    let details = ClientDetails::ALL.iter().map(|row| (row.name, MetadataShape::of(row)));
    FIELDS.iter().map(|(name, shape, _)| (*name, *shape)).chain(details)
}

/// Returns true if a field of a manifest is metadata that is registered under its own name.
pub fn is_registrable(field: &str) -> bool {
    shapes().any(|(name, _)| manifest_name(name) == field)
}

/// Returns the metadata of a client as it is registered, including defaults.
pub(super) fn registered_metadata(client: &Client) -> Map<String, Value> {
    let fields = FIELDS.iter().map(|(name, _, value)| (*name, value(client)));
    let details =
        ClientDetails::ALL.iter().map(|row| (row.name, json!((row.value)(&client.details))));
    let mut members: Map<String, Value> = fields
        .chain(details)
        .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|it| !it.is_empty()))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    for channel in ["backchannel", "frontchannel"] {
        if !members.contains_key(&format!("{channel}_logout_uri")) {
            members.remove(&format!("{channel}_logout_session_required"));
        }
    }
    // RFC 7591 §2: the value on the wire is space-separated.
    let scopes: Vec<_> = client.scopes.iter().map(String::as_str).collect();
    members.insert("scope".to_owned(), scopes.join(" ").into());
    members
}

/// Converts metadata to the members of a spec. Empty values are omitted.
pub(super) fn spec_from_metadata(
    members: &Map<String, Value>,
) -> Result<Map<String, Value>, OAuthError> {
    let mut spec = Map::new();
    for (name, shape) in shapes() {
        let Some(value) = members.get(name) else { continue };
        if !shape.fits(value) {
            return Err(invalid(format!("{name} must be {}.", shape.words())));
        }
        let empty = value.as_str().is_some_and(str::is_empty)
            || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            spec.insert(manifest_name(name), value.clone());
        }
    }
    // RFC 7591 §2: the value on the wire is space-separated.
    match members.get("scope") {
        None => {}
        Some(Value::String(scope)) => {
            let scopes: Vec<Value> = scope.split_ascii_whitespace().map(Value::from).collect();
            if !scopes.is_empty() {
                spec.insert("scopes".to_owned(), scopes.into());
            }
        }
        Some(_) => return Err(invalid("scope must be a string of space-separated scopes.")),
    }
    Ok(spec)
}

impl MetadataShape {
    const fn of(row: &ClientDetail) -> Self {
        match row.kind {
            ClientDetailKind::Text
            | ClientDetailKind::WebUrl
            | ClientDetailKind::WebUrlWithoutFragment
            | ClientDetailKind::HttpsUrl => Self::Text,
            ClientDetailKind::Texts | ClientDetailKind::Words | ClientDetailKind::WebUrls => {
                Self::Texts
            }
            ClientDetailKind::Flag => Self::Flag,
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Texts => {
                value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
            }
            Self::Flag => value.is_boolean(),
            Self::Seconds => value.is_u64(),
            Self::KeySet => value.is_object(),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Texts => "an array of strings",
            Self::Flag => "true or false",
            Self::Seconds => "a number of seconds",
            Self::KeySet => "a JWK Set",
        }
    }
}

/// Converts a registered name to that in a manifest: `redirect_uris` → `redirectUris`.
pub fn manifest_name(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        camel.push_str(&word[..1].to_ascii_uppercase());
        camel.push_str(&word[1..]);
    }
    camel
}

/// Converts a name in a manifest to the registered one: `redirectUris` → `redirect_uris`.
pub(super) fn registered_name(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_convert_both_ways() {
        for (name, _) in shapes() {
            assert_eq!(registered_name(&manifest_name(name)), name);
        }
        assert_eq!(manifest_name("token_endpoint_auth_method"), "tokenEndpointAuthMethod");
    }
}
