//! Pushed authorization requests (RFC 9126) of people who sign in at a provider: the URL there stays short.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::{
    attacks::{Away, World},
    browser::{Application, Browser},
};

/// Longest URL of a request to a provider.
const MAX_URL: usize = 8000;

/// Changes after which the tenant has the public client `spa` too.
const WITH_SPA: (&str, &str) = (
    "---\napiVersion: v1\nkind: Secret\nmetadata: {name: secret}",
    "---\napiVersion: lanyard.dev/v1alpha1\nkind: OidcClient\nmetadata: {name: spa}\nspec:\n  tenantRef: {name: main}\n  redirectUris: [https://rp.test/cb]\n  consent: Implied\n  tokenEndpointAuthMethod: none\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: secret}",
);

/// Pushes a request for a sign-in at `corp`; returns status and body.
async fn push(application: &Application, more: &[(&str, &str)]) -> (u16, Value) {
    let mut parameters = vec![("identity_provider", "corp")];
    parameters.extend_from_slice(more);
    let url = Url::parse(&application.authorize_url("openid", &parameters)).expect("a URL");
    let all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if application.client_secret.is_none() {
        all.retain(|(name, _)| *name != "client_id");
    }
    let response = application.post("pushed_authorization_request_endpoint", &all).await;
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

/// A browser that was sent to the provider by a pushed request, and the length of the URL there.
async fn go(world: &World, application: &Application, answer: &Value) -> (Away, usize) {
    let mut url = Url::parse(application.endpoint("authorization_endpoint")).expect("a URL");
    let request_uri = answer["request_uri"].as_str().unwrap_or_else(|| panic!("{answer}"));
    url.query_pairs_mut()
        .append_pair("client_id", &application.client_id)
        .append_pair("request_uri", request_uri);
    let browser = Browser::new();
    let page = browser.open(url.as_str()).await;
    let url = page.left_for.unwrap_or_else(|| panic!("{} {}", page.status, page.body));
    assert!(url.as_str().starts_with(&world.upstream.issuer), "{url}");
    let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    world.upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
    (Away { browser, request }, url.as_str().len())
}

#[tokio::test]
async fn a_stored_request_is_not_carried_to_the_provider() {
    let world = World::new().await;
    let application = world.application().await;
    let state = "s".repeat(10_000);
    let (status, answer) = push(&application, &[("state", &state)]).await;
    assert_eq!(status, 201, "{answer}");
    let (away, length) = go(&world, &application, &answer).await;
    assert!(length < 2000, "{length}");
    let page = world.back(&away, "corp", &[]).await;
    assert_eq!(page.answer()["state"], state, "the application gets its own back");
    assert!(page.answer().contains_key("code"));
}

#[tokio::test]
async fn a_long_request_of_a_public_client_is_refused_when_it_is_pushed() {
    let world = World::with(&[WITH_SPA]).await;
    let issuer = world.app.issuer("main");
    let spa = Application::discover(&issuer, "default.spa", None, "https://rp.test/cb").await;
    let mut refused = 0;
    for name in ["state", "login_hint"] {
        for hundreds in (5..60).step_by(5) {
            let long = "s".repeat(hundreds * 100);
            let (status, answer) = push(&spa, &[(name, &long)]).await;
            if status == 201 {
                // Each that is taken gets to the provider.
                let (_, length) = go(&world, &spa, &answer).await;
                assert!(length <= MAX_URL, "{name} {hundreds}: {length}");
                continue;
            }
            assert_eq!((status, &answer["error"]), (400, &Value::from("invalid_request")));
            let text = answer["error_description"].as_str().unwrap_or_default();
            assert!(text.contains("at most 6144 are possible"), "{text}");
            assert!(hundreds > 20, "{name}: {hundreds}");
            refused += 1;
        }
    }
    assert!(refused > 2, "{refused}");
}
