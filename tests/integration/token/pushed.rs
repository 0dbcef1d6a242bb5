//! Pushed authorization requests (RFC 9126), and attacks with their references.

use std::time::Duration;

use lanyard::{
    identity::RecordMaker,
    model::{Clock, ObjectKey, TenantId},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    browser::{Application, Browser, Page},
    publisher::signed,
    world::{ALICE, World, assert_error, text},
};

/// The parameters of an authorization request.
fn parameters(application: &Application, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let url = Url::parse(&application.authorize_url("openid", more)).expect("a URL");
    url.query_pairs().into_owned().collect()
}

/// Pushes a request; returns status and body.
async fn push(application: &Application, more: &[(&str, &str)]) -> (u16, Value) {
    let all = parameters(application, more);
    let mut all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if application.client_secret.is_none() {
        all.retain(|(name, _)| *name != "client_id");
    }
    let response = application.post("pushed_authorization_request_endpoint", &all).await;
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

/// Pushes a request; returns the URL that the browser opens.
async fn pushed_url(application: &Application, more: &[(&str, &str)]) -> String {
    let (status, answer) = push(application, more).await;
    assert_eq!((status, &answer["expires_in"]), (201, &json!(90)), "{answer}");
    reference(application, text(&answer, "request_uri"), &[])
}

/// The URL with a reference and other parameters.
fn reference(application: &Application, request_uri: &str, more: &[(&str, &str)]) -> String {
    let mut url = Url::parse(application.endpoint("authorization_endpoint")).expect("a URL");
    url.query_pairs_mut()
        .append_pair("client_id", &application.client_id)
        .append_pair("request_uri", request_uri)
        .extend_pairs(more);
    url.into()
}

fn assert_page(page: &Page, words: &str) {
    assert_eq!((page.status, &page.left_for), (400, &None), "{}", page.body);
    assert!(page.body.contains(words), "{words}: {}", page.body);
}

async fn submit(browser: &Browser, page: &Page) -> Page {
    let fields = [("username", ALICE.0), ("password", ALICE.1)];
    browser.submit(&page.form("/login"), &fields).await
}

#[tokio::test]
async fn a_pushed_request_signs_a_person_in() {
    let world = World::new().await;
    for name in ["web", "spa"] {
        let (application, browser) = (world.application(name).await, Browser::new());
        let url = pushed_url(&application, &[]).await;
        let answer = application.sign_in(&browser, &url, ALICE).await;
        assert_eq!(answer["state"], "a-state", "{name}");
        let (status, tokens) = application.redeem(&answer["code"]).await;
        assert_eq!(status, 200, "{name}: {tokens}");
        // RFC 9126 §4: one use
        assert_page(&browser.open(&url).await, "was used already");
        assert_page(&Browser::new().open(&url).await, "was used already");
    }
}

#[tokio::test]
async fn the_page_can_be_loaded_again_until_the_sign_in_ends() {
    let world = World::new().await;
    let (web, browser) = (world.application("web").await, Browser::new());
    let url = pushed_url(&web, &[]).await;
    let unopened = pushed_url(&web, &[]).await;
    assert_eq!(browser.open(&url).await.status, 200);
    world.wait(91);
    let page = browser.open(&url).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_page(&browser.open(&unopened).await, "has expired");
    assert_page(&Browser::new().open(&url).await, "has expired");
    world.wait(14 * 60);
    assert!(submit(&browser, &page).await.answer().contains_key("code"));
    assert_page(&browser.open(&url).await, "was used already");
    world.wait(5 * 60);
    assert_page(&browser.open(&url).await, "has expired");
}

#[tokio::test]
async fn a_form_may_be_sent_twice_but_a_second_page_is_refused() {
    let world = World::new().await;
    let (web, browser) = (world.application("web").await, Browser::new());
    let url = pushed_url(&web, &[]).await;
    let first = browser.open(&url).await;
    world.wait(1);
    let second = browser.open(&url).await;
    for _ in 0..2 {
        assert!(submit(&browser, &first).await.answer().contains_key("code"));
    }
    assert_page(&submit(&browser, &second).await, "is already complete");
}

#[tokio::test]
async fn two_replicas_answer_a_request_once() {
    let world = World::new().await;
    let (alice, other) = (world.alice().await, world.app.start_replica());
    let url = pushed_url(&alice.web, &[("prompt", "none")]).await;
    let mut elsewhere = Browser::new();
    assert!(alice.browser.open(&url).await.answer().contains_key("code"));
    elsewhere.reach(other.address.port());
    assert_page(&elsewhere.open(&url).await, "was used already");
}

#[tokio::test]
async fn a_reference_is_only_for_the_client_and_the_issuer_that_it_was_issued_by() {
    let world = World::new().await;
    let (web, poster) = (world.application("web").await, world.application("poster").await);
    let request_uri = text(&push(&web, &[]).await.1, "request_uri").to_owned();
    let page = Browser::new().open(&reference(&poster, &request_uri, &[])).await;
    assert_page(&page, "issued to another application");
    let elsewhere = world.application("web-elsewhere").await;
    let page = Browser::new().open(&reference(&elsewhere, &request_uri, &[])).await;
    assert_page(&page, "was not issued by this issuer");
    for altered in [format!("{request_uri}x"), "urn:ietf:params:oauth:request_uri:x".to_owned()] {
        let page = Browser::new().open(&reference(&web, &altered, &[])).await;
        assert_page(&page, "was not issued by this issuer");
    }
    let url = reference(&web, &request_uri, &[]).replace("client_id=", "x=");
    assert_page(&Browser::new().open(&url).await, "client_id");
}

#[tokio::test]
async fn parameters_of_the_browser_have_no_effect() {
    // RFC 9101 §5
    let world = World::new().await;
    let (web, alice) = (world.application("web").await, world.alice().await);
    let request_uri = text(&push(&web, &[]).await.1, "request_uri").to_owned();
    let more = [
        ("redirect_uri", "https://evil.test/cb"),
        ("state", "other"),
        ("scope", "openid email"),
        ("response_mode", "fragment"),
        ("request", "x.y.z"),
    ];
    let page = alice.browser.open(&reference(&web, &request_uri, &more)).await;
    let left_for = page.left_for.clone().expect("back at the application");
    assert_eq!((left_for.host_str(), left_for.fragment()), (Some("rp.test"), None));
    assert_eq!(page.answer()["state"], "a-state");
    let (_, tokens) = web.redeem(&page.answer()["code"]).await;
    assert_eq!(tokens["scope"], "openid");
}

#[tokio::test]
async fn the_client_gets_the_errors_of_the_authorization_endpoint() {
    // RFC 9126 §2.3
    let world = World::new().await;
    let web = world.application("web").await;
    for (change, error) in [
        (("redirect_uri", "https://rp.test/other"), "invalid_request"),
        (("redirect_uri", ""), "invalid_request"),
        (("scope", "unknown"), "invalid_scope"),
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("client_id", "default.poster"), "invalid_request"),
        (("request_uri", "https://rp.test/object"), "invalid_request"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
        (("resource", "https://unknown.test"), "invalid_target"),
        (("authorization_details", "[]"), "invalid_authorization_details"),
        (("prompt", "none login"), "invalid_request"),
    ] {
        let answer = push(&web, &[change]).await;
        let error = if change.0 == "client_id" { text(&answer.1, "error") } else { error };
        assert_error(&answer, answer.0, error);
        assert!([400, 401].contains(&answer.0), "{change:?}: {answer:?}");
    }
    let twice = [("client_id", "default.web"), ("scope", "openid"), ("scope", "email")];
    let response = web.post("pushed_authorization_request_endpoint", &twice).await;
    assert_eq!(response.status().as_u16(), 400);
}

#[tokio::test]
async fn clients_authenticate_as_at_the_token_endpoint() {
    let world = World::new().await;
    let mut web = world.application("web").await;
    web.client_secret = Some("wrong".to_owned());
    assert_error(&push(&web, &[]).await, 401, "invalid_client");
    web.client_secret = None;
    assert_error(&push(&web, &[]).await, 401, "invalid_client");
    let endpoint = web.endpoint("pushed_authorization_request_endpoint").to_owned();
    assert_eq!(world.http.get(&endpoint).send().await.expect("an answer").status(), 405);
    // A page of the application in a browser may push requests.
    let request = world.http.post(&endpoint).header("origin", "https://spa.test");
    let answer = request.form(&[("client_id", "default.spa")]).send().await.expect("an answer");
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://spa.test");
}

#[tokio::test]
async fn a_request_object_may_be_pushed() {
    // RFC 9126 §3
    let world = World::new().await;
    let keys = "keys: [{kty: OKP, crv: Ed25519, kid: one, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]";
    let name = "metadata: {name: web}\nspec:\n";
    world.change(name, &format!("{name}  jwks:\n    {keys}\n"));
    let alice = world.alice().await;
    let object = signed(&json!({
        "iss": "default.web", "aud": world.app.issuer("shop"), "client_id": "default.web",
        "state": "of the object", "redirect_uri": "https://rp.test/cb",
    }));
    let more = [("request", object.as_str()), ("redirect_uri", ""), ("state", "")];
    let page = alice.browser.open(&pushed_url(&alice.web, &more).await).await;
    assert_eq!(page.answer()["state"], "of the object");
    let altered = format!("{object}x");
    let answer = push(&alice.web, &[("request", altered.as_str())]).await;
    assert_error(&answer, 400, "invalid_request_object");
}

#[tokio::test]
async fn a_long_request_is_stored_for_clients_that_authenticate_only() {
    let world = World::new().await;
    let (alice, other) = (world.alice().await, world.app.start_replica());
    let state = "s".repeat(10_000);
    let (_, answer) = push(&alice.web, &[("state", &state)]).await;
    let request_uri = text(&answer, "request_uri");
    assert!(request_uri.len() < 300, "{request_uri}");
    let mut browser = alice.browser;
    browser.reach(other.address.port());
    let page = browser.open(&reference(&alice.web, request_uri, &[])).await;
    assert_eq!(page.answer()["state"], state);
    let spa = world.application("spa").await;
    assert_error(&push(&spa, &[("state", &state)]).await, 400, "invalid_request");
    let shorter = "s".repeat(3_000);
    let page = browser.open(&pushed_url(&spa, &[("state", &shorter)]).await).await;
    assert_eq!(page.answer()["state"], shorter);
}

#[tokio::test]
async fn stored_requests_of_a_client_are_bounded_by_their_length() {
    let world = World::new().await;
    let web = world.application("web").await;
    let (tenant, client) = (TenantId::new("default", "shop"), ObjectKey::new("default", "web"));
    let budget = &world.app.app.accounts.pushed_request_budget;
    // The client has a minute for each of 100,000 records. 8,000 seconds of it are left: enough for four KiB that live
    // for 1,050 seconds, but not for ten.
    for _ in 0..5_992 {
        let of_web = (&tenant, RecordMaker::Declared(&client));
        let taken = budget.take(of_web, Duration::from_secs(1000), world.app.clock.now());
        assert_eq!(taken, Ok(()));
    }
    let (short, long) = ("s".repeat(3_000), "s".repeat(10_000));
    assert_eq!(push(&web, &[("state", &short)]).await.0, 201);
    let refused = push(&web, &[("state", &long)]).await;
    assert_error(&refused, 429, "temporarily_unavailable");
    assert_eq!(push(&web, &[]).await.0, 201, "a sealed one needs no record");
    world.wait(1);
    assert_eq!(push(&web, &[("state", &long)]).await.0, 201);
}

#[tokio::test]
async fn tenants_and_clients_may_require_it() {
    // RFC 9126 §5, §6
    let world = World::new().await;
    let web = world.application("web").await;
    assert_eq!(web.metadata["require_pushed_authorization_requests"], false);
    let by_reference = ["request_uri_parameter_supported", "require_request_uri_registration"];
    let tenant = ("displayName: Harbour Works", "requirePushedAuthorizationRequests: true");
    let name = "metadata: {name: web}\nspec:\n";
    let client = format!("{name}  requirePushedAuthorizationRequests: true\n");
    for (required, change) in [(true, tenant), (false, (name, client.as_str()))] {
        world.change(change.0, change.1);
        let web = world.application("web").await;
        assert_eq!(web.metadata["require_pushed_authorization_requests"], required);
        for field in by_reference {
            assert_eq!(web.metadata[field], !required, "{field}");
        }
        let answer = Browser::new().open(&web.authorize_url("openid", &[])).await.answer();
        assert_eq!(answer["error"], "invalid_request");
        let url = pushed_url(&web, &[]).await;
        let answer = web.sign_in(&Browser::new(), &url, ALICE).await;
        assert!(answer.contains_key("code"), "{answer:?}");
    }
}

/// The link of a page that starts its request again.
fn link_on_page(page: &Page) -> Url {
    let href = page.body.split("href=\"").find(|it| it.contains("request_uri=")).expect("a link");
    let href = super::browser::unescape(href.split('"').next().expect("an end"));
    page.url.join(&href).expect("a URL")
}

#[tokio::test]
async fn pages_start_a_stored_request_again_by_its_identity() {
    let world = World::new().await;
    let (web, browser) = (world.application("web").await, Browser::new());
    let state = "s".repeat(10_000);
    let page = browser.open(&pushed_url(&web, &[("state", &state)]).await).await;
    // Longer than the first link, and shorter than the sign-in.
    world.wait(10 * 60);
    let elsewhere = Browser::new();
    let refused = submit(&elsewhere, &page).await;
    assert_page(&refused, "Start again");
    let link = link_on_page(&refused);
    assert!(link.as_str().len() < 1_000, "{link}");
    let again = elsewhere.open(link.as_str()).await;
    let answer = submit(&elsewhere, &again).await.answer();
    assert_eq!((answer.contains_key("code"), &answer["state"]), (true, &state));
    // It is the same request.
    assert_page(&submit(&browser, &page).await, "is already complete");
}

#[tokio::test]
async fn pages_start_a_pushed_request_again() {
    let world = World::new().await;
    world.change("displayName: Harbour Works", "requirePushedAuthorizationRequests: true");
    let (web, browser) = (world.application("web").await, Browser::new());
    let page = browser.open(&pushed_url(&web, &[]).await).await;
    let elsewhere = Browser::new();
    let refused = submit(&elsewhere, &page).await;
    assert_page(&refused, "Start again");
    let again = elsewhere.open(link_on_page(&refused).as_str()).await;
    assert!(submit(&elsewhere, &again).await.answer().contains_key("code"));
    // It is the same request.
    assert_page(&submit(&browser, &page).await, "is already complete");
    // After its end there is no link.
    let page = browser.open(&pushed_url(&web, &[]).await).await;
    world.wait(18 * 60);
    let refused = submit(&browser, &page).await;
    assert_page(&refused, "Go back to the application");
    assert!(!refused.body.contains("request_uri="));
}
