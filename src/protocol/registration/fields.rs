//! The supported client metadata (OIDC Registration §2, RFC 7591 §2, RP-Initiated, Front-Channel
//! and Back-Channel Logout): their JSON types, and their names in a manifest.

use serde_json::{Map, Value};

use super::{OAuthError, invalid};

/// The JSON type of a metadata value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    Texts,
    Flag,
    Seconds,
    KeySet,
}

const FIELDS: [(&str, Shape); 31] = [
    ("redirect_uris", Shape::Texts),
    ("response_types", Shape::Texts),
    ("grant_types", Shape::Texts),
    ("application_type", Shape::Text),
    ("contacts", Shape::Texts),
    ("client_name", Shape::Text),
    ("logo_uri", Shape::Text),
    ("client_uri", Shape::Text),
    ("policy_uri", Shape::Text),
    ("tos_uri", Shape::Text),
    ("jwks_uri", Shape::Text),
    ("jwks", Shape::KeySet),
    ("sector_identifier_uri", Shape::Text),
    ("subject_type", Shape::Text),
    ("id_token_signed_response_alg", Shape::Text),
    ("userinfo_signed_response_alg", Shape::Text),
    ("request_object_signing_alg", Shape::Text),
    ("token_endpoint_auth_method", Shape::Text),
    ("token_endpoint_auth_signing_alg", Shape::Text),
    ("default_max_age", Shape::Seconds),
    ("require_auth_time", Shape::Flag),
    ("default_acr_values", Shape::Texts),
    ("initiate_login_uri", Shape::Text),
    ("request_uris", Shape::Texts),
    ("post_logout_redirect_uris", Shape::Texts),
    ("backchannel_logout_uri", Shape::Text),
    ("backchannel_logout_session_required", Shape::Flag),
    ("frontchannel_logout_uri", Shape::Text),
    ("frontchannel_logout_session_required", Shape::Flag),
    ("software_id", Shape::Text),
    ("software_version", Shape::Text),
];

/// Converts metadata to the members of a spec. Empty values are omitted.
pub(super) fn spec(members: &Map<String, Value>) -> Result<Map<String, Value>, OAuthError> {
    let mut spec = Map::new();
    for (name, shape) in FIELDS {
        let Some(value) = members.get(name) else { continue };
        if !shape.fits(value) {
            return Err(invalid(format!("{name} must be {}.", shape.words())));
        }
        let empty = value.as_str().is_some_and(str::is_empty)
            || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            spec.insert(camel(name), value.clone());
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

impl Shape {
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
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        camel.push_str(&word[..1].to_ascii_uppercase());
        camel.push_str(&word[1..]);
    }
    camel
}

/// Converts a name in a manifest to the registered one: `redirectUris` → `redirect_uris`.
pub(super) fn snake(name: &str) -> String {
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
        for (name, _) in FIELDS {
            assert_eq!(snake(&camel(name)), name);
        }
        assert_eq!(camel("token_endpoint_auth_method"), "tokenEndpointAuthMethod");
    }
}
