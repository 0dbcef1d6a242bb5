//! Authenticator apps as a second factor: setting up, signing in, stepping up, removing.

use std::{sync::Arc, time::Duration};

use lanyard::{
    model::{Clock as _, TenantId},
    protocol::records::{Session, decode_record},
    store::{IndexEntry, IndexKind, RecordKind},
};
use serde_json::json;

use super::{
    account_page::{account_page, account_url, is_account_page, press},
    authenticator::{App, OFFERED, asks_for_code, confirm, enter, set_up, with_password, world},
    browser::{Browser, Page, agree, claims},
    world::{ALICE, World, is_sign_in, sign_in},
};
use crate::token::store::{Interleaving, Plan};

const REMOVE: (&str, &str) = ("action", "remove-authenticator-app");

async fn trusted_url(world: &World, more: &[(&str, &str)]) -> String {
    world.application("trusted").await.authorize_url("openid", more)
}

/// The claims of the ID token of an answer.
async fn id_token(world: &World, page: &Page) -> serde_json::Value {
    let trusted = world.application("trusted").await;
    let (status, tokens) = trusted.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    claims(tokens["id_token"].as_str().expect("a token"))
}

#[tokio::test]
async fn a_person_sets_up_an_app_and_signs_in_with_two_factors() {
    let world = world().await;
    let browser = world.alice().await;
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("href=\"?setup=authenticator-app\""), "{}", page.body);
    let (app, _) = set_up(&world, &browser).await;
    let lines = world.app.audit.of("authenticator_enrolled");
    let enrolled: Vec<_> = lines.iter().map(|line| &line["authenticator"]).collect();
    assert_eq!(enrolled, [&json!("totp"), &json!("recovery_codes")]);

    let url = trusted_url(&world, &[]).await;
    let (other, page) = with_password(&url, ALICE).await;
    assert!(
        page.body.contains("Signing in as <strong>Alice Rivera (alice)</strong>"),
        "{}",
        page.body
    );
    assert!(page.body.contains("autocomplete=\"one-time-code\""), "{}", page.body);
    let silent = trusted_url(&world, &[("prompt", "none")]).await;
    assert_eq!(other.open(&silent).await.answer()["error"], "login_required", "no session yet");
    let code = app.next_code(&world.app.clock);
    let page = enter(&other, &page, &format!(" {} {} ", &code[..3], &code[3..])).await;
    let id_token = id_token(&world, &page).await;
    assert_eq!(id_token["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(id_token["acr"], "urn:shop:two");
    let line = world.app.audit.last("sign_in");
    assert_eq!((&line["outcome"], &line["amr"]), (&json!("success"), &id_token["amr"]));
    let events: Vec<_> = world.app.audit.of("sign_in");
    assert_eq!(events.len(), 2, "the password alone is not a sign-in: {events:?}");
}

#[tokio::test]
async fn people_without_an_app_are_not_asked_and_apps_can_be_switched_off() {
    let world = world().await;
    let browser = world.alice().await;
    let (_, _) = set_up(&world, &browser).await;
    let url = trusted_url(&world, &[]).await;
    let bob = Browser::new();
    let page = sign_in(&bob, &bob.open(&url).await, super::world::BOB).await;
    assert!(page.answer().contains_key("code"));
    world.change(OFFERED.0, OFFERED.0);
    let page = account_page(&world, &browser).await;
    assert!(!page.body.contains("Authenticator app"), "{}", page.body);
    let setup = browser.open(&format!("{}?setup=authenticator-app", account_url(&world))).await;
    assert!(is_account_page(&setup), "{}", setup.body);
    assert!(world.alice().await.open(&url).await.answer().contains_key("code"), "not asked for");
}

#[tokio::test]
async fn nothing_is_set_up_before_the_app_shows_a_right_code() {
    let world = world().await;
    let browser = world.alice().await;
    let setup = format!("{}?setup=authenticator-app", account_url(&world));
    let page = browser.open(&setup).await;
    let app = App::with_key(&page);
    let wrong = confirm(&browser, &page, &app.wrong_code(&world.app.clock)).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("The code is wrong."), "{}", wrong.body);
    assert_eq!(App::with_key(&wrong).code(&world.app.clock), app.code(&world.app.clock));
    let off = confirm(&browser, &wrong, &app.code_off(&world.app.clock, -3)).await;
    assert!(off.body.contains("the clock of your phone"), "{}", off.body);
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("?setup=authenticator-app"), "{}", page.body);
    assert!(world.alice().await.open(&setup).await.status == 200, "no factor is asked for");

    // A page that was open for long, and one of another session.
    let code = app.code(&world.app.clock);
    let other = world.alice().await;
    let mut form = other.open(&setup).await.form("/account");
    let stolen = wrong.form("/account");
    form.fields.retain(|(name, _)| name == "interaction");
    form.fields.extend(stolen.fields.iter().filter(|(name, _)| name == "enrolment").cloned());
    let page =
        other.submit(&form, &[("code", &code), ("action", "confirm-authenticator-app")]).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert!(page.body.contains("This page has expired"), "{}", page.body);

    let page = confirm(&browser, &off, &code).await;
    assert!(page.body.contains("The authenticator app is set up."), "{}", page.body);
    let again = confirm(&browser, &off, &app.next_code(&world.app.clock)).await;
    assert!(again.body.contains("You have an authenticator app already."), "{}", again.body);
}

