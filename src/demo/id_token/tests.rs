use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use jsonwebtoken::{EncodingKey, Header, jwk::Jwk};
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const ACCESS_TOKEN: &str = "an.access.token";

/// The stand-in provider's key, as PKCS#8.
static KEY: LazyLock<EncodingKey> = LazyLock::new(|| {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .unwrap();
    EncodingKey::from_ec_der(document.as_ref())
});

pub(in crate::demo) fn jwks() -> JwkSet {
    let mut key = Jwk::from_encoding_key(&KEY, Algorithm::ES256).unwrap();
    key.common.key_id = Some("one".to_owned());
    JwkSet { keys: vec![key] }
}

pub(in crate::demo) fn sign(claims: &Value) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("one".to_owned());
    jsonwebtoken::encode(&header, claims, &KEY).unwrap()
}

pub(in crate::demo) fn at_hash(access_token: &str) -> String {
    left_half_hash(Algorithm::ES256, access_token)
}

fn expected() -> ExpectedIdToken<'static> {
    ExpectedIdToken {
        issuer: "http://localhost:8080/default/main",
        client_id: "app",
        nonce: Some("n-0"),
        access_token: ACCESS_TOKEN,
        now: NOW,
    }
}

fn verify_with(change: impl FnOnce(&mut Value)) -> Result<VerifiedIdToken, InvalidIdToken> {
    let mut claims = json!({
        "iss": "http://localhost:8080/default/main", "sub": "ada", "aud": "app", "nonce": "n-0",
        "iat": NOW.secs(), "exp": NOW.secs() + 600, "at_hash": at_hash(ACCESS_TOKEN),
    });
    change(&mut claims);
    verify_id_token(&sign(&claims), &jwks(), &expected())
}

#[test]
fn accepts_a_valid_id_token() {
    let verified = verify_with(|_| ()).unwrap();
    assert_eq!(verified.claims["sub"], "ada");
    assert_eq!(verified.checks.len(), 6, "{:?}", verified.checks);
    assert!(verify_with(|claims| claims["aud"] = json!(["app"])).is_ok());
    let with_azp = |claims: &mut Value| {
        claims["aud"] = json!(["api", "app"]);
        claims["azp"] = json!("app");
    };
    assert!(verify_with(with_azp).is_ok());
}

#[test]
fn refuses_other_issuers_audiences_and_times() {
    for (claim, value, rule) in [
        ("iss", json!("http://localhost:8080/default/other"), "iss"),
        ("aud", json!("another"), "aud"),
        ("aud", json!(["app", "another"]), "azp is missing"),
        ("aud", Value::Null, "aud"),
        ("azp", json!("another"), "azp"),
        ("exp", json!(NOW.secs() - LEEWAY), "exp"),
        ("exp", Value::Null, "exp"),
        ("iat", json!(NOW.secs() + LEEWAY + 1), "iat"),
        ("nonce", json!("n-1"), "nonce"),
        ("nonce", Value::Null, "nonce"),
        ("at_hash", json!(at_hash("another")), "at_hash"),
    ] {
        let refused = verify_with(|claims| claims[claim] = value.clone()).unwrap_err();
        assert!(refused.to_string().contains(rule), "{claim} = {value}: {refused}");
    }
}

#[test]
fn refuses_tokens_not_signed_by_the_issuer() {
    let token = sign(&json!({"sub": "ada"}));
    let (body, signature) = token.rsplit_once('.').unwrap();
    let other_signature = sign(&json!({"sub": "eve"})).rsplit_once('.').unwrap().1.to_owned();
    for forged in [
        format!("{body}.{other_signature}"),
        format!("{body}."),
        body.to_owned(),
        format!("eyJhbGciOiJub25lIn0.e30.{signature}"),
        "nonsense".to_owned(),
    ] {
        assert!(verify_id_token(&forged, &jwks(), &expected()).is_err(), "{forged}");
    }
    assert!(verify_id_token(&token, &JwkSet { keys: vec![] }, &expected()).is_err());
    let hmac = jsonwebtoken::encode(
        &Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) },
        &json!({"sub": "ada"}),
        &EncodingKey::from_secret(b"public"),
    );
    let refused = verify_id_token(&hmac.unwrap(), &jwks(), &expected()).unwrap_err();
    assert!(refused.to_string().contains("alg"), "{refused}");
}

#[test]
fn decodes_tokens_without_verification() {
    let (header, claims) = peek_id_token(&sign(&json!({"sub": "ada"}))).unwrap();
    assert_eq!((&header["kid"], &claims["sub"]), (&json!("one"), &json!("ada")));
    for opaque in ["", "abc", "a.b.c", "e30.e30x.", "W10.W10.x"] {
        assert!(peek_id_token(opaque).is_none_or(|(_, claims)| claims.is_empty()), "{opaque}");
    }
}
