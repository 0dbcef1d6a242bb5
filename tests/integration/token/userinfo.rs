//! Userinfo (OIDC Core §5.3, RFC 6750).

use std::sync::{Arc, atomic::Ordering};

use serde_json::{Value, json};

use super::{
    app::TestApp,
    browser::Browser,
    store::{Interleaving, Plan},
    world::{ALICE, MANIFESTS, World, read, text},
};

impl World {
    fn userinfo(&self) -> String {
        format!("{}/oauth/userinfo", self.app.issuer("shop"))
    }

    /// Sends a token in the header; returns status, `WWW-Authenticate` and body.
    async fn show(&self, token: &str) -> (u16, String, Value) {
        let request = self.http.get(self.userinfo()).bearer_auth(token);
        let (status, headers, answer) = read(request).await;
        let challenge = headers.get("www-authenticate").map(|it| it.to_str().expect("ASCII"));
        (status, challenge.unwrap_or_default().to_owned(), answer)
    }

    async fn refuses(&self, token: &str, status: u16, error: &str) {
        let (found, challenge, answer) = self.show(token).await;
        assert_eq!((found, text(&answer, "error")), (status, error), "{answer}");
        assert!(challenge.starts_with("Bearer realm="), "{challenge}");
        assert!(challenge.contains(&format!("error=\"{error}\"")), "{challenge}");
    }
}

#[tokio::test]
async fn returns_the_scope_claims_for_each_way_to_send_the_token() {
    // OIDC Core §5.3.1, §5.4
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid profile email groups tenant badges").await;
    let token = text(&tokens, "access_token");
    let expected = json!({
        "sub": world.app.subject("shop", "alice"),
        "name": "Alice Rivera",
        "preferred_username": "alice",
        "email": "alice@example.com",
        "groups": ["staff"],
        "tenant_name": "Harbour",
        "tenant_sub": "harbour-1",
        "badge": 7,
    });
    let url = world.userinfo();
    for request in [
        world.http.get(&url).bearer_auth(token),
        world.http.post(&url).bearer_auth(token),
        world.http.post(&url).form(&[("access_token", token)]),
    ] {
        let (status, headers, answer) = read(request).await;
        assert_eq!((status, &answer), (200, &expected));
        assert_eq!(headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn requires_a_token() {
    // RFC 6750 §3.1: no error code without a token.
    let world = World::new().await;
    let url = world.userinfo();
    for request in [
        world.http.get(&url),
        world.http.post(&url),
        world.http.get(&url).basic_auth("default.web", Some("x")),
    ] {
        let (status, headers, answer) = read(request).await;
        let challenge = headers["www-authenticate"].to_str().expect("ASCII");
        assert_eq!((status, answer), (401, Value::Null));
        assert!(challenge.starts_with("Bearer realm=") && !challenge.contains("error"));
    }
}

#[tokio::test]
async fn refuses_two_tokens_and_any_in_the_query() {
    // RFC 6750 §2, §2.3
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid").await;
    let token = text(&tokens, "access_token");
    let url = world.userinfo();
    for request in [
        world.http.get(format!("{url}?access_token={token}")),
        world.http.post(&url).bearer_auth(token).form(&[("access_token", token)]),
        world.http.post(&url).form(&[("access_token", token), ("access_token", token)]),
    ] {
        let (status, _, answer) = read(request).await;
        assert_eq!((status, text(&answer, "error")), (400, "invalid_request"));
    }
}

#[tokio::test]
async fn refuses_tokens_that_are_not_access_tokens_of_this_issuer() {
    // RFC 9068 §4
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid offline_access").await;
    let (elsewhere, browser) = (world.application("web-elsewhere").await, Browser::new());
    let url = elsewhere.authorize_url("openid", &[]);
    let answer = elsewhere.sign_in(&browser, &url, ALICE).await;
    let (_, others) = elsewhere.redeem(&answer["code"]).await;
    let altered = text(&tokens, "access_token").replacen('.', ".e30.", 1);
    for token in [
        text(&tokens, "id_token"),
        text(&tokens, "refresh_token"),
        text(&others, "access_token"),
        &altered,
        "nonsense",
    ] {
        world.refuses(token, 401, "invalid_token").await;
    }
    assert_eq!(world.show(text(&tokens, "access_token")).await.0, 200);
}

#[tokio::test]
async fn needs_the_scope_openid() {
    // RFC 6750 §3.1
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "email").await;
    assert_eq!(tokens["id_token"], Value::Null);
    world.refuses(text(&tokens, "access_token"), 403, "insufficient_scope").await;
    let (_, challenge, _) = world.show(text(&tokens, "access_token")).await;
    assert!(challenge.ends_with(", scope=\"openid\""), "{challenge}");
    let (_, own) = alice.web.token(&[("grant_type", "client_credentials")]).await;
    world.refuses(text(&own, "access_token"), 403, "insufficient_scope").await;
}

#[tokio::test]
async fn a_scope_that_the_client_lost_gives_no_claims() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid profile email").await;
    let token = text(&tokens, "access_token");
    assert_eq!(world.show(token).await.2["email"], "alice@example.com");
    world.change("profile, email, groups", "profile, groups");
    let (status, _, person) = world.show(token).await;
    assert_eq!((status, text(&person, "name")), (200, "Alice Rivera"));
    assert!(person.get("email").is_none(), "{person}");
}

#[tokio::test]
async fn access_token_expires() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid").await;
    world.wait(599);
    assert_eq!(world.show(text(&tokens, "access_token")).await.0, 200);
    world.wait(1);
    world.refuses(text(&tokens, "access_token"), 401, "invalid_token").await;
}

