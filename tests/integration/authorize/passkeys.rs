//! Passkeys: setting up, signing in, as a second factor, naming, removing.

use std::time::Duration;

use lanyard::model::Clock as _;
use serde_json::json;

use super::{
    account_page::{account_page, account_url, is_account_page, press},
    authenticator::{App, asks_for_code, enter, recover, recovery_codes, set_up},
    browser::{Browser, Page, claims},
    world::{ALICE, BOB, World, is_sign_in, sign_in},
};
use crate::support::{
    passkeys::{
        confirm_passkey, new_passkey, open_setup, passkey_form, script_bytes, script_data,
        set_up_passkey, use_passkey,
    },
    soft_authenticator::SoftPasskey,
};

/// The manifests with passkeys and authenticator apps.
pub const OFFERED: (&str, &str) = (
    "displayName: Harbour Works\n  acrLevels: [",
    "displayName: Harbour Works\n  authenticators: {totp: Optional, passkeys: Optional}\n  \
     acrLevels: [{value: \"urn:shop:passkey\", amr: [pop, mfa]}, ",
);

/// A world whose tenant offers passkeys.
pub async fn world() -> World {
    let world = World::at_localhost().await;
    world.change(OFFERED.0, OFFERED.1);
    world
}

/// Alice's passkey, set up in a browser of its own.
pub async fn alice_passkey(world: &World) -> SoftPasskey {
    set_up_passkey(&world.alice().await, &account_url(world)).await.0
}

/// A passkey, and an app that is set up with the passkey.
pub async fn set_up_both(world: &World, browser: &Browser) -> (SoftPasskey, App) {
    let (mut passkey, _) = set_up_passkey(browser, &account_url(world)).await;
    let setup = format!("{}?setup=authenticator-app", account_url(world));
    let page = browser.open(&setup).await;
    let page = use_passkey(browser, &page, &mut passkey).await;
    assert!(is_account_page(&page), "{}", page.body);
    let (app, _) = set_up(world, browser).await;
    (passkey, app)
}

pub async fn trusted_url(world: &World, more: &[(&str, &str)]) -> String {
    world.application("trusted").await.authorize_url("openid", more)
}

/// The claims of the ID token of an answer.
async fn id_token(world: &World, page: &Page) -> serde_json::Value {
    let trusted = world.application("trusted").await;
    let (status, tokens) = trusted.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    claims(tokens["id_token"].as_str().expect("a token"))
}

/// The link of the account page to a passkey.
pub fn passkey_link(page: &Page) -> String {
    let link = page.body.split("href=\"?passkey=").nth(1).expect("a passkey");
    let id = link.split('"').next().expect("its end");
    format!("{}?passkey={id}", page.url.as_str().split('?').next().expect("a URL"))
}

#[tokio::test]
async fn a_person_sets_up_a_passkey_and_signs_in_without_a_password() {
    let world = world().await;
    let browser = world.alice().await;
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("href=\"?setup=passkey\""), "{}", page.body);
    let setup = open_setup(&browser, &account_url(&world)).await;
    assert_eq!(script_data(&setup, "rp-id"), "localhost");
    assert_eq!(script_bytes(&setup, "user-handle").len(), 64);
    assert_eq!(script_bytes(&setup, "challenge").len(), 32);
    let csp = setup.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(csp.contains("script-src 'self'") && !csp.contains("unsafe"), "{csp}");
    let (mut passkey, page) = set_up_passkey(&browser, &account_url(&world)).await;
    assert_eq!(recovery_codes(&page).len(), 10, "the first one comes with recovery codes");
    let enrolled = world.app.audit.of("authenticator_enrolled");
    let enrolled: Vec<_> = enrolled.iter().map(|line| &line["authenticator"]).collect();
    assert_eq!(enrolled, [&json!("recovery_codes"), &json!("passkey")]);
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("<span class=\"badge\">Passkey</span>"), "{}", page.body);
    assert!(page.body.contains("Not used yet. Kept on several devices."), "{}", page.body);

    let other = Browser::new();
    let page = other.open(&trusted_url(&world, &[]).await).await;
    assert!(is_sign_in(&page), "{}", page.body);
    assert!(page.body.contains("autocomplete=\"username webauthn\""), "{}", page.body);
    assert_eq!(script_data(&page, "credentials"), "", "it names no credentials");
    let page = use_passkey(&other, &page, &mut passkey).await;
    let id_token = id_token(&world, &page).await;
    assert_eq!(id_token["amr"], json!(["pop", "user", "mfa"]));
    assert_eq!(id_token["acr"], "urn:shop:passkey");
    assert_eq!(id_token["sub"], world.app.subject("shop", "alice"));
    let line = world.app.audit.last("sign_in");
    assert_eq!((&line["outcome"], &line["amr"]), (&json!("success"), &id_token["amr"]));
    assert_eq!(line["username"], "alice");
    let page = account_page(&world, &other).await;
    assert!(page.body.contains("Last used on"), "{}", page.body);
}

