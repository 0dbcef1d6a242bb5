//! Access rules at the authorization endpoint.

use super::{
    browser::Browser,
    world::{ALICE, BOB, World, is_sign_in, sign_in},
};

const TRUSTED: &str = "  logoUri: https://rp.test/logo.png\n";

fn with_access(policy: &str) -> String {
    format!("{TRUSTED}  access: {policy}\n")
}

const NOT_ALICE: &str =
    "{rules: [{expression: \"user.username != 'alice'\", message: Ask the librarian.}]}";

#[tokio::test]
async fn a_person_who_may_not_enter_sees_whom_to_ask_and_can_use_another_account() {
    let world = World::new().await;
    world.change(TRUSTED, &with_access(NOT_ALICE));
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let url = trusted.authorize_url("openid", &[]);
    let page = sign_in(&browser, &browser.open(&url).await, ALICE).await;
    assert_eq!(page.status, 403, "{:?}", page.left_for);
    for text in ["You may not use", "Ask the librarian.", "alice", "Use another account"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let again = browser.open(&url).await;
    assert_eq!(again.status, 403, "the session does not help");
    let other = browser.submit(&again.form("/consent"), &[("action", "switch")]).await;
    assert!(is_sign_in(&other), "{}", other.body);
    let entered = sign_in(&browser, &other, BOB).await;
    assert!(entered.answer().contains_key("code"), "{}", entered.body);
}

#[tokio::test]
async fn the_application_learns_that_a_person_may_not_enter() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    world.change(TRUSTED, &with_access(NOT_ALICE));
    let silent = browser.open(&trusted.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(silent.answer()["error"], "access_denied");
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    let back = browser.submit(&page.form("/consent"), &[("action", "deny")]).await;
    assert_eq!(back.answer()["error"], "access_denied");
    world.change(TRUSTED, TRUSTED);
    let silent = browser.open(&trusted.authorize_url("openid", &[("prompt", "none")])).await;
    assert!(silent.answer().contains_key("code"), "the session is still there");
}

#[tokio::test]
async fn a_level_that_no_method_reaches_is_reported_and_a_reached_one_lets_in() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let url = trusted.authorize_url("openid", &[]);
    world.change(TRUSTED, &with_access("{acr: \"urn:shop:two\"}"));
    let answer = browser.open(&url).await.answer();
    assert_eq!(answer["error"], "unmet_authentication_requirements");
    world.change(TRUSTED, &with_access("{acr: \"urn:shop:one\"}"));
    assert!(browser.open(&url).await.answer().contains_key("code"));
}
