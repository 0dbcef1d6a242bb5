//! Request objects (OIDC Core §6): parameters that come as a JWT, by value or by reference. First
//! what the request says of one, then, once somebody has fetched and verified it, its claims.

use std::time::Duration;

use serde_json::Value;

use super::super::{
    digest::sha256,
    error::{ErrorCode, OAuthError},
    jwt::UnverifiedJwt,
    params::RequestParams,
};
use crate::model::{Client, Issuer, JwsAlgorithm, Tenant, Timestamp};

/// How far a client's clock may be ahead.
const LEEWAY: Duration = Duration::from_mins(1);
/// `typ`, where an object has one of its own (RFC 9101 §4).
const JWT_TYPE: &str = "oauth-authz-req+jwt";
/// Of a SHA-256 in base64url.
const HASH_LENGTH: usize = 43;
/// More members than any object needs.
const MAX_PARAMETERS: usize = 100;
/// Claims of the JWT itself, which are no parameters.
const JWT_CLAIMS: [&str; 7] = ["iss", "aud", "sub", "exp", "nbf", "iat", "jti"];

/// Where a request's object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestObject {
    /// In `request`.
    Given(String),
    /// At this `request_uri`, which the client has registered.
    At(String),
}

/// Finds the object of a request, if it has one and the tenant takes it.
pub fn find(
    params: &RequestParams,
    tenant: &Tenant,
    client: &Client,
) -> Result<Option<RequestObject>, OAuthError> {
    let allowed = tenant.request_objects;
    match (params.get("request"), params.get("request_uri")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(invalid(ErrorCode::InvalidRequest, "Send either 'request' or 'request_uri'."))
        }
        (Some(_), None) if !allowed.by_value => Err(invalid(
            ErrorCode::RequestNotSupported,
            "The parameter 'request' is not supported; send plain parameters.",
        )),
        (None, Some(_)) if !allowed.by_reference => Err(invalid(
            ErrorCode::RequestUriNotSupported,
            "The parameter 'request_uri' is not supported; send plain parameters.",
        )),
        (Some(object), None) => Ok(Some(RequestObject::Given(object.to_owned()))),
        (None, Some(uri)) if is_registered(client, uri) => {
            Ok(Some(RequestObject::At(uri.to_owned())))
        }
        (None, Some(_)) => Err(invalid(
            ErrorCode::InvalidRequestUri,
            "The request_uri is not one that this application has registered.",
        )),
    }
}

/// Rule: the URI is registered; a fragment, the hash of the content, may differ (OIDC Core §6.2).
fn is_registered(client: &Client, uri: &str) -> bool {
    let bare = |uri: &str| uri.split('#').next().unwrap_or_default().to_owned();
    client.details.request_uris.iter().any(|registered| {
        registered == uri || (!registered.contains('#') && *registered == bare(uri))
    })
}

/// Rule: content that a fragment gives the SHA-256 of is that content (OIDC Core §6.2). A fragment
/// that was registered belongs to the name: it may well be older than the content.
pub fn check_content(client: &Client, uri: &str, content: &[u8]) -> Result<(), OAuthError> {
    let registered = client.details.request_uris.iter().any(|registered| registered == uri);
    if registered || content_hash(uri).is_none() || fragment_matches(uri, content) {
        return Ok(());
    }
    let text = "What is at the request_uri is not what its fragment is the SHA-256 of.";
    Err(invalid(ErrorCode::InvalidRequestUri, text))
}

/// Whether a URI's fragment is the SHA-256 of this content (OIDC Core §6.2).
pub fn fragment_matches(uri: &str, content: &[u8]) -> bool {
    content_hash(uri).is_some_and(|hash| hash == sha256(content))
}

/// The fragment of a URI where it has the form of a hash.
fn content_hash(uri: &str) -> Option<&str> {
    uri.split_once('#').map(|(_, fragment)| fragment).filter(|it| it.len() == HASH_LENGTH)
}

/// The error of an object that did not come.
pub fn unreachable(why: &str) -> OAuthError {
    invalid(ErrorCode::InvalidRequestUri, "Nothing usable is at the request_uri.").because(why)
}

/// Rule: the object has the algorithm that the client registered. If it registered no one, any
/// signature of its own will do, and none is needed at an address that it registered: what stands
/// there is its word (OIDC Registration §2, OIDC Core §6.2).
pub fn check_algorithm(
    client: &Client,
    jwt: &UnverifiedJwt,
    object: &RequestObject,
) -> Result<(), OAuthError> {
    let unsigned = jwt.algorithm == JwsAlgorithm::None;
    let vouched_for = matches!(object, RequestObject::At(_));
    match client.request_object_signing_alg {
        Some(registered) if jwt.algorithm.is(registered) => Ok(()),
        None if !unsigned || vouched_for => Ok(()),
        _ if unsigned => {
            let code = match object {
                RequestObject::Given(_) => ErrorCode::RequestNotSupported,
                RequestObject::At(_) => ErrorCode::RequestUriNotSupported,
            };
            let text = "This application has not registered to send request objects unsigned.";
            Err(invalid(code, text))
        }
        _ => Err(refused("The request object has another algorithm than is registered.")),
    }
}