#[tokio::test]
async fn setting_up_a_passkey_ends_the_other_sessions() {
    let world = world().await;
    let (thief, browser) = (world.alice().await, world.alice().await);
    set_up_passkey(&browser, &account_url(&world)).await;
    assert_eq!(world.app.audit.last("logout")["kind"], "authenticator_enrolled");
    assert!(
        !is_account_page(&thief.open(&account_url(&world)).await),
        "it began without the passkey"
    );
    assert!(is_account_page(&browser.open(&account_url(&world)).await));
}

#[tokio::test]
async fn a_tenant_without_passkeys_has_no_trace_of_them() {
    let world = World::at_localhost().await;
    let browser = Browser::new();
    let page = browser.open(&trusted_url(&world, &[]).await).await;
    assert!(!page.body.contains("passkey") && !page.body.contains("<script"), "{}", page.body);
    let csp = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(!csp.contains("script-src"), "{csp}");
    let alice = world.alice().await;
    let page = alice.open(&format!("{}?setup=passkey", account_url(&world))).await;
    assert!(is_account_page(&page) && !page.body.contains("asskey"), "{}", page.body);
}

#[tokio::test]
async fn passkeys_can_be_switched_off_and_on() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let browser = Browser::new();
    let page = browser.open(&trusted_url(&world, &[]).await).await;
    world.change(OFFERED.0, OFFERED.0);
    let refused = use_passkey(&browser, &page, &mut passkey).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    world.change(OFFERED.0, OFFERED.1);
    let page = use_passkey(&browser, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}

#[tokio::test]
async fn a_passkey_is_the_second_factor_of_a_person_with_an_app() {
    let world = world().await;
    let browser = world.alice().await;
    let (mut passkey, _) = set_up_both(&world, &browser).await;
    let other = Browser::new();
    let page = sign_in(&other, &other.open(&trusted_url(&world, &[]).await).await, ALICE).await;
    assert!(asks_for_code(&page), "{}", page.body);
    assert!(!script_data(&page, "credentials").is_empty(), "{}", page.body);
    let page = use_passkey(&other, &page, &mut passkey).await;
    let id_token = id_token(&world, &page).await;
    assert_eq!(id_token["amr"], json!(["pwd", "pop", "user", "mfa"]));
}

#[tokio::test]
async fn a_passkey_raises_the_level_of_a_session() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let browser = world.alice().await;
    let claims = json!({"id_token": {"acr": {"essential": true, "value": "urn:shop:passkey"}}});
    let wanted = [("claims", &*claims.to_string())];
    let page = browser.open(&trusted_url(&world, &wanted).await).await;
    assert!(page.body.contains("<h1>Use a passkey</h1>"), "{}", page.body);
    assert!(!asks_for_code(&page), "there is no app: {}", page.body);
    let sid = |line: &serde_json::Value| line["sid"].as_str().map(str::to_owned);
    let before = sid(&world.app.audit.last("sign_in"));
    let page = use_passkey(&browser, &page, &mut passkey).await;
    let id_token = id_token(&world, &page).await;
    assert_eq!(id_token["acr"], "urn:shop:passkey");
    assert_eq!(id_token["amr"], json!(["pwd", "pop", "user", "mfa"]));
    let line = world.app.audit.last("step_up");
    assert_eq!((&line["outcome"], sid(&line)), (&json!("success"), before));

    // A person without a passkey cannot reach the level.
    let bob = Browser::new();
    let page = sign_in(&bob, &bob.open(&trusted_url(&world, &[]).await).await, BOB).await;
    assert!(page.answer().contains_key("code"));
    let answer = bob.open(&trusted_url(&world, &wanted).await).await;
    assert_eq!(answer.answer()["error"], "unmet_authentication_requirements");
}

