//! Conditions that many modules check.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Response;
use serde_json::Value;

use super::{browser::verified, person, rp::Rp};

pub fn is_json(answer: &Response) {
    let kind = answer.headers()["content-type"].to_str().expect("ASCII");
    assert_eq!(kind.split(';').next(), Some("application/json"), "{kind}");
}

/// A string member. Panics if it is missing.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Asserts a successful registration that echoes all sent metadata (OIDC Registration §3.2).
pub async fn registered(answer: Response, sent: &Value) -> Value {
    let status = answer.status();
    is_json(&answer);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(status, 201, "{body}");
    assert!(body.get("error").is_none(), "{body}");
    text(&body, "client_id");
    text(&body, "registration_client_uri");
    text(&body, "registration_access_token");
    let secret = sent["token_endpoint_auth_method"] != "private_key_jwt";
    assert_eq!(body.get("client_secret").is_some(), secret, "{body}");
    assert_eq!(body.get("client_secret_expires_at").is_some(), secret, "{body}");
    for (name, value) in sent.as_object().expect("an object") {
        assert_eq!(&body[name], value, "{name}");
    }
    body
}

/// Asserts an error response of the authorization endpoint: no unexpected parameters, no code and
/// `state` unchanged (OIDC Core §3.1.2.6). Returns the error code.
pub fn error(response: &person::Response, state: &str) -> String {
    let expected = ["error", "error_description", "error_uri", "state", "session_state", "iss"];
    for name in response.keys() {
        assert!(expected.contains(&name.as_str()), "{name} in {response:?}");
    }
    assert_eq!(response["state"], state);
    description(response.get("error_description").map_or("", String::as_str));
    response["error"].clone()
}

/// Asserts that a description contains only allowed characters (RFC 6749 §4.1.2.1, §5.2).
fn description(text: &str) {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(text.chars().all(allowed), "{text}");
}

/// Asserts an error of the token endpoint (RFC 6749 §5.2). Returns its code.
pub async fn token_error(answer: Response) -> String {
    assert_eq!(answer.status(), 400);
    is_json(&answer);
    let body: Value = answer.json().await.expect("JSON");
    description(body["error_description"].as_str().unwrap_or_default());
    assert!(body.get("access_token").is_none(), "{body}");
    text(&body, "error").to_owned()
}

/// Asserts a successful answer of the token endpoint (RFC 6749 §5.1).
pub async fn tokens(answer: Response) -> Value {
    let status = answer.status();
    is_json(&answer);
    let header = |name: &str| answer.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!((header("cache-control"), header("pragma")), ("no-store".into(), "no-cache".into()));
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(status, 200, "{body}");
    assert!(text(&body, "token_type").eq_ignore_ascii_case("Bearer"), "{body}");
    assert!(body["expires_in"].as_u64().is_some_and(|seconds| seconds > 0), "{body}");
    for token in ["access_token", "refresh_token"] {
        if let Some(token) = body[token].as_str() {
            assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{token}");
            unguessable(token);
        }
    }
    body
}

/// Asserts a minimum length and at least 128 bits by the frequencies of the characters, which is how
/// the suite estimates entropy.
pub fn unguessable(value: &str) {
    let mut counts = BTreeMap::<char, f64>::new();
    for c in value.chars() {
        *counts.entry(c).or_default() += 1.0;
    }
    let length = counts.values().sum::<f64>();
    let bits: f64 = counts.values().map(|count| -count * (count / length).log2()).sum();
    assert!(length >= 22.0 && bits >= 128.0, "{bits} bits in {value}");
}

/// Verifies an ID token with the published keys, asserts the required claims and returns all claims
/// (OIDC Core §2, §3.1.3.7).
pub async fn id_token(rp: &Rp<'_>, jwt: &str, nonce: Option<&str>) -> Value {
    let header = jsonwebtoken::decode_header(jwt).expect("a JWT");
    assert!(header.kid.is_some(), "OIDC Core §10.1");
    let claims = verified(jwt, &rp.op.jwks().await, rp.client_id());
    assert_eq!(claims["iss"], rp.op.issuer());
    assert!(!text(&claims, "sub").is_empty());
    assert_eq!(claims.get("nonce").and_then(Value::as_str), nonce);
    let (iat, exp) = (claims["iat"].as_i64(), claims["exp"].as_i64());
    assert!(iat.is_some_and(|iat| iat <= rp.op.now()) && exp > iat, "{claims}");
    if let Some(azp) = claims.get("azp") {
        assert_eq!(azp, rp.client_id());
    }
    standard_claims(&claims);
    claims
}

/// The left half of the SHA-256 of a value (OIDC Core §3.3.2.11).
pub fn left_half(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, value.as_bytes()).as_ref()[..16])
}

/// Asserts the types and formats of the standard claims (OIDC Core §5.1), and that no claim is null.
pub fn standard_claims(claims: &Value) {
    for (name, value) in claims.as_object().expect("an object") {
        match name.as_str() {
            "email_verified" | "phone_number_verified" => assert!(value.is_boolean(), "{name}"),
            "updated_at" => assert!(value.as_i64().is_some_and(|at| at > 631_152_000), "{value}"),
            "birthdate" => {
                let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
                let parts: Vec<&str> = text(claims, name).split('-').collect();
                let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
                assert!(lengths == [4, 2, 2] && parts.into_iter().all(digits), "{value}");
            }
            "address" => {
                let parts = value.as_object().expect("an object");
                assert!(!parts.is_empty() && parts.values().all(Value::is_string), "{value}");
            }
            name if STANDARD.contains(&name) => assert!(value.is_string(), "{name}"),
            name => assert!(!value.is_null(), "{name}"),
        }
    }
}

const STANDARD: [&str; 16] = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "gender",
    "zoneinfo",
    "locale",
    "phone_number",
    "iss",
];

/// The claims of each scope (OIDC Core §5.4).
pub fn of_scope(scope: &str) -> &'static [&'static str] {
    match scope {
        "openid" => &["sub"],
        "profile" => &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
        "email" => &["email", "email_verified"],
        "address" => &["address"],
        "phone" => &["phone_number", "phone_number_verified"],
        _ => &[],
    }
}

/// Asserts that published keys have unique IDs and no private part (RFC 7517 §4, RFC 7518 §6); returns
/// the IDs.
pub fn keys(jwks: &Value) -> Vec<String> {
    let keys = jwks["keys"].as_array().expect("a list");
    let mut names: Vec<String> = Vec::new();
    for key in keys {
        let kid = text(key, "kid").to_owned();
        assert!(!names.contains(&kid), "{kid} twice");
        names.push(kid);
        assert_ne!(text(key, "kty"), "oct");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private} in a public key");
        }
        for number in ["n", "e", "x", "y"] {
            if let Some(number) = key.get(number) {
                let number = URL_SAFE_NO_PAD.decode(number.as_str().expect("text"));
                assert!(number.is_ok_and(|bytes| !bytes.is_empty()), "base64url");
            }
        }
        assert_eq!(key["use"], "sig");
    }
    names
}
