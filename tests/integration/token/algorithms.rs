//! Every algorithm that metadata advertises is one that clients can sign with (OIDC Discovery §3).

use std::collections::BTreeSet;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto::sign, encode};
use lanyard::{
    keys::{KeyTimes, ParsedKeyCache, generate_key_record, write_key},
    model::{Clock, SigningAlgorithm, Timestamp},
};
use serde_json::{Value, json};

use super::{
    assertions::ask,
    browser::{form_encode, verified},
    world::{SECRET, World, read, text},
};
use crate::support::dpop::claims as proof_claims;

/// Key pairs of a client, one for each key type and curve.
struct Keys {
    rsa: EncodingKey,
    p256: EncodingKey,
    p384: EncodingKey,
    ed25519: EncodingKey,
    jwks: Value,
}

impl Keys {
    fn new() -> Self {
        let at = Timestamp::from_secs(1_800_000_000);
        let times = KeyTimes { published_at: at, signs_from: at, retire_at: None };
        let made = SigningAlgorithm::ALL.map(|it| generate_key_record(it, times).expect("a key"));
        let pem = |algorithm| {
            let record = made.iter().find(|record| record.algorithm == algorithm).expect("made");
            record.private_key.expose().as_bytes()
        };
        let (ring, _) = ParsedKeyCache::default().ring(&made.iter().map(write_key).collect());
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        let point = p384.public_key().as_ref();
        let (x, y) = point[1..].split_at(48);
        let mut jwks = ring.jwks();
        let all = jwks["keys"].as_array_mut().expect("a list");
        // One RSA key signs with both algorithms.
        all.retain(|key| key["alg"] != "PS256");
        for key in &mut *all {
            // Without `alg`, an RSA key can be used for RS256 and PS256.
            key.as_object_mut().expect("an object").remove("alg");
        }
        all.push(json!({
            "kty": "EC", "crv": "P-384",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }));
        let der = p384.to_pkcs8v1().expect("a document");
        Self {
            rsa: EncodingKey::from_rsa_pem(pem(SigningAlgorithm::RS256)).expect("a key"),
            p256: EncodingKey::from_ec_pem(pem(SigningAlgorithm::ES256)).expect("a key"),
            p384: EncodingKey::from_ec_der(der.as_ref()),
            ed25519: EncodingKey::from_ed_pem(pem(SigningAlgorithm::EdDSA)).expect("a key"),
            jwks,
        }
    }

    /// Signs claims with an algorithm; `none` gives an unsigned JWT.
    fn sign(&self, algorithm: &str, claims: &Value) -> String {
        if algorithm == "none" {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            return format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims));
        }
        if algorithm == "Ed25519" {
            // jsonwebtoken implements the signature, but not this name of the algorithm.
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let message = format!("{}.{}", part(&json!({ "alg": algorithm })), part(claims));
            let signature = sign(message.as_bytes(), &self.ed25519, Algorithm::EdDSA);
            return format!("{message}.{}", signature.expect("signed"));
        }
        let secret = EncodingKey::from_secret(SECRET.as_bytes());
        let key = match algorithm {
            "ES256" => &self.p256,
            "ES384" => &self.p384,
            "EdDSA" => &self.ed25519,
            _ if algorithm.starts_with("HS") => &secret,
            _ => &self.rsa,
        };
        let header = Header::new(algorithm.parse().expect("a JWS algorithm"));
        encode(&header, claims, key).expect("signed")
    }
}

impl Keys {
    /// A DPoP proof for the token endpoint (RFC 9449 §4.2).
    fn proof(&self, algorithm: &str, claims: &Value) -> String {
        let (name, value, key, signed_with) = match algorithm {
            "ES256" => ("crv", "P-256", &self.p256, Algorithm::ES256),
            "ES384" => ("crv", "P-384", &self.p384, Algorithm::ES384),
            "EdDSA" | "Ed25519" => ("crv", "Ed25519", &self.ed25519, Algorithm::EdDSA),
            other => ("kty", "RSA", &self.rsa, other.parse().expect("a JWS algorithm")),
        };
        let jwks = self.jwks["keys"].as_array().expect("a list");
        let jwk = jwks.iter().find(|key| key[name] == value).expect("a key");
        let header = json!({ "typ": "dpop+jwt", "alg": algorithm, "jwk": jwk });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = sign(message.as_bytes(), key, signed_with).expect("signed");
        format!("{message}.{signature}")
    }
}