#[tokio::test]
async fn token_ends_with_its_user_or_client() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid offline_access").await;
    let token = text(&tokens, "access_token");
    world.change("disabled: false", "disabled: true");
    world.refuses(token, 401, "invalid_token").await;
    world.change("metadata: {name: web}", "metadata: {name: renamed}");
    world.refuses(token, 401, "invalid_token").await;
    world.change("Alice Rivera", "Alice Rivers");
    // The session of a user who was disabled has ended.
    world.wait(1);
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid profile").await;
    assert_eq!(world.show(text(&tokens, "access_token")).await.2["name"], "Alice Rivers");
}

#[tokio::test]
async fn session_is_found_by_its_last_key_and_then_by_its_id() {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let app = TestApp::start_over(MANIFESTS, |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = World { app: app.await, http: reqwest::Client::new() };
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid").await;
    let token = text(&tokens, "access_token");
    let lists = plan.lists.load(Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(world.show(token).await.0, 200);
    }
    assert_eq!(plan.lists.load(Ordering::SeqCst), lists, "the session is found by its last key");
    // A new sign-in continues the session and stores it under the hash of a new cookie.
    let url = alice.web.authorize_url("openid", &[("prompt", "login")]);
    assert!(alice.web.sign_in(&alice.browser, &url, ALICE).await.contains_key("code"));
    let lists = plan.lists.load(Ordering::SeqCst);
    assert_eq!(world.show(token).await.0, 200);
    assert_eq!(plan.lists.load(Ordering::SeqCst), lists + 1, "the session has another key");
    alice.sign_out(text(&tokens, "id_token")).await;
    world.refuses(token, 401, "invalid_token").await;
}

#[tokio::test]
async fn cors_allows_registered_origins() {
    let world = World::new().await;
    let ask = |origin| world.http.get(world.userinfo()).header("origin", origin);
    let (_, headers, _) = read(ask("https://spa.test")).await;
    assert_eq!(headers["access-control-allow-origin"], "https://spa.test");
    assert_eq!(headers["access-control-expose-headers"], "www-authenticate, retry-after");
    let (_, headers, _) = read(ask("https://elsewhere.test")).await;
    assert!(!headers.contains_key("access-control-allow-origin"));
    let preflight = world
        .http
        .request(reqwest::Method::OPTIONS, world.userinfo())
        .header("origin", "https://spa.test")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let (status, headers, _) = read(preflight).await;
    assert_eq!(status, 204);
    assert_eq!(headers["access-control-allow-origin"], "https://spa.test");
    let allowed = headers["access-control-allow-headers"].to_str().expect("ASCII");
    assert!(allowed.contains("authorization"), "{allowed}");
}