/// The error of an object that cannot be read or was not signed by the client.
pub fn unusable(why: &str) -> OAuthError {
    refused("The request object is no JWT that this application has signed.").because(why)
}

/// The parameters of a request with its object, whose values win (OIDC Core §6.1, §6.3.3): also
/// where they are empty or null, which is to be without the parameter. All but `client_id` may stand
/// in the object alone (RFC 9101 §5).
pub fn merge(
    params: &RequestParams,
    jwt: &UnverifiedJwt,
    client: &Client,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<RequestParams, OAuthError> {
    check_claims(jwt, client, issuer, now)?;
    for name in ["client_id", "response_type"] {
        if let (Some(inner), Some(outer)) = (jwt.claims.get(name), params.get(name))
            && inner.as_str() != Some(outer)
        {
            let text = format!("'{name}' of the request object is not that of the request.");
            return Err(refused(&text));
        }
    }
    if jwt.claims.contains_key("request") || jwt.claims.contains_key("request_uri") {
        return Err(refused("A request object holds neither 'request' nor 'request_uri'."));
    }
    if jwt.claims.len() > MAX_PARAMETERS {
        return Err(refused(&format!(
            "The request object has more than {MAX_PARAMETERS} members."
        )));
    }
    let mut merged = params.clone();
    for name in ["request", "request_uri"] {
        merged.remove(name);
    }
    for (name, value) in &jwt.claims {
        if name == "resource" {
            merged.replace_resources(resources(value)?);
        } else if !JWT_CLAIMS.contains(&name.as_str()) {
            merged.replace(name, parameter(name, value)?);
        }
    }
    Ok(merged)
}

/// The parameters by which an error of an object is answered: what says how (`response_mode`,
/// `response_type`, `state`) may stand in the object alone (RFC 9101 §5). Its values win if the client
/// has vouched for them (OIDC Core §6.1), and else count where there are no others: whoever made the
/// request might as well have put them beside it. Where the answer goes, what stands there proves.
pub fn error_response_params(
    params: &RequestParams,
    jwt: &UnverifiedJwt,
    vouched_for: bool,
) -> RequestParams {
    let mut answered = params.clone();
    for name in ["response_mode", "response_type", "state"] {
        if let Some(value) = jwt.text(name)
            && (vouched_for || params.get(name).is_none())
        {
            answered.replace(name, value.to_owned());
        }
    }
    answered
}

/// The values of `resource`, of which there may be many (RFC 8707 §2).
fn resources(value: &Value) -> Result<Vec<String>, OAuthError> {
    let many = match value {
        Value::Array(many) => many.as_slice(),
        one => std::slice::from_ref(one),
    };
    let resources = many.iter().map(|one| parameter("resource", one));
    resources.filter(|one| !one.as_ref().is_ok_and(String::is_empty)).collect()
}

/// Rule: what the object says of itself fits (OIDC Core §6.1; RFC 7519 §4.1). It travels through the
/// browser: one that could be sent as a client assertion would give the client away (RFC 9101 §4,
/// §10.8).
fn check_claims(
    jwt: &UnverifiedJwt,
    client: &Client,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if !jwt.accepts_typ(JWT_TYPE) {
        return Err(refused("'typ' of the request object says that it is something else."));
    }
    if jwt.text("sub") == Some(client.id.as_str()) {
        return Err(refused("A request object with the client_id as 'sub' would authenticate it."));
    }
    if jwt.claims.get("iss").is_some_and(|iss| iss != client.id.as_str()) {
        return Err(refused("'iss' of the request object is not the client_id."));
    }
    let ours = |one: &Value| one == issuer.as_str();
    let meant = match jwt.claims.get("aud") {
        None => true,
        Some(Value::Array(all)) => all.iter().any(ours),
        Some(one) => ours(one),
    };
    if !meant {
        return Err(refused("'aud' of the request object is not this issuer."));
    }
    if jwt.claims.contains_key("exp") && jwt.time("exp").is_none_or(|exp| exp <= now.secs()) {
        return Err(refused("The request object has expired."));
    }
    let early = |name: &str| {
        jwt.claims.contains_key(name)
            && jwt.time(name).is_none_or(|time| time > now.plus(LEEWAY).secs())
    };
    if early("nbf") || early("iat") {
        return Err(refused("The request object is not valid yet."));
    }
    Ok(())
}

/// A claim as a parameter: `max_age` is a number there, `claims` an object (OIDC Core §6.1).
fn parameter(name: &str, value: &Value) -> Result<String, OAuthError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) | Value::Object(_) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) => Err(refused(&format!(
            "'{}' of the request object is a list; write it as text, words separated by spaces.",
            name.escape_default()
        ))),
    }
}

fn refused(text: &str) -> OAuthError {
    invalid(ErrorCode::InvalidRequestObject, text)
}

fn invalid(code: ErrorCode, text: &str) -> OAuthError {
    OAuthError::new(code, text)
}

#[cfg(test)]
mod tests;