#[tokio::test]
async fn a_code_counts_once() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world, &[]).await;
    let used = app.code(&world.app.clock);
    let (browser, page) = with_password(&url, ALICE).await;
    let page = enter(&browser, &page, &used).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("used already"), "the code that set it up: {}", page.body);
    let line = world.app.audit.last("sign_in");
    assert_eq!((&line["reason"], &line["username"]), (&json!("replayed_code"), &json!("alice")));
    let code = app.next_code(&world.app.clock);
    assert!(enter(&browser, &page, &code).await.answer().contains_key("code"));
    let (thief, page) = with_password(&url, ALICE).await;
    let page = enter(&thief, &page, &code).await;
    assert!(page.body.contains("used already"), "{}", page.body);
}

#[tokio::test]
async fn a_clock_that_is_90_seconds_off_has_words_of_its_own() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world, &[]).await;
    world.app.clock.advance(Duration::from_mins(5));
    let (browser, page) = with_password(&url, ALICE).await;
    for steps in [-3, 3] {
        let page = enter(&browser, &page, &app.code_off(&world.app.clock, steps)).await;
        assert_eq!(page.status, 422);
        assert!(page.body.contains("<h1>The clock of your phone differs</h1>"), "{}", page.body);
    }
    // The future code counts as used, so a guess that happens to be right reveals nothing.
    let code = app.code_off(&world.app.clock, 3);
    world.app.clock.advance(Duration::from_secs(90));
    let page = enter(&browser, &page, &code).await;
    assert!(page.body.contains("used already"), "{}", page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    assert!(page.answer().contains_key("code"));
}

#[tokio::test]
async fn an_application_that_asks_for_more_gets_a_step_up_in_the_same_session() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, _) = set_up(&world, &browser).await;
    let silent = [("acr_values", "urn:shop:two"), ("prompt", "none")];
    let low = browser.open(&trusted_url(&world, &silent).await).await;
    let low = id_token(&world, &low).await;
    assert_eq!((&low["acr"], &low["amr"]), (&json!("urn:shop:one"), &json!(["pwd"])));

    let asked = trusted_url(&world, &[("acr_values", "urn:shop:two")]).await;
    let page = browser.open(&asked).await;
    assert!(asks_for_code(&page) && !is_sign_in(&page), "no password: {}", page.body);
    let wrong = enter(&browser, &page, &app.wrong_code(&world.app.clock)).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(world.app.audit.last("step_up")["reason"], "wrong_code");
    let page = enter(&browser, &wrong, &app.next_code(&world.app.clock)).await;
    let high = id_token(&world, &page).await;
    assert_eq!(
        (&high["acr"], &high["amr"]),
        (&json!("urn:shop:two"), &json!(["pwd", "otp", "mfa"]))
    );
    assert_eq!(high["sid"], low["sid"], "the same session");
    let line = world.app.audit.last("step_up");
    assert_eq!((&line["outcome"], &line["amr"]), (&json!("success"), &high["amr"]));
    let page = browser.open(&trusted_url(&world, &silent).await).await;
    assert_eq!(id_token(&world, &page).await["acr"], "urn:shop:two", "without being asked again");
}