#[tokio::test]
async fn every_advertised_algorithm_proves_a_key() {
    // dpop_signing_alg_values_supported
    let (world, keys) = (World::new().await, Keys::new());
    let web = world.application("web").await;
    let algorithms = listed(&web.metadata, "dpop_signing_alg_values_supported");
    assert!(algorithms.len() >= 6, "{algorithms:?}");
    for algorithm in algorithms {
        let url = web.endpoint("token_endpoint");
        let claims = proof_claims("POST", url, world.app.clock.now());
        let proof = keys.proof(&algorithm, &claims);
        let secret = Some(form_encode(SECRET));
        let request = world.http.post(url).basic_auth("default.web", secret).header("dpop", proof);
        let (status, _, answer) = read(request.form(&[("grant_type", "client_credentials")])).await;
        assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{algorithm}: {answer}");
    }
}

const WRITTEN: &str =
    "keys: [{kty: OKP, crv: Ed25519, kid: one, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]";

/// The algorithms in a field of the metadata.
fn listed(metadata: &Value, field: &str) -> Vec<String> {
    let all = metadata[field].as_array().expect("a list").iter();
    all.map(|it| it.as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn every_advertised_algorithm_authenticates_a_client() {
    // token_endpoint_auth_signing_alg_values_supported
    let (world, keys) = (World::new().await, Keys::new());
    world.change(WRITTEN, &format!("keys: {}", keys.jwks["keys"]));
    let metadata = world.application("web").await.metadata;
    let algorithms = listed(&metadata, "token_endpoint_auth_signing_alg_values_supported");
    assert!(algorithms.len() >= 13, "{algorithms:?}");
    for algorithm in algorithms {
        let secret = algorithm.starts_with("HS");
        let client = if secret { "default.signs-with-secret" } else { "default.signs-with-key" };
        let now = world.app.clock.now().secs();
        let claims = json!({
            "iss": client, "sub": client, "aud": world.app.issuer("shop"),
            "iat": now, "exp": now + 60, "jti": algorithm,
        });
        let (status, answer) = ask(&world, &keys.sign(&algorithm, &claims), &[]).await;
        assert_eq!(status, 200, "{algorithm}: {answer}");
    }
}

#[tokio::test]
async fn every_advertised_algorithm_signs_request_objects() {
    // request_object_signing_alg_values_supported
    let (world, keys) = (World::new().await, Keys::new());
    let alice = world.alice().await;
    let algorithms = listed(&alice.web.metadata, "request_object_signing_alg_values_supported");
    assert!(algorithms.len() >= 14, "{algorithms:?}");
    let with_keys = format!("  jwks: {}\n  idTokenSignedResponseAlg: RS256\n", keys.jwks);
    for algorithm in algorithms {
        let unsigned = "  requestObjectSigningAlg: none\n";
        let more = if algorithm == "none" { unsigned } else { with_keys.as_str() };
        let before = "  scopes: [openid, profile, email, groups, tenant, offline_access, badges]\n";
        world.change(before, &format!("{before}{more}"));
        let claims = json!({
            "iss": "default.web", "aud": world.app.issuer("shop"),
            "client_id": "default.web", "response_type": "code", "state": algorithm,
        });
        let object = keys.sign(&algorithm, &claims);
        let changes = [("prompt", "none"), ("request", object.as_str())];
        let page = alice.browser.open(&alice.web.authorize_url("openid", &changes)).await;
        let answer = page.answer();
        assert!(answer.contains_key("code"), "{algorithm}: {answer:?}");
        assert_eq!(answer["state"], algorithm, "the value of the object overrides the query");
    }
}

#[tokio::test]
async fn every_advertised_algorithm_signs_id_tokens_and_userinfo() {
    // id_token_signing_alg_values_supported, userinfo_signing_alg_values_supported
    let world = World::new().await;
    let (alice, client) =
        (world.alice_elsewhere().await, world.application("chooses-elsewhere").await);
    let jwks = client.jwks().await;
    let algorithms = listed(&client.metadata, "id_token_signing_alg_values_supported");
    assert_eq!(algorithms, listed(&client.metadata, "userinfo_signing_alg_values_supported"));
    for algorithm in algorithms {
        let before = "idTokenSignedResponseAlg: EdDSA\n  userinfoSignedResponseAlg: RS256\n";
        let after = format!(
            "idTokenSignedResponseAlg: {algorithm}\n  userinfoSignedResponseAlg: {algorithm}\n"
        );
        world.change(before, &after);
        let tokens = alice.tokens(&client, "openid").await;
        let id_token = text(&tokens, "id_token");
        let (token, url) = (text(&tokens, "access_token"), client.endpoint("userinfo_endpoint"));
        let answer = world.http.get(url).bearer_auth(token).send().await.expect("an answer");
        let userinfo = answer.text().await.expect("text");
        for jwt in [id_token, &userinfo] {
            let header = jsonwebtoken::decode_header(jwt).expect("a JWT");
            assert_eq!(header.alg, algorithm.parse().expect("known"));
            let set: jsonwebtoken::jwk::JwkSet =
                serde_json::from_value(jwks.clone()).expect("a JWK set");
            let key = set.find(header.kid.as_deref().expect("a kid")).expect("it is published");
            let mut validation = jsonwebtoken::Validation::new(header.alg);
            validation.set_audience(&[&client.client_id]);
            // A userinfo JWT has no `exp` claim.
            validation.required_spec_claims.clear();
            let key = jsonwebtoken::DecodingKey::from_jwk(key).expect("a usable key");
            jsonwebtoken::decode::<Value>(jwt, &key, &validation).expect("it verifies");
        }
    }
}

#[tokio::test]
async fn every_advertised_algorithm_signs_authorization_responses() {
    // authorization_signing_alg_values_supported
    let world = World::new().await;
    let client = world.application("chooses-elsewhere").await;
    let (alice, jwks) = (world.alice_elsewhere().await, client.jwks().await);
    let algorithms = listed(&client.metadata, "authorization_signing_alg_values_supported");
    assert_eq!(algorithms, ["ES256", "EdDSA", "RS256", "PS256"]);
    for algorithm in algorithms {
        let before = "  idTokenSignedResponseAlg: EdDSA\n";
        let after = format!("{before}  authorizationSignedResponseAlg: {algorithm}\n");
        world.change(before, &after);
        let more = [("prompt", "none"), ("response_mode", "jwt")];
        let answer = alice.browser.open(&client.authorize_url("openid", &more)).await.answer();
        let header = jsonwebtoken::decode_header(&answer["response"]).expect("a JWT");
        assert_eq!(header.alg, algorithm.parse().expect("known"));
        verified(&answer["response"], &jwks, &client.client_id);
    }
}

#[tokio::test]
async fn published_keys_have_unique_ids_and_no_private_part() {
    // RFC 7517 §4, OIDC Core §10.1
    let world = World::new().await;
    let client = world.application("web-elsewhere").await;
    let jwks = client.jwks().await;
    let keys = jwks["keys"].as_array().expect("a list");
    let mut seen = BTreeSet::new();
    for key in keys {
        assert_eq!(key["use"], "sig");
        assert!(key["alg"].is_string() && key["kid"].is_string(), "{key}");
        assert!(seen.insert(key["kid"].as_str()), "{key}");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private} of {}", key["kid"]);
        }
        assert_ne!(key["kty"], "oct");
    }
    let algorithms: BTreeSet<_> =
        keys.iter().map(|key| key["alg"].as_str().expect("text").to_owned()).collect();
    let advertised = listed(&client.metadata, "id_token_signing_alg_values_supported");
    assert_eq!(algorithms, advertised.into_iter().collect());
}
