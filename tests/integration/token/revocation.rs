//! The revocation endpoint (RFC 7009), and what ends with a token.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use lanyard::{
    identity::RecordMaker,
    model::{Clock, ObjectKey, TenantId},
};
use serde_json::Value;

use super::{
    app::TestApp,
    browser::Application,
    store::{Interleaving, Plan},
    world::{MANIFESTS, World, assert_error, text},
};

impl World {
    async fn revoke(&self, caller: &Application, token: &str) -> (u16, Value) {
        let form = [("token", token), ("token_type_hint", "nonsense")];
        let response = caller.post("revocation_endpoint", &form).await;
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

#[tokio::test]
async fn either_token_revokes_the_grant() {
    // RFC 7009 §2.1
    let world = World::new().await;
    let alice = world.alice().await;
    for kind in ["refresh_token", "access_token"] {
        let tokens = alice.tokens(&alice.web, "openid offline_access").await;
        assert_eq!(world.revoke(&alice.web, text(&tokens, kind)).await.0, 200);
        assert_eq!(alice.web.userinfo(text(&tokens, "access_token")).await.0, 401, "{kind}");
        let refresh = text(&tokens, "refresh_token");
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        assert_error(&alice.web.token(&form).await, 400, "invalid_grant");
        assert_eq!(world.revoke(&alice.web, text(&tokens, kind)).await.0, 200, "again");
    }
}

#[tokio::test]
async fn a_revocation_reads_the_grant_of_its_token_once() {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let app =
        TestApp::start_over(MANIFESTS, move |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = World { app: app.await, http: reqwest::Client::new() };
    let alice = world.alice().await;
    for kind in ["refresh_token", "access_token"] {
        let tokens = alice.tokens(&alice.web, "openid offline_access").await;
        plan.reads.store(0, Ordering::SeqCst);
        plan.writes.store(0, Ordering::SeqCst);
        assert_eq!(world.revoke(&alice.web, text(&tokens, kind)).await.0, 200);
        let operations = [&plan.reads, &plan.writes].map(|count| count.load(Ordering::SeqCst));
        assert_eq!(operations, [1, 1], "{kind}");
        assert_eq!(alice.web.userinfo(text(&tokens, "access_token")).await.0, 401, "{kind}");
    }
}

#[tokio::test]
async fn public_client_revokes_only_its_own_tokens() {
    // RFC 7009 §2.1
    let world = World::new().await;
    let (alice, spa) = (world.alice().await, world.application("spa").await);
    let (its, others) =
        (alice.tokens(&spa, "openid").await, alice.tokens(&alice.web, "openid").await);
    let foreign = text(&others, "access_token");
    assert_error(&world.revoke(&spa, foreign).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(foreign).await.0, 200);
    assert_eq!(world.revoke(&spa, text(&its, "access_token")).await.0, 200);
    assert_eq!(spa.userinfo(text(&its, "access_token")).await.0, 401);
}

#[tokio::test]
async fn another_object_with_the_client_id_revokes_no_token_of_the_first() {
    let world = World::new().await;
    let alice = world.alice().await;
    let own = [("grant_type", "client_credentials")];
    let tokens = alice.tokens(&alice.web, "openid offline_access").await;
    let (_, of_client) = alice.web.token(&own).await;
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let of_client = text(&of_client, "access_token");
    let second = "metadata: {name: second}\nspec:\n  clientId: default.web\n";
    world.change("metadata: {name: web}\nspec:\n", second);
    for token in [access, refresh, of_client] {
        assert_error(&world.revoke(&alice.web, token).await, 400, "invalid_grant");
    }
    // The second object revokes its own tokens.
    let (_, of_second) = alice.web.token(&own).await;
    let of_second = text(&of_second, "access_token");
    assert_eq!(world.introspect(&alice.web, of_second).await.1["active"], true);
    assert_eq!(world.revoke(&alice.web, of_second).await.0, 200);
    assert_eq!(world.introspect(&alice.web, of_second).await.1["active"], false);
    // The tokens of the first object are valid again when that object is served again.
    world.app.serve(MANIFESTS);
    assert_eq!(alice.web.userinfo(access).await.0, 200);
    assert_eq!(world.introspect(&alice.web, of_client).await.1["active"], true);
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_eq!(alice.web.token(&form).await.0, 200);
}

#[tokio::test]
async fn revoking_an_invalid_token_succeeds() {
    // RFC 7009 §2.2
    let world = World::new().await;
    let web = world.application("web").await;
    assert_eq!(world.revoke(&web, "nonsense").await.0, 200);
}

#[tokio::test]
async fn revoked_client_credentials_token_is_inactive() {
    let world = World::new().await;
    let web = world.application("web").await;
    let (_, tokens) = web.token(&[("grant_type", "client_credentials")]).await;
    let token = text(&tokens, "access_token");
    let active = async |token: &str| world.introspect(&web, token).await.1["active"].clone();
    assert_eq!(active(token).await, true);
    assert_eq!(world.revoke(&web, token).await.0, 200);
    assert_eq!(active(token).await, false);
}

/// A revoked token without a grant is stored until it expires, and a client can get and revoke any number of them.
#[tokio::test]
async fn the_revoked_tokens_of_a_client_are_bounded_and_no_revocation_is_pretended() {
    let world = World::new().await;
    let (web, other) = (world.application("web").await, world.application("basic-only").await);
    let token_of = async |application: &Application| {
        let (status, tokens) = application.token(&[("grant_type", "client_credentials")]).await;
        assert_eq!(status, 200, "{tokens}");
        text(&tokens, "access_token").to_owned()
    };
    let active = async |token: &str| world.introspect(&web, token).await.1["active"].clone();
    let (revoked, kept) = (token_of(&web).await, token_of(&web).await);
    assert_eq!(world.revoke(&web, &revoked).await.0, 200);
    let budget = &world.app.app.accounts.revocation_budget;
    let (tenant, client) = (TenantId::new("default", "shop"), ObjectKey::new("default", "web"));
    let of_web = (&tenant, RecordMaker::Declared(&client));
    let now = world.app.clock.now();
    for lifetime in [Duration::from_hours(1), Duration::from_secs(1)] {
        while budget.take(of_web, lifetime, now).is_ok() {}
    }
    let refused = world.revoke(&web, &kept).await;
    assert_error(&refused, 429, "temporarily_unavailable");
    assert!(text(&refused.1, "error_description").contains("was not revoked"), "{refused:?}");
    assert_eq!(active(&kept).await, true);
    let metrics = world.app.app.accounts.metrics.render(now);
    assert!(metrics.contains("kind=\"revoked\"} 1\n"), "{metrics}");
    // A token that is stored already costs nothing, and other clients have budgets of their own.
    assert_eq!(world.revoke(&web, &revoked).await.0, 200);
    assert_eq!(world.revoke(&other, &token_of(&other).await).await.0, 200);
    world.wait(1);
    assert_eq!(world.revoke(&web, &kept).await.0, 200);
    assert_eq!(active(&kept).await, false);
}
