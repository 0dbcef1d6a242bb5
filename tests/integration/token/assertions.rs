//! Client authentication by assertions (RFC 7523, OIDC Core §9).

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lanyard::model::Clock;
use serde_json::{Value, json};

use super::{
    browser::form_encode,
    publisher::{publish, signed},
    stalls::Stopwatch,
    world::{SECRET, World, assert_error},
};

/// The JWK Set of the client that signs with a key.
const JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Claims of a valid assertion with a unique `jti`.
pub fn claims(world: &World, client: &str) -> Value {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let now = world.app.clock.now().secs();
    json!({
        "iss": client, "sub": client, "aud": world.app.issuer("shop"),
        "iat": now, "exp": now + 60, "jti": COUNT.fetch_add(1, Ordering::Relaxed).to_string(),
    })
}

fn by_secret(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key).expect("signed")
}

/// Sends a token request with an assertion.
pub async fn ask(world: &World, assertion: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_assertion_type", TYPE)
        .append_pair("client_assertion", assertion)
        .extend_pairs(more)
        .finish();
    let (status, _, answer) = world.post(&[], &form).await;
    (status, answer)
}

#[tokio::test]
async fn clients_authenticate_with_a_key_or_the_secret() {
    let world = World::new().await;
    let key = signed(&claims(&world, "default.signs-with-key"));
    assert_eq!(ask(&world, &key, &[]).await.0, 200);
    let secret = by_secret(&claims(&world, "default.signs-with-secret"), SECRET);
    let (status, tokens) = ask(&world, &secret, &[]).await;
    assert_eq!((status, &tokens["scope"]), (200, &json!("badges")), "{tokens}");
}

#[tokio::test]
async fn assertion_is_accepted_once() {
    // RFC 7523 §3, 7
    let world = World::new().await;
    let assertion = signed(&claims(&world, "default.signs-with-key"));
    let all = (0..20).map(|_| ask(&world, &assertion, &[]));
    let all = futures::future::join_all(all).await;
    assert_eq!(all.iter().filter(|(status, _)| *status == 200).count(), 1);
    let refused = all.iter().find(|(status, _)| *status != 200).expect("one");
    assert_error(refused, 401, "invalid_client");
}

#[tokio::test]
async fn each_client_must_use_its_registered_method() {
    // RFC 7591 §2
    let world = World::new().await;
    for assertion in [
        by_secret(&claims(&world, "default.web"), SECRET),
        by_secret(&claims(&world, "default.signs-with-key"), SECRET),
        signed(&claims(&world, "default.signs-with-secret")),
        signed(&claims(&world, "default.nobody")),
    ] {
        assert_error(&ask(&world, &assertion, &[]).await, 401, "invalid_client");
    }
    let body = format!(
        "grant_type=client_credentials&client_id=default.signs-with-secret&client_secret={}",
        form_encode(SECRET)
    );
    let (status, _, answer) = world.post(&[], &body).await;
    assert_error(&(status, answer), 401, "invalid_client");
    // The secret of `web` is right, so the error names the method that the client is registered for.
    let (_, answer) = ask(&world, &by_secret(&claims(&world, "default.web"), SECRET), &[]).await;
    let said = "This client uses client_secret_basic or client_secret_post; the request used client_secret_jwt.";
    assert_eq!(answer["error_description"], said);
    let (_, answer) = ask(&world, &by_secret(&claims(&world, "default.web"), "wrong"), &[]).await;
    assert_eq!(answer["error_description"], "Client authentication failed.");
}