/// The only session of Alice in the store.
async fn stored_session(world: &World) -> Session {
    let tenant = TenantId::new("default", "shop");
    let owner = IndexEntry::new(IndexKind::User, world.app.subject("shop", "alice"));
    let now = world.app.clock.now();
    let found = world.app.store.list(RecordKind::Session, &tenant, &owner, now).await;
    let found = found.expect("the store");
    assert_eq!(found.len(), 1);
    decode_record(&found[0].record.value).expect("a session")
}

#[tokio::test]
async fn a_step_up_does_not_prolong_the_session() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, _) = set_up(&world, &browser).await;
    let before = stored_session(&world).await;
    world.app.clock.advance(Duration::from_mins(20));
    let asked = trusted_url(&world, &[("acr_values", "urn:shop:two")]).await;
    let page = browser.open(&asked).await;
    let page = enter(&browser, &page, &app.code(&world.app.clock)).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    let after = stored_session(&world).await;
    assert_eq!((after.created_at, after.ends_at), (before.created_at, before.ends_at));
    assert_eq!((after.sid, after.marks), (before.sid, before.marks));
    assert!(after.authentication.factors_proved_at().is_some());
    // A whole sign-in begins again.
    let login = trusted_url(&world, &[("prompt", "login")]).await;
    let page = sign_in(&browser, &browser.open(&login).await, ALICE).await;
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    let renewed = stored_session(&world).await;
    assert!(renewed.created_at > before.created_at && renewed.ends_at > before.ends_at);
}

#[tokio::test]
async fn setting_an_app_up_ends_the_other_sessions_but_no_offline_access() {
    let world = world().await;
    let (browser, other) = (world.alice().await, world.alice().await);
    let wiki = world.application("wiki").await;
    let url = wiki.authorize_url("openid offline_access", &[]);
    let page = agree(&other, other.open(&url).await).await;
    let (status, tokens) = wiki.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    set_up(&world, &browser).await;
    let silent = trusted_url(&world, &[("prompt", "none")]).await;
    assert_eq!(other.open(&silent).await.answer()["error"], "login_required");
    assert!(browser.open(&silent).await.answer().contains_key("code"), "this session stays");
    assert_eq!(world.app.audit.last("logout")["kind"], "authenticator_enrolled");
    let refresh_token = tokens["refresh_token"].as_str().expect("one");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    assert_eq!(wiki.token(&form).await.0, 200);
}

#[tokio::test]
async fn access_rules_ask_for_the_factor_too() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, _) = set_up(&world, &browser).await;
    world
        .change_all(&[OFFERED, ("access: {groups: [finance]}", "access: {acr: \"urn:shop:two\"}")]);
    let payroll = world.application("payroll").await;
    let url = payroll.authorize_url("openid", &[]);
    let page = browser.open(&url).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    assert!(page.body.contains("value=\"allow\""), "{}", page.body);
    // A person without an app cannot reach the level.
    let bob = Browser::new();
    let page = sign_in(&bob, &bob.open(&url).await, super::world::BOB).await;
    assert_eq!(page.answer()["error"], "unmet_authentication_requirements");
}

#[tokio::test]
async fn the_app_is_removed_with_fresh_proof_of_it_and_other_sessions_end() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, page) = set_up(&world, &browser).await;
    let other = world.application("trusted").await;
    let (second, asked) = with_password(&other.authorize_url("openid", &[]), ALICE).await;
    let code = app.next_code(&world.app.clock);
    assert!(enter(&second, &asked, &code).await.answer().contains_key("code"));
    // The password is fresh, but the app has not been used in this session.
    let asked = press(&browser, &page, REMOVE).await;
    assert!(asks_for_code(&asked), "{} {}", asked.status, asked.body);
    let page = enter(&browser, &asked, &app.next_code(&world.app.clock)).await;
    assert!(is_account_page(&page) && page.body.contains("Set up on"), "{}", page.body);
    let page = press(&browser, &page, REMOVE).await;
    assert!(page.body.contains("The authenticator app was removed"), "{}", page.body);
    assert!(page.body.contains("?setup=authenticator-app"), "{}", page.body);
    assert_eq!(world.app.audit.last("authenticator_removed")["authenticator"], "totp");
    assert_eq!(world.app.audit.last("logout")["kind"], "authenticator_removed");
    let silent = other.authorize_url("openid", &[("prompt", "none")]);
    assert!(browser.open(&silent).await.answer().contains_key("code"), "this session stays");
    assert_eq!(second.open(&silent).await.answer()["error"], "login_required");
    world.alice().await;
}

