//! Request objects (OIDC Core §6): parameters sent as a JWT, by value or by reference. [`find`]
//! locates the object; after the caller has fetched and verified it, [`merge`] applies its claims.

mod fapi2;

use serde_json::Value;

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        jwt::{JWT_CLOCK_LEEWAY, UnverifiedJwt},
        params::{RequestParams, may_repeat},
    },
    parameters::{AuthorizationParameter, AuthorizationParams, RequestObjectRule},
    pushed, unsupported,
};
use crate::model::{Client, Issuer, JwsAlgorithm, Tenant, Timestamp, sha256_base64url};

/// The dedicated `typ` of request objects (RFC 9101 §4).
const JWT_TYPE: &str = "oauth-authz-req+jwt";
/// The length of a base64url-encoded SHA-256 hash.
const HASH_LENGTH: usize = 43;
/// Maximum number of claims, more than any request needs.
const MAX_PARAMETERS: usize = 100;
/// Claims of the JWT itself, which are not request parameters.
const JWT_CLAIMS: [&str; 7] = ["iss", "aud", "sub", "exp", "nbf", "iat", "jti"];

/// The location of a request object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestObject {
    /// By value, in `request`.
    Given(String),
    /// By reference, at this registered `request_uri`.
    At(String),
}

/// Returns the location of the request object, if there is one and the tenant accepts it.
pub fn find_request_object(
    params: &RequestParams,
    tenant: &Tenant,
    client: &Client,
) -> Result<Option<RequestObject>, OAuthError> {
    let (allowed, params) = (tenant.request_objects, AuthorizationParams::new(params));
    match (
        params.get(AuthorizationParameter::Request),
        params.get(AuthorizationParameter::RequestUri),
    ) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(invalid(ErrorCode::InvalidRequest, "Send either 'request' or 'request_uri'."))
        }
        (Some(_), None) if !allowed.by_value => Err(unsupported::unsupported_parameter_error(
            AuthorizationParameter::Request,
            ErrorCode::RequestNotSupported,
        )),
        (None, Some(_)) if !allowed.by_reference => Err(unsupported::unsupported_parameter_error(
            AuthorizationParameter::RequestUri,
            ErrorCode::RequestUriNotSupported,
        )),
        (None, Some(_)) if client.require_pushed_requests => Err(pushed::not_pushed_error()),
        (Some(object), None) => Ok(Some(RequestObject::Given(object.to_owned()))),
        (None, Some(uri)) if is_registered(client, uri) => {
            Ok(Some(RequestObject::At(uri.to_owned())))
        }
        (None, Some(_)) => Err(invalid(
            ErrorCode::InvalidRequestUri,
            "The request_uri is not registered for this application.",
        )),
    }
}

/// Rule: the URI is registered. The fragment, a hash of the content, may differ (OIDC Core §6.2).
fn is_registered(client: &Client, uri: &str) -> bool {
    let bare = |uri: &str| uri.split('#').next().unwrap_or_default().to_owned();
    client.details.request_uris.iter().any(|registered| {
        registered == uri || (!registered.contains('#') && *registered == bare(uri))
    })
}

/// Rule: if the fragment is a SHA-256 hash, the content must match it (OIDC Core §6.2). A fragment
/// that is part of the registered URI is not checked, because it may be older than the content.
pub fn check_content_hash(client: &Client, uri: &str, content: &[u8]) -> Result<(), OAuthError> {
    let registered = client.details.request_uris.iter().any(|registered| registered == uri);
    if registered || content_hash(uri).is_none() || fragment_matches(uri, content) {
        return Ok(());
    }
    let text = "The content at the request_uri does not match the SHA-256 hash in its fragment.";
    Err(invalid(ErrorCode::InvalidRequestUri, text))
}

/// Returns true if a URI's fragment is the SHA-256 hash of this content (OIDC Core §6.2).
pub fn fragment_matches(uri: &str, content: &[u8]) -> bool {
    content_hash(uri).is_some_and(|hash| hash == sha256_base64url(content))
}

/// Returns the fragment of a URI if it has the length of a hash.
fn content_hash(uri: &str) -> Option<&str> {
    uri.split_once('#').map(|(_, fragment)| fragment).filter(|it| it.len() == HASH_LENGTH)
}

/// Returns the error for an object that could not be fetched.
pub fn request_object_unreachable(why: &str) -> OAuthError {
    invalid(
        ErrorCode::InvalidRequestUri,
        "The request object could not be fetched from the request_uri.",
    )
    .because(why)
}

/// Rule: the object has the registered algorithm. Without a registered algorithm, any signature of the client is
/// accepted. Objects at a registered URI then need no signature, because only the client can publish there (OIDC
/// Registration §2, OIDC Core §6.2).
pub fn check_request_object_algorithm(
    client: &Client,
    jwt: &UnverifiedJwt,
    object: &RequestObject,
) -> Result<(), OAuthError> {
    if !client.may_sign_with(jwt.algorithm) {
        return Err(refused("The request object must be signed with PS256, ES256 or EdDSA."));
    }
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
            let text = "This application is not registered to send unsigned request objects.";
            Err(invalid(code, text))
        }
        _ => Err(refused("The algorithm of the request object is not the registered one.")),
    }
}