#[tokio::test]
async fn with_a_passkey_the_password_alone_changes_nothing() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let url = account_url(&world);
    let browser = Browser::new();
    let page = sign_in(&browser, &browser.open(&url).await, ALICE).await;
    assert!(is_account_page(&page), "the password suffices to look: {}", page.body);
    let link = passkey_link(&page);
    for path in [format!("{url}?setup=passkey"), format!("{url}?setup=authenticator-app"), link] {
        let page = browser.open(&path).await;
        assert!(page.body.contains("<h1>Use a passkey</h1>"), "{path}: {}", page.body);
    }
    let page = account_page(&world, &browser).await;
    let refused = press(&browser, &page, ("action", "new-recovery-codes")).await;
    assert!(refused.body.contains("<h1>Use a passkey</h1>"), "{}", refused.body);
    world.app.clock.advance(Duration::from_mins(7));
    let page = browser.open(&format!("{url}?setup=passkey")).await;
    assert!(is_sign_in(&page), "{}", page.body);
    let refused = sign_in(&browser, &page, ALICE).await;
    assert!(refused.body.contains("<h1>Use a passkey</h1>"), "{}", refused.body);
    // The passkey alone is a fresh sign-in with the strongest factor.
    let page = use_passkey(&browser, &refused, &mut passkey).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
    let page = press(&browser, &page, ("action", "new-recovery-codes")).await;
    assert_eq!(recovery_codes(&page).len(), 10);
}

#[tokio::test]
async fn a_lost_passkey_is_replaced_with_a_recovery_code() {
    let world = world().await;
    let alice = world.alice().await;
    let (mut lost, page) = set_up_passkey(&alice, &account_url(&world)).await;
    let codes = recovery_codes(&page);
    let browser = Browser::new();
    let page = sign_in(&browser, &browser.open(&account_url(&world)).await, ALICE).await;
    let page = browser.open(&passkey_link(&page)).await;
    let wrong = recover(&browser, &page, "aaaa-bbbb-cccc").await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    assert!(recover(&browser, &page, &codes[0]).await.status == 200);
    let page = account_page(&world, &browser).await;
    let page = browser.open(&passkey_link(&page)).await;
    assert!(page.body.contains("<h1>Change a passkey</h1>"), "{}", page.body);
    let page = browser.submit(&page.form("/account"), &[("action", "remove-passkey")]).await;
    assert!(page.body.contains("The passkey was removed"), "{}", page.body);
    assert_eq!(world.app.audit.last("authenticator_removed")["authenticator"], "passkey");
    let page = alice.open(&account_url(&world)).await;
    assert!(is_sign_in(&page), "other sessions have ended: {}", page.body);
    let refused = use_passkey(&alice, &page, &mut lost).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let page = account_page(&world, &browser).await;
    assert!(!page.body.contains("Recovery codes"), "there is nothing to recover: {}", page.body);
    let (_, page) = set_up_passkey(&browser, &account_url(&world)).await;
    assert_ne!(recovery_codes(&page), codes);
}

#[tokio::test]
async fn passkeys_have_names_that_people_choose() {
    let world = world().await;
    let mut browser = Browser::new();
    browser.send("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0");
    let page = sign_in(&browser, &browser.open(&account_url(&world)).await, ALICE).await;
    assert!(is_account_page(&page));
    let setup = open_setup(&browser, &account_url(&world)).await;
    assert!(setup.body.contains("value=\"Firefox on Linux\""), "{}", setup.body);
    let (mut passkey, _) = set_up_passkey(&browser, &account_url(&world)).await;
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("<h3>Firefox on Linux"), "{}", page.body);
    // The password was fresh before the passkey was there.
    let page = browser.open(&passkey_link(&page)).await;
    let page = use_passkey(&browser, &page, &mut passkey).await;
    assert!(is_account_page(&page), "{}", page.body);
    let change = browser.open(&passkey_link(&page)).await;
    let rename = |name: &'static str| [("name", name), ("action", "rename-passkey")];
    let form = change.form("/account");
    let refused = browser.submit(&form, &rename("\u{202e}")).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Give the passkey a name"), "{}", refused.body);
    let page = browser.submit(&form, &rename("<b>Ada's</b> phone")).await;
    assert!(page.body.contains("The passkey has its new name."), "{}", page.body);
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("Ada&#39;s"), "{}", page.body);
    assert!(!page.body.contains("<b>Ada"), "{}", page.body);
    let again = Browser::new();
    let page = again.open(&trusted_url(&world, &[]).await).await;
    let page = use_passkey(&again, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "the rest stays: {}", page.body);
}