#[tokio::test]
async fn a_sign_in_can_be_cancelled_at_the_second_page() {
    let world = world().await;
    let (_, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world, &[]).await;
    let (browser, page) = with_password(&url, ALICE).await;
    let last = page.body.rfind("<form").expect("a form");
    let page = Page { body: page.body[last..].to_owned(), ..page };
    let page = browser.submit(&page.form("/login"), &[("action", "cancel")]).await;
    assert_eq!(page.answer()["error"], "access_denied");
}

#[tokio::test]
async fn a_tenant_whose_store_keeps_nothing_offers_no_setup() {
    let world = world().await;
    let browser = world.alice().await;
    world.app.stage.keep_no_authenticators();
    world.change(OFFERED.0, OFFERED.1);
    let page = account_page(&world, &browser).await;
    assert!(!page.body.contains("?setup=authenticator-app"), "{}", page.body);
    let setup = browser.open(&format!("{}?setup=authenticator-app", account_url(&world))).await;
    assert!(is_account_page(&setup), "{}", setup.body);
}

#[tokio::test]
async fn an_administrator_voids_what_a_person_has_set_up() {
    let world = world().await;
    let browser = world.alice().await;
    let (_, _) = set_up(&world, &browser).await;
    let url = trusted_url(&world, &[]).await;
    let (_, _) = with_password(&url, ALICE).await;
    world.app.clock.advance(Duration::from_secs(10));
    let reset = format!(
        "username: alice\n  name: Alice Rivera\n  resetAuthenticatorsBefore: \"{}\"",
        world.app.clock.now()
    );
    world.change_all(&[OFFERED, ("username: alice\n  name: Alice Rivera", &reset)]);
    let silent = trusted_url(&world, &[("prompt", "none")]).await;
    assert_eq!(browser.open(&silent).await.answer()["error"], "login_required");
    let browser = world.alice().await;
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("?setup=authenticator-app"), "{}", page.body);
    let (_, page) = set_up(&world, &browser).await;
    assert!(page.body.contains("10 codes are left."), "{}", page.body);
    let (_, _) = with_password(&url, ALICE).await;
}

#[tokio::test]
async fn a_store_that_fails_in_the_middle_leaves_nothing_half_set_up() {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let world = World::over(move |inner| Arc::new(Interleaving { inner, plan: over }) as _).await;
    world.change(OFFERED.0, OFFERED.1);
    let browser = world.alice().await;
    let setup = format!("{}?setup=authenticator-app", account_url(&world));
    for kind in [RecordKind::RecoveryCodes, RecordKind::Totp] {
        let page = browser.open(&setup).await;
        let code = App::with_key(&page).code(&world.app.clock);
        *plan.refused.lock().expect("no panic") = Some(kind);
        assert_eq!(confirm(&browser, &page, &code).await.status, 503, "{kind}");
        *plan.refused.lock().expect("no panic") = None;
        let page = account_page(&world, &browser).await;
        assert!(page.body.contains("?setup=authenticator-app"), "{kind}: {}", page.body);
    }
    set_up(&world, &browser).await;
}

#[tokio::test]
async fn a_person_deleted_during_the_setup_cannot_finish_it() {
    let world = world().await;
    let browser = world.alice().await;
    let page = browser.open(&format!("{}?setup=authenticator-app", account_url(&world))).await;
    let code = App::with_key(&page).code(&world.app.clock);
    world.change_all(&[OFFERED, ("username: alice\n  name: Alice Rivera", "username: alicia")]);
    let page = confirm(&browser, &page, &code).await;
    assert!(is_sign_in(&page), "{} {}", page.status, page.body);
    assert!(world.app.audit.of("authenticator_enrolled").is_empty());
}
