//! Refreshing (RFC 6749 §6; docs/design/state.md#refresh-token).

use std::{sync::Arc, time::Duration};

use lanyard::{
    accounts::StoredRefreshReplays,
    model::{Clock, ObjectKey, RefreshReplays as _, ReportedReplays},
};
use serde_json::Value;

use super::{
    browser::{Application, claims},
    world::{World, assert_error, text},
};

const OFFLINE: &str = "openid email offline_access";
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

async fn refresh(application: &Application, token: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let mut parameters = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    parameters.extend(more);
    application.token(&parameters).await
}

/// Refreshes; returns the next refresh token.
async fn next(application: &Application, token: &str) -> String {
    let (status, answer) = refresh(application, token, &[]).await;
    assert_eq!(status, 200, "{answer}");
    text(&answer, "refresh_token").to_owned()
}

#[tokio::test]
async fn gives_new_tokens_of_the_same_sign_in() {
    // OIDC Core §12.2
    let world = World::new().await;
    let alice = world.alice().await;
    let url = alice.web.authorize_url(OFFLINE, &[("prompt", "none"), ("max_age", "3600")]);
    let code = alice.browser.open(&url).await.answer().remove("code").expect("a code");
    let (_, first) = alice.web.redeem(&code).await;
    world.wait(100);
    let (status, second) = refresh(&alice.web, text(&first, "refresh_token"), &[]).await;
    assert_eq!(status, 200, "{second}");
    let (before, after) = (claims(text(&first, "id_token")), claims(text(&second, "id_token")));
    for name in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert!(!before[name].is_null(), "{name}");
        assert_eq!(before[name], after[name], "{name}");
    }
    assert_eq!(after["nonce"], Value::Null);
    assert_eq!(after["iat"].as_i64(), before["iat"].as_i64().map(|at| at + 100));
    assert_ne!(first["refresh_token"], second["refresh_token"], "it rotates");
    assert_eq!(alice.web.userinfo(text(&second, "access_token")).await.0, 200);
}

#[tokio::test]
async fn survives_a_lost_answer() {
    // The answer with the second token was lost, so the client uses the first again.
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let first = text(&tokens, "refresh_token");
    let second = next(&alice.web, first).await;
    world.wait(29);
    let again = next(&alice.web, first).await;
    assert_ne!(again, second, "the token is sealed again");
    // Both have the current generation, so both can be refreshed.
    next(&alice.web, &again).await;
}

#[tokio::test]
async fn a_superseded_token_is_answered_for_thirty_seconds() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let first = text(&tokens, "refresh_token");
    let second = next(&alice.web, first).await;
    let third = next(&alice.web, &second).await;
    world.wait(29);
    let raced = next(&alice.web, first).await;
    world.wait(1);
    assert_error(&refresh(&alice.web, first, &[]).await, 400, "invalid_grant");
    // One of the two users of the token is an attacker, so the grant is revoked (RFC 9700 §4.14.2).
    for token in [&second, &third, &raced] {
        assert_error(&refresh(&alice.web, token, &[]).await, 400, "invalid_grant");
    }
    assert_eq!(alice.web.userinfo(text(&tokens, "access_token")).await.0, 401);
}

#[tokio::test]
async fn a_thief_and_a_client_who_alternate_lose_the_grant() {
    // RFC 9700 §4.14.2
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let stolen = text(&tokens, "refresh_token");
    let thiefs = next(&alice.web, stolen).await;
    world.wait(HOUR);
    assert_error(&refresh(&alice.web, stolen, &[]).await, 400, "invalid_grant");
    assert_error(&refresh(&alice.web, &thiefs, &[]).await, 400, "invalid_grant");
    let accounts = &world.app.app.accounts;
    let metrics = accounts.metrics.render(world.app.clock.now());
    let counted = "lanyard_replays_total{tenant=\"\",kind=\"refresh_token\"} 1";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
}