#[tokio::test]
async fn a_person_has_at_most_sixteen_passkeys_each_once() {
    let world = world().await;
    let browser = world.alice().await;
    let (mut first, _) = set_up_passkey(&browser, &account_url(&world)).await;
    let page = browser.open(&format!("{}?setup=passkey", account_url(&world))).await;
    let page = use_passkey(&browser, &page, &mut first).await;
    assert!(is_account_page(&page), "{}", page.body);
    let setup = open_setup(&browser, &account_url(&world)).await;
    assert_eq!(script_bytes(&setup, "user-handle"), first.user_handle);
    assert!(!script_data(&setup, "credentials").is_empty());
    let challenge = script_bytes(&setup, "challenge");
    let again = confirm_passkey(&browser, &setup, &first.create(&challenge)).await;
    assert!(again.body.contains("it is set up already"), "{}", again.body);
    for _ in 1..16 {
        set_up_passkey(&browser, &account_url(&world)).await;
    }
    let page = browser.open(&format!("{}?setup=passkey", account_url(&world))).await;
    assert!(is_account_page(&page), "{}", page.body);
    assert_eq!(page.body.matches("?passkey=").count(), 16);
    assert!(!page.body.contains("?setup=passkey"), "{}", page.body);
    let one_more = new_passkey(&setup);
    let late = confirm_passkey(&browser, &setup, &one_more.create(&challenge)).await;
    assert!(late.body.contains("it is set up already"), "{} {}", late.status, late.body);
    assert_eq!(account_page(&world, &browser).await.body.matches("?passkey=").count(), 16);
}

#[tokio::test]
async fn an_administrator_s_reset_voids_passkeys() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    world.app.clock.advance(Duration::from_mins(10));
    let at = world.app.clock.now();
    let user = "username: alice\n";
    let reset = format!("username: alice\n  resetAuthenticatorsBefore: \"{at}\"\n");
    world.change_all(&[OFFERED, (user, &reset)]);
    let browser = Browser::new();
    let page = browser.open(&trusted_url(&world, &[]).await).await;
    let refused = use_passkey(&browser, &page, &mut passkey).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let page = sign_in(&browser, &refused, ALICE).await;
    assert!(page.answer().contains_key("code"), "the password suffices: {}", page.body);
    let page = account_page(&world, &browser).await;
    assert!(!page.body.contains("?passkey="), "{}", page.body);
    let page = open_setup(&browser, &account_url(&world)).await;
    let created = passkey.create(&script_bytes(&page, "challenge"));
    passkey.user_handle = script_bytes(&page, "user-handle");
    let page = confirm_passkey(&browser, &page, &created).await;
    assert!(page.body.contains("The passkey is set up."), "the same authenticator: {}", page.body);
}

#[tokio::test]
async fn a_disabled_person_is_refused_as_an_unknown_one() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    world.change_all(&[OFFERED, ("username: alice\n", "username: alice\n  disabled: true\n")]);
    let browser = Browser::new();
    let page = browser.open(&trusted_url(&world, &[]).await).await;
    let refused = use_passkey(&browser, &page, &mut passkey).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("This passkey cannot be used here."), "{}", refused.body);
    assert_eq!(world.app.audit.last("sign_in")["reason"], "disabled");
}

#[tokio::test]
async fn prompt_login_and_max_age_are_met_by_a_passkey() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let browser = world.alice().await;
    world.app.clock.advance(Duration::from_mins(2));
    for more in [("prompt", "login"), ("max_age", "60")] {
        let page = browser.open(&trusted_url(&world, &[more]).await).await;
        assert!(is_sign_in(&page), "{}", page.body);
        let page = use_passkey(&browser, &page, &mut passkey).await;
        assert!(page.answer().contains_key("code"), "{more:?}: {}", page.body);
        world.app.clock.advance(Duration::from_mins(2));
    }
}

#[tokio::test]
async fn the_second_factor_page_keeps_its_passkey_after_a_wrong_code() {
    let world = world().await;
    let browser = world.alice().await;
    let (mut passkey, app) = set_up_both(&world, &browser).await;
    let other = Browser::new();
    let page = sign_in(&other, &other.open(&trusted_url(&world, &[]).await).await, ALICE).await;
    let wrong = enter(&other, &page, &app.wrong_code(&world.app.clock)).await;
    assert_eq!(wrong.status, 422);
    assert!(passkey_form(&wrong).is_some(), "{}", wrong.body);
    let page = use_passkey(&other, &wrong, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}