#[tokio::test]
async fn an_assertion_of_an_hour_is_accepted_once_in_that_hour() {
    // RFC 7523 §3, 4 and 7
    let world = World::new().await;
    let mut hour = claims(&world, "default.signs-with-key");
    hour["exp"] = json!(world.app.clock.now().secs() + 3600);
    let assertion = signed(&hour);
    assert_eq!(ask(&world, &assertion, &[]).await.0, 200);
    world.app.clock.advance(Duration::from_mins(59));
    assert_error(&ask(&world, &assertion, &[]).await, 401, "invalid_client");
    hour["exp"] = json!(world.app.clock.now().secs() + 3700);
    hour["jti"] = json!("longer");
    assert_error(&ask(&world, &signed(&hour), &[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn altered_expired_and_misdirected_assertions_are_refused() {
    let world = World::new().await;
    let good = claims(&world, "default.signs-with-key");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    for bad in [
        with("aud", json!("https://elsewhere.test")),
        with("exp", json!(world.app.clock.now().secs() - 1)),
        with("iss", json!("default.web")),
        with("jti", Value::Null),
    ] {
        assert_error(&ask(&world, &signed(&bad), &[]).await, 401, "invalid_client");
    }
    let altered = signed(&good);
    let (head, signature) = altered.rsplit_once('.').expect("a signature");
    let reversed: String = signature.chars().rev().collect();
    let refused = ask(&world, &format!("{head}.{reversed}"), &[]).await;
    assert_error(&refused, 401, "invalid_client");
    let wrong = by_secret(&claims(&world, "default.signs-with-secret"), "another secret");
    assert_error(&ask(&world, &wrong, &[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn one_authentication_method_and_one_client_per_request() {
    // RFC 6749 §2.3
    let world = World::new().await;
    let assertion = signed(&claims(&world, "default.signs-with-key"));
    let secret = ask(&world, &assertion, &[("client_secret", "x")]).await;
    assert_error(&secret, 400, "invalid_request");
    let other = ask(&world, &assertion, &[("client_id", "default.web")]).await;
    assert_error(&other, 400, "invalid_request");
    let same = ask(&world, &assertion, &[("client_id", "default.signs-with-key")]).await;
    assert_eq!(same.0, 200, "{}", same.1);
}

#[tokio::test]
async fn keys_that_a_client_publishes_are_fetched() {
    let (url, _) = publish(JWKS.to_owned()).await;
    let world = World::new().await;
    let assertion = signed(&claims(&world, "default.publishes-keys"));
    assert_error(&ask(&world, &assertion, &[]).await, 401, "invalid_client");
    world.change("https://keys.invalid/jwks", &url);
    let assertion = signed(&claims(&world, "default.publishes-keys"));
    let (status, tokens) = ask(&world, &assertion, &[]).await;
    assert_eq!(status, 200, "{tokens}");
}

/// A new key pair: a function that signs with it, and its JWK Set.
fn another_key() -> (impl Fn(&Value) -> String, String) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
    let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "two", "x": x}]});
    let sign = move |claims: &Value| {
        let header = Header { kid: Some("two".into()), ..Header::new(Algorithm::EdDSA) };
        let key = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).expect("a key");
        encode(&header, claims, &key).expect("signed")
    };
    (sign, jwks.to_string())
}

#[tokio::test]
async fn newly_published_keys_replace_the_old_keys() {
    // RFC 7523 §3, OIDC Core §10.1.1
    let world = World::new().await;
    let address = "https://keys.invalid/jwks";
    let by_old = || signed(&claims(&world, "default.publishes-keys"));
    world.app.publish(address, JWKS);
    assert_eq!(ask(&world, &by_old(), &[]).await.0, 200);
    let (sign, jwks) = another_key();
    world.app.publish(address, &jwks);
    let by_new = sign(&claims(&world, "default.publishes-keys"));
    let (status, tokens) = ask(&world, &by_new, &[]).await;
    assert_eq!(status, 200, "an unknown key ID causes a fetch: {tokens}");
    assert_error(&ask(&world, &by_old(), &[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn keys_are_not_fetched_from_internal_addresses() {
    let world = World::new().await;
    for host in ["10.1.2.3", "192.168.0.1", "169.254.169.254", "[fd00::1]", "0.0.0.0"] {
        world.change("https://keys.invalid/jwks", &format!("https://{host}/jwks"));
        let start = Stopwatch::start();
        let assertion = signed(&claims(&world, "default.publishes-keys"));
        assert_error(&ask(&world, &assertion, &[]).await, 401, "invalid_client");
        // A connection there would hang until it times out.
        let took = start.elapsed();
        assert!(took < std::time::Duration::from_secs(2), "{host}: {took:?}");
    }
}