#[tokio::test]
async fn replays_are_reported_once_a_client_and_hour() {
    let world = World::new().await;
    let alice = world.alice().await;
    let accounts = &world.app.app.accounts;
    let clock: Arc<dyn Clock> = world.app.clock.clone();
    let replays = StoredRefreshReplays::new(accounts, &clock);
    let replay = async || {
        let tokens = alice.tokens(&alice.web, OFFLINE).await;
        let first = text(&tokens, "refresh_token");
        next(&alice.web, first).await;
        world.wait(30);
        assert_error(&refresh(&alice.web, first, &[]).await, 400, "invalid_grant");
        // Later uses find a revoked grant and count nothing.
        assert_error(&refresh(&alice.web, first, &[]).await, 400, "invalid_grant");
    };
    for _ in 0..3 {
        replay().await;
    }
    let reported =
        |tokens| vec![ReportedReplays { client: ObjectKey::new("default", "web"), tokens }];
    world.wait(5);
    assert_eq!(replays.take_due().await, reported(3));
    replay().await;
    world.wait(5);
    assert_eq!(replays.take_due().await, vec![], "within the hour");
    world.wait(HOUR);
    assert_eq!(replays.take_due().await, reported(1));
}

#[tokio::test]
async fn the_reuse_window_is_set_by_tenant_and_shortened_by_client() {
    let world = World::new().await;
    let alice = world.alice().await;
    world.change("displayName: Harbour Works", "refreshTokenReuseWindow: 5m");
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let first = text(&tokens, "refresh_token");
    next(&alice.web, first).await;
    world.wait(299);
    next(&alice.web, first).await;
    world.change("consent: Implied", "consent: Implied\n  refreshTokenReuseWindow: 0s");
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let first = text(&tokens, "refresh_token");
    next(&alice.web, first).await;
    assert_error(&refresh(&alice.web, first, &[]).await, 400, "invalid_grant");

    // A client cannot extend the 30 s of its tenant.
    world.change("consent: Implied", "consent: Implied\n  refreshTokenReuseWindow: 5m");
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let first = text(&tokens, "refresh_token");
    next(&alice.web, first).await;
    world.wait(29);
    next(&alice.web, first).await;
    world.wait(1);
    assert_error(&refresh(&alice.web, first, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_reuse_window_of_five_minutes_is_accepted() {
    let world = World::new().await;
    let its = "metadata: {name: web}\nspec:";
    world.change(its, &format!("{its}\n  refreshTokenReuseWindow: 5m"));
    let web = world.application("web").await;
    let page = world.http.get(web.authorize_url("openid", &[])).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn reuse_of_an_old_token_revokes_the_grant_before_scopes_are_checked() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let first = text(&tokens, "refresh_token");
    let third = next(&alice.web, &next(&alice.web, first).await).await;
    world.wait(30);
    let asked = refresh(&alice.web, first, &[("scope", "nonsense")]).await;
    assert_error(&asked, 400, "invalid_grant");
    assert_error(&refresh(&alice.web, &third, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn narrows_scopes_and_never_widens_them() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let first = text(&tokens, "refresh_token");
    let ungranted = refresh(&alice.web, first, &[("scope", "groups x")]).await;
    assert_error(&ungranted, 400, "invalid_scope");
    let (status, narrow) = refresh(&alice.web, first, &[("scope", "email groups x")]).await;
    assert_eq!((status, text(&narrow, "scope")), (200, "email"));
    assert_eq!(narrow["id_token"], Value::Null, "without openid");
    let (_, whole) = refresh(&alice.web, text(&narrow, "refresh_token"), &[]).await;
    assert_eq!(
        text(&whole, "scope"),
        "email offline_access openid",
        "only that access token had fewer scopes"
    );
    world.change("profile, email, groups", "profile, groups");
    let (_, less) = refresh(&alice.web, text(&whole, "refresh_token"), &[]).await;
    assert_eq!(
        text(&less, "scope"),
        "offline_access openid",
        "the client may not use the scope any more"
    );
}

#[tokio::test]
async fn token_is_bound_to_its_client_and_tenant() {
    let world = World::new().await;
    let alice = world.alice().await;
    let (spa, elsewhere) =
        (world.application("spa").await, world.application("web-elsewhere").await);
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let token = text(&tokens, "refresh_token");
    for other in [&spa, &elsewhere] {
        assert_error(&refresh(other, token, &[]).await, 400, "invalid_grant");
    }
    assert_error(&refresh(&alice.web, "nonsense", &[]).await, 400, "invalid_grant");
    let code = alice.code(&alice.web, OFFLINE).await;
    assert_error(&refresh(&alice.web, &code, &[]).await, 400, "invalid_grant");
    next(&alice.web, token).await;
}

#[tokio::test]
async fn another_object_with_the_client_id_inherits_no_grant() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let code = alice.code(&alice.web, OFFLINE).await;
    let (refresh_token, access) = (text(&tokens, "refresh_token"), text(&tokens, "access_token"));
    let named = "metadata: {name: web}\nspec:";
    world.change(named, "metadata: {name: heir}\nspec:\n  clientId: default.web");
    assert_error(&refresh(&alice.web, refresh_token, &[]).await, 400, "invalid_grant");
    assert_error(&alice.web.redeem(&code).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(access).await.0, 401);
    assert_eq!(world.introspect(&alice.web, access).await.1["active"], false);
    world.change(named, "metadata: {name: web}\nspec:\n  clientId: default.web");
    next(&alice.web, refresh_token).await;
    assert_eq!(alice.web.redeem(&code).await.0, 200);
}

#[tokio::test]
async fn public_client_refreshes_without_a_secret() {
    let world = World::new().await;
    let (alice, spa) = (world.alice().await, world.application("spa").await);
    let tokens = alice.tokens(&spa, "openid offline_access").await;
    let first = text(&tokens, "refresh_token");
    assert_ne!(next(&spa, first).await, first);
}

#[tokio::test]
async fn ends_with_the_session_unless_it_is_offline() {
    // OIDC Core §11
    let world = World::new().await;
    let alice = world.alice().await;
    let bound = alice.tokens(&alice.web, "openid").await;
    let offline = alice.tokens(&alice.web, OFFLINE).await;
    let token = next(&alice.web, text(&bound, "refresh_token")).await;
    alice.sign_out(text(&bound, "id_token")).await;
    assert_error(&refresh(&alice.web, &token, &[]).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(text(&bound, "access_token")).await.0, 401);
    next(&alice.web, text(&offline, "refresh_token")).await;
    assert_eq!(alice.web.userinfo(text(&offline, "access_token")).await.0, 200);
}

#[tokio::test]
async fn ends_with_the_session_once_the_client_lost_offline_access() {
    let world = World::new().await;
    let alice = world.alice().await;
    let offline = alice.tokens(&alice.web, OFFLINE).await;
    let id_token = text(&offline, "id_token");
    world.change("tenant, offline_access, badges", "tenant, badges");
    let token = next(&alice.web, text(&offline, "refresh_token")).await;
    alice.sign_out(id_token).await;
    assert_error(&refresh(&alice.web, &token, &[]).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(text(&offline, "access_token")).await.0, 401);
    let introspected = world.introspect(&alice.web, text(&offline, "access_token")).await;
    assert_eq!(introspected.1["active"], false);
}

#[tokio::test]
async fn ends_after_its_idle_and_absolute_lifetimes() {
    let world = World::new().await;
    let alice = world.alice().await;
    let idle = alice.tokens(&alice.web, OFFLINE).await;
    let used = alice.tokens(&alice.web, OFFLINE).await;
    let mut token = text(&used, "refresh_token").to_owned();
    for _ in 0..4 {
        world.wait(20 * DAY);
        token = next(&alice.web, &token).await;
    }
    assert_error(
        &refresh(&alice.web, text(&idle, "refresh_token"), &[]).await,
        400,
        "invalid_grant",
    );
    world.wait(10 * DAY);
    assert_error(&refresh(&alice.web, &token, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn no_access_token_outlives_its_grant() {
    let world = World::new().await;
    let web = "metadata: {name: web}\nspec:\n";
    world.change(web, &format!("{web}  lifetimes: {{refreshTokenAbsolute: 2m}}\n"));
    let alice = world.alice().await;
    let first = alice.tokens(&alice.web, OFFLINE).await;
    assert_eq!(first["expires_in"], 120, "not the ten minutes of an access token");
    world.wait(100);
    let (status, second) = refresh(&alice.web, text(&first, "refresh_token"), &[]).await;
    assert_eq!((status, &second["expires_in"]), (200, &Value::from(20)), "{second}");
    let expires_at = |tokens: &Value| claims(text(tokens, "access_token"))["exp"].as_i64();
    let end = expires_at(&first);
    assert_eq!(expires_at(&second), end);
    let introspected = world.introspect(&alice.web, text(&second, "access_token")).await;
    assert_eq!(introspected.1["exp"].as_i64(), end);
    world.wait(20);
    let introspected = world.introspect(&alice.web, text(&second, "access_token")).await;
    assert_eq!(introspected.1["active"], false);
}

#[tokio::test]
async fn ends_for_good_when_the_user_is_disabled() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let token = text(&tokens, "refresh_token");
    let subject = world.app.subject("shop", "alice");
    world.change("disabled: false", "disabled: true");
    assert_error(&refresh(&alice.web, token, &[]).await, 400, "invalid_grant");
    world.app.wait_until_void("shop", &subject).await;
    world.change("disabled: false", "disabled: false");
    assert_error(&refresh(&alice.web, token, &[]).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(text(&tokens, "access_token")).await.0, 401);
    let page = alice.browser.open(&alice.web.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "login_required", "the session has ended too");
    world.wait(1);
    let again = world.alice().await;
    let tokens = again.tokens(&again.web, OFFLINE).await;
    next(&again.web, text(&tokens, "refresh_token")).await;
}

#[tokio::test]
async fn ends_for_good_when_the_user_is_deleted() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let token = text(&tokens, "refresh_token");
    let subject = world.app.subject("shop", "alice");
    world.change(
        "kind: OidcUser\nmetadata: {name: alice}",
        "kind: OidcUser\nmetadata: {name: other}",
    );
    world.app.wait_until_void("shop", &subject).await;
    assert_error(&refresh(&alice.web, token, &[]).await, 400, "invalid_grant");
    world.change("disabled: false", "disabled: false");
    assert_error(&refresh(&alice.web, token, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn ends_with_the_password() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let token = text(&tokens, "refresh_token");
    // The same text in another entry, and with a line break.
    world.change("{alice: correct horse}", "{alice: \"correct horse\\n\"}");
    let token = next(&alice.web, token).await;
    world.change("{alice: correct horse}", "{alice: another horse}");
    assert_error(&refresh(&alice.web, &token, &[]).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(text(&tokens, "access_token")).await.0, 401);
    let page = alice.browser.open(&alice.web.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "login_required");
}

#[tokio::test]
async fn ends_with_sign_out_before() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, OFFLINE).await;
    let before = |seconds: u64| {
        let at = world.app.clock.now().plus(Duration::from_secs(seconds));
        format!("disabled: false\n  signOutBefore: \"{at}\"")
    };
    world.change("disabled: false", &before(60));
    let token = next(&alice.web, text(&tokens, "refresh_token")).await;
    world.wait(60);
    assert_error(&refresh(&alice.web, &token, &[]).await, 400, "invalid_grant");
    let page = alice.browser.open(&alice.web.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "login_required");
    let again = world.alice().await;
    let tokens = again.tokens(&again.web, OFFLINE).await;
    next(&again.web, text(&tokens, "refresh_token")).await;
}

#[tokio::test]
async fn use_extends_a_token_that_does_not_rotate() {
    // RFC 6749 §6
    let world = World::new().await;
    let (alice, client) =
        (world.alice_elsewhere().await, world.application("chooses-elsewhere").await);
    let tokens = alice.tokens(&client, "openid offline_access").await;
    let token = text(&tokens, "refresh_token");
    let subject = claims(text(&tokens, "id_token"))["sub"].clone();
    for _ in 0..4 {
        // In total more than the idle lifetime of 30 days, which begins again with each use.
        world.wait(20 * DAY);
        let (status, answer) = refresh(&client, token, &[]).await;
        assert_eq!((status, &answer["refresh_token"]), (200, &tokens["refresh_token"]));
        assert_eq!(claims(text(&answer, "id_token"))["sub"], subject);
    }
    world.wait(10 * DAY);
    assert_error(&refresh(&client, token, &[]).await, 400, "invalid_grant");
    let tokens = alice_again(&world, &client).await;
    world.wait(30 * DAY);
    let idle = refresh(&client, text(&tokens, "refresh_token"), &[]).await;
    assert_error(&idle, 400, "invalid_grant");
}

/// Tokens of a new sign-in, because the previous session has ended.
async fn alice_again(world: &World, client: &Application) -> Value {
    world.alice_elsewhere().await.tokens(client, "openid offline_access").await
}
