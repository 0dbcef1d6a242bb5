//! Request objects (OIDC Core §6).

use std::sync::atomic::Ordering;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    browser::Browser,
    publisher::{publish, signed},
    world::World,
};

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

#[tokio::test]
async fn values_of_a_signed_object_override_the_query() {
    // OIDC Core §6.1
    let world = World::new().await;
    let (signs, browser) = (world.application("signs").await, world.alice().await);
    let object = signed(&json!({
        "state": "of the object", "redirect_uri": "https://rp.test/other", "prompt": "none",
        "iss": "default.signs", "aud": world.app.issuer("shop"),
    }));
    let url = signs.authorize_url("openid", &[("request", &object), ("redirect_uri", "")]);
    let page = browser.open(&url).await;
    let left_for = page.left_for.clone().expect("back at the application");
    assert_eq!(left_for.path(), "/other");
    assert_eq!(page.answer()["state"], "of the object");
    assert!(page.answer().contains_key("code"), "{left_for}");
}

#[tokio::test]
async fn object_may_contain_every_parameter() {
    // RFC 9101 §5: openid-client sends only client_id in addition to the object.
    let world = World::new().await;
    let (signs, browser) = (world.application("signs").await, world.alice().await);
    let object = signed(&json!({
        "response_type": "code", "scope": "openid", "redirect_uri": "https://rp.test/other",
        "state": "of the object", "nonce": "n", "iss": "default.signs",
        "aud": world.app.issuer("shop"),
    }));
    let outside = ["response_type", "scope", "redirect_uri", "state", "nonce"].map(|it| (it, ""));
    let changes = [&outside[..], &[("request", object.as_str())]].concat();
    let answer = browser.open(&signs.authorize_url("", &changes)).await.answer();
    assert_eq!(answer["state"], "of the object");
    assert!(answer.contains_key("code"), "{answer:?}");
}

#[tokio::test]
async fn an_object_that_the_client_did_not_sign_is_refused() {
    let world = World::new().await;
    let signs = world.application("signs").await;
    let good = signed(&json!({ "state": "s" }));
    let (head, signature) = good.rsplit_once('.').expect("a signature");
    let altered = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for (object, error) in [
        (altered.as_str(), "invalid_request_object"),
        ("nonsense", "invalid_request_object"),
        (&signed(&json!({ "iss": "default.wiki" })), "invalid_request_object"),
        (&unsigned(&json!({ "state": "s" })), "request_not_supported"),
    ] {
        let page =
            Browser::new().open(&signs.authorize_url("openid", &[("request", object)])).await;
        assert_eq!(page.answer()["error"], error);
        assert_eq!(page.answer()["state"], "a-state");
        // Without a valid redirect URI the answer is a page.
        let changes = [("request", object), ("redirect_uri", "")];
        let page = Browser::new().open(&signs.authorize_url("openid", &changes)).await;
        assert_eq!((page.status, page.left_for), (400, None));
    }
}

#[tokio::test]
async fn errors_use_the_state_and_response_mode_of_the_object() {
    // RFC 9101 §5, RFC 6749 §4.1.2.1: state and response_mode may be in the object only.
    let world = World::new().await;
    let signs = world.application("signs").await;
    let outside = [("state", ""), ("response_mode", "")];
    let how =
        json!({ "state": "of the object", "response_mode": "fragment", "aud": "https://x.test" });
    for object in [signed(&how), unsigned(&how)] {
        let changes = [&outside[..], &[("request", object.as_str())]].concat();
        let page = Browser::new().open(&signs.authorize_url("openid", &changes)).await;
        assert!(page.left_for.as_ref().is_some_and(|url| url.fragment().is_some()));
        assert_eq!(page.answer()["state"], "of the object");
    }
    // The values of a signed object override those of the query.
    let changes = [("request", signed(&how))];
    let changes = changes.each_ref().map(|(name, value)| (*name, value.as_str()));
    let page = Browser::new().open(&signs.authorize_url("openid", &changes)).await;
    assert_eq!(page.answer()["state"], "of the object");
}

#[tokio::test]
async fn unsigned_object_is_accepted_from_a_client_that_registered_none() {
    let world = World::new().await;
    let (client, browser) = (world.application("unsigned").await, world.alice().await);
    let object = unsigned(&json!({ "state": "of the object", "nonce": "n" }));
    let page = browser.open(&client.authorize_url("openid", &[("request", &object)])).await;
    assert_eq!(page.answer()["state"], "of the object");
    assert!(page.answer().contains_key("code"));
}

#[tokio::test]
async fn object_is_fetched_from_a_registered_request_uri() {
    // OIDC Core §6.2
    let world = World::new().await;
    let object = signed(&json!({ "state": "of the object" }));
    let (uri, asked) = publish(object.clone()).await;
    world.change("https://objects.invalid/one", &uri);
    let (signs, browser) = (world.application("signs").await, world.alice().await);
    let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, object.as_bytes()));
    let named = format!("{uri}#{hash}");
    for _ in 0..2 {
        let page = browser.open(&signs.authorize_url("openid", &[("request_uri", &named)])).await;
        assert_eq!(page.answer()["state"], "of the object");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "an object with a hash in its URI is cached");
    let other = format!("{uri}#{}", URL_SAFE_NO_PAD.encode([0; 32]));
    for wrong in [other.as_str(), "https://elsewhere.test/one"] {
        let page = browser.open(&signs.authorize_url("openid", &[("request_uri", wrong)])).await;
        assert_eq!(page.answer()["error"], "invalid_request_uri", "{wrong}");
    }
}

#[tokio::test]
async fn no_object_is_fetched_for_a_request_that_must_be_pushed() {
    // RFC 9126 §5
    let world = World::new().await;
    let (uri, asked) = publish(signed(&json!({ "state": "of the object" }))).await;
    world.change_all(&[
        ("https://objects.invalid/one", &uri),
        ("  branding: {primaryColor: \"#ffd166\"}", "  requirePushedAuthorizationRequests: true"),
    ]);
    let signs = world.application("signs").await;
    let url = signs.authorize_url("openid", &[("request_uri", &uri)]);
    assert_eq!(Browser::new().open(&url).await.answer()["error"], "invalid_request");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_tenant_may_turn_request_objects_off() {
    let world = World::new().await;
    world.change(
        "  branding: {primaryColor: \"#ffd166\"}",
        "  requestObjects: {byValue: false, byReference: false}",
    );
    let signs = world.application("signs").await;
    assert_eq!(signs.metadata["request_parameter_supported"], false);
    for (name, error) in
        [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
    {
        let url = signs.authorize_url("openid", &[(name, "https://objects.invalid/one")]);
        assert_eq!(Browser::new().open(&url).await.answer()["error"], error);
    }
}
