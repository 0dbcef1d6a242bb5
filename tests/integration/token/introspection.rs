//! The introspection endpoint (RFC 7662): its answers, and who may ask.

use serde_json::{Value, json};

use super::{
    browser::Application,
    world::{World, assert_error, text},
};

impl World {
    /// The status and the answer of the introspection endpoint for a token.
    pub async fn introspect(&self, caller: &Application, token: &str) -> (u16, Value) {
        let form = [("token", token), ("token_type_hint", "refresh_token")];
        let response = caller.post("introspection_endpoint", &form).await;
        assert_eq!(response.headers()["cache-control"], "no-store");
        let status = response.status().as_u16();
        let answer = response.json().await.unwrap_or_default();
        (status, answer)
    }
}

#[tokio::test]
async fn reports_a_clients_own_tokens() {
    // RFC 7662 §2.2
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid profile offline_access").await;
    let (status, access) = world.introspect(&alice.web, text(&tokens, "access_token")).await;
    assert_eq!((status, &access["active"]), (200, &json!(true)), "{access}");
    assert_eq!(access["client_id"], "default.web");
    assert_eq!(access["username"], "alice");
    assert_eq!(access["scope"], "offline_access openid profile");
    assert_eq!(access["sub"], world.app.subject("shop", "alice"));
    assert_eq!(access["token_type"], "Bearer");
    assert!(access["exp"].is_i64() && access.get("grant_id").is_none(), "{access}");
    let (_, refresh) = world.introspect(&alice.web, text(&tokens, "refresh_token")).await;
    assert_eq!((&refresh["active"], &refresh["client_id"]), (&json!(true), &json!("default.web")));
    let idle = 30 * 24 * 3600;
    assert_eq!(refresh["exp"].as_i64(), access["iat"].as_i64().map(|at| at + idle));
}

#[tokio::test]
async fn reports_inactive_and_foreign_tokens_as_inactive() {
    // RFC 7662 §2.2, §4
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid offline_access").await;
    let access = text(&tokens, "access_token");
    let id_token = text(&tokens, "id_token");
    let (web, server) =
        (world.application("web").await, world.application("resource-server").await);
    let silent = (200, json!({ "active": false }));
    for token in ["nonsense", id_token] {
        assert_eq!(world.introspect(&web, token).await, silent, "{token}");
    }
    assert_eq!(world.introspect(&server, text(&tokens, "refresh_token")).await, silent);
    assert_eq!(world.introspect(&server, access).await.1["active"], true, "a resource server");
    world.change("introspection: Tenant", "consent: Required");
    assert_eq!(world.introspect(&server, access).await, silent, "another client's token");
    world.wait(601);
    assert_eq!(world.introspect(&web, access).await, silent, "expired");
}

#[tokio::test]
async fn tokens_become_inactive_with_their_session() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid").await;
    let access = text(&tokens, "access_token");
    assert_eq!(world.introspect(&alice.web, access).await.1["active"], true);
    alice.sign_out(text(&tokens, "id_token")).await;
    let silent = (200, json!({ "active": false }));
    assert_eq!(world.introspect(&alice.web, access).await, silent);
}

#[tokio::test]
async fn requires_client_authentication() {
    // RFC 7662 §2.1
    let world = World::new().await;
    let web = world.application("web").await;
    let url = web.endpoint("introspection_endpoint");
    for body in ["token=x", "token=x&client_id=default.spa"] {
        let request = world
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let (status, _, answer) = super::world::read(request).await;
        assert_error(&(status, answer), 401, "invalid_client");
    }
}

#[tokio::test]
async fn a_superseded_refresh_token_is_inactive_and_can_be_revoked() {
    // RFC 7662 §2.2, RFC 7009 §2.1
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid offline_access").await;
    let first = text(&tokens, "refresh_token").to_owned();
    let mut newest = first.clone();
    for _ in 0..2 {
        let form = [("grant_type", "refresh_token"), ("refresh_token", newest.as_str())];
        let (status, answer) = alice.web.token(&form).await;
        assert_eq!(status, 200, "{answer}");
        newest = text(&answer, "refresh_token").to_owned();
    }
    assert_eq!(world.introspect(&alice.web, &newest).await.1["active"], true);
    assert_eq!(world.introspect(&alice.web, &first).await.1["active"], false);
    // This replica's clock is 30 s ahead. By the store's clock the reuse window has not ended.
    world.wait(30);
    world.app.app.accounts.store_clock.measured(30_000);
    assert_eq!(world.introspect(&alice.web, &first).await.1["active"], false);
    let form = [("grant_type", "refresh_token"), ("refresh_token", first.as_str())];
    assert_eq!(alice.web.token(&form).await.0, 200, "the token endpoint still answers it");
    let form = [("token", first.as_str())];
    assert_eq!(alice.web.post("revocation_endpoint", &form).await.status(), 200);
    assert_eq!(world.introspect(&alice.web, &newest).await.1["active"], false, "the grant ended");
}