/// Returns the error for an object that cannot be parsed or was not signed by the client.
pub fn request_object_unusable(why: &str) -> OAuthError {
    refused("The request object signature could not be verified.").because(why)
}

/// Merges the request parameters with those of its object. The values of the object take
/// precedence, even if they are empty or null, which removes the parameter (OIDC Core §6.1,
/// §6.3.3). All parameters except `client_id` may occur only in the object (RFC 9101 §5).
pub fn merge_request_object(
    params: &RequestParams,
    jwt: &UnverifiedJwt,
    client: &Client,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<RequestParams, OAuthError> {
    check_claims(jwt, client, issuer, now)?;
    let is_alone = client.must_sign_requests();
    if is_alone {
        fapi2::check_signed_request(jwt, now)?;
    }
    let mut merged = params.clone();
    for parameter in AuthorizationParameter::ALL {
        let name = parameter.name();
        let (inner, outer) = (jwt.claims.get(name), params.get(name));
        match (parameter.in_request_object(), inner) {
            (RequestObjectRule::Agrees, Some(inner))
                if outer.is_some_and(|outer| inner.as_str() != Some(outer)) =>
            {
                let text =
                    format!("'{name}' of the request object differs from that of the request.");
                return Err(refused(&text));
            }
            (RequestObjectRule::Refused, Some(_)) => {
                return Err(refused(&format!("A request object must not contain '{name}'.")));
            }
            (RequestObjectRule::Refused, None) => {
                merged.remove(name);
            }
            // Parameters outside of the object are ignored (RFC 9101 §6.3).
            (_, None) if is_alone && *parameter != AuthorizationParameter::ClientId => {
                merged.remove(name);
            }
            _ => {}
        }
    }
    if jwt.claims.len() > MAX_PARAMETERS {
        return Err(refused(&format!(
            "The request object has more than {MAX_PARAMETERS} members."
        )));
    }
    for (name, value) in &jwt.claims {
        if may_repeat(name) {
            merged.replace_all(name, repeated(name, value)?);
        } else if !JWT_CLAIMS.contains(&name.as_str()) {
            merged.replace(name, parameter(name, value)?);
        }
    }
    Ok(merged)
}

/// Returns the parameters that determine how an error of an object is sent. `response_mode`,
/// `response_type` and `state` may occur only in the object (RFC 9101 §5). Its values take
/// precedence if the client vouched for the object (OIDC Core §6.1). Otherwise they only fill in
/// missing parameters, which the sender of the request could have added as well. The redirect URI
/// check still applies.
pub fn error_response_params(
    params: &RequestParams,
    jwt: &UnverifiedJwt,
    vouched_for: bool,
) -> RequestParams {
    let mut answered = params.clone();
    for parameter in [
        AuthorizationParameter::ResponseMode,
        AuthorizationParameter::ResponseType,
        AuthorizationParameter::State,
    ] {
        let name = parameter.name();
        if let Some(value) = jwt.text(name)
            && (vouched_for || params.get(name).is_none())
        {
            answered.replace(name, value.to_owned());
        }
    }
    answered
}

/// Converts a claim to the values of a parameter that may repeat.
fn repeated(name: &str, value: &Value) -> Result<Vec<String>, OAuthError> {
    let many = match value {
        Value::Array(many) => many.as_slice(),
        one => std::slice::from_ref(one),
    };
    let values = many.iter().map(|one| parameter(name, one));
    values.filter(|one| !one.as_ref().is_ok_and(String::is_empty)).collect()
}

/// Rule: the JWT claims of the object are valid (OIDC Core §6.1; RFC 7519 §4.1). The object is
/// visible in the browser, so one that could be used as a client assertion is rejected (RFC 9101
/// §4, §10.8).
fn check_claims(
    jwt: &UnverifiedJwt,
    client: &Client,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if let Some(problem) = jwt.wrong_typ(JWT_TYPE, "request object") {
        return Err(refused(&problem));
    }
    if jwt.text("sub") == Some(client.id.as_str()) {
        return Err(refused("'sub' of the request object must not be the client_id."));
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
            && jwt.time(name).is_none_or(|time| time > now.plus(JWT_CLOCK_LEEWAY).secs())
    };
    if early("nbf") || early("iat") {
        return Err(refused("The request object is not valid yet."));
    }
    Ok(())
}

/// Converts a claim to a parameter: `max_age` is a number, `claims` is an object (OIDC Core §6.1).
fn parameter(name: &str, value: &Value) -> Result<String, OAuthError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) | Value::Object(_) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) if name == AuthorizationParameter::AuthorizationDetails.name() => {
            Ok(value.to_string())
        }
        Value::Array(_) => Err(refused(&format!(
            "'{}' of the request object is an array; it must be a string of space-separated values.",
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
