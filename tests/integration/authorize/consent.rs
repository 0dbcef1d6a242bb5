//! The consent page: when it is shown, what it lists, and how long a consent is remembered.

use std::time::Duration;

use super::{
    browser::{Browser, Page},
    world::{ALICE, BOB, World, is_consent, is_sign_in, sign_in},
};

async fn answer(browser: &Browser, page: &Page, action: &str) -> Page {
    browser.submit(&page.form("/consent"), &[("action", action)]).await
}

#[tokio::test]
async fn asks_once_for_a_set_of_scopes() {
    // OIDC Core §3.1.2.4
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let page = browser.open(&wiki.authorize_url("openid profile", &[])).await;
    assert!(is_consent(&page) && page.body.contains("Allow Team Wiki?"), "{}", page.body);
    assert!(page.body.contains("Alice Rivera"));
    assert!(answer(&browser, &page, "allow").await.answer().contains_key("code"));

    for (scope, asks) in [("openid", false), ("openid profile", false), ("openid email", true)] {
        let page = browser.open(&wiki.authorize_url(scope, &[])).await;
        assert_eq!(is_consent(&page), asks, "{scope}");
    }
}

#[tokio::test]
async fn another_object_with_the_client_id_inherits_no_consent() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let url = wiki.authorize_url("openid profile", &[]);
    let page = browser.open(&url).await;
    assert!(answer(&browser, &page, "allow").await.answer().contains_key("code"));
    assert!(!is_consent(&browser.open(&url).await));
    world.change(
        "metadata: {name: wiki}\nspec:",
        "metadata: {name: heir}\nspec:\n  clientId: default.wiki",
    );
    assert!(is_consent(&browser.open(&url).await), "the consent was given to another object");
    world.change(
        "metadata: {name: wiki}\nspec:",
        "metadata: {name: wiki}\nspec:\n  clientId: default.wiki",
    );
    assert!(!is_consent(&browser.open(&url).await), "the object is back");
}

#[tokio::test]
async fn follows_the_sign_in_on_a_separate_page() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, Browser::new());
    let page = browser.open(&wiki.authorize_url("openid", &[("prompt", "login")])).await;
    let page = sign_in(&browser, &page, ALICE).await;
    assert!(is_consent(&page) && page.url.path().ends_with("/consent"), "{}", page.url);
    // Reloading shows the same page.
    let page = browser.open(page.url.as_str()).await;
    assert!(is_consent(&page));
    assert!(answer(&browser, &page, "allow").await.answer().contains_key("code"));
}

#[tokio::test]
async fn refusal_returns_access_denied() {
    // RFC 6749 §4.1.2.1
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let page = browser.open(&wiki.authorize_url("openid", &[])).await;
    let page = answer(&browser, &page, "deny").await;
    assert_eq!(page.answer()["error"], "access_denied");
    assert!(
        is_consent(&browser.open(&wiki.authorize_url("openid", &[])).await),
        "no consent is stored"
    );
}

#[tokio::test]
async fn prompt_none_returns_consent_required() {
    // OIDC Core §3.1.2.6
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let page = browser.open(&wiki.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "consent_required");
}

#[tokio::test]
async fn is_asked_for_again_with_prompt_consent() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let page = browser.open(&trusted.authorize_url("openid", &[("prompt", "consent")])).await;
    assert!(is_consent(&page), "even for a client with implied consent");
    assert!(answer(&browser, &page, "allow").await.answer().contains_key("code"));
}

#[tokio::test]
async fn lets_a_user_switch_to_another_account() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let page = browser.open(&wiki.authorize_url("openid", &[])).await;
    let page = answer(&browser, &page, "switch").await;
    assert!(is_sign_in(&page), "{}", page.body);
    let page = sign_in(&browser, &page, BOB).await;
    assert!(is_consent(&page) && page.body.contains("bob"), "{}", page.body);
}

#[tokio::test]
async fn applies_to_one_user_only() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let page = browser.open(&wiki.authorize_url("openid", &[])).await;
    answer(&browser, &page, "allow").await.answer();
    let page = browser.open(&wiki.authorize_url("openid", &[("prompt", "login")])).await;
    assert!(is_consent(&sign_in(&browser, &page, BOB).await));
}

#[tokio::test]
async fn cannot_be_given_after_another_user_signed_in() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let consent = browser.open(&wiki.authorize_url("openid", &[])).await;
    let page = browser.open(&wiki.authorize_url("openid", &[("prompt", "login")])).await;
    sign_in(&browser, &page, BOB).await;
    let page = answer(&browser, &consent, "allow").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Start again"), "{}", page.body);
}

#[tokio::test]
async fn covers_only_the_scopes_that_the_page_showed() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let page = browser.open(&wiki.authorize_url("openid badges", &[])).await;
    assert!(is_consent(&page) && !page.body.contains("badges"));
    world.change_all(&[
        ("  displayName: Harbour Works", "  scopes: {badges: {description: See your badges}}"),
        ("email, offline_access]", "email, offline_access, badges]"),
    ]);
    let page = answer(&browser, &page, "allow").await;
    assert!(is_consent(&page) && page.body.contains("See your badges"), "{}", page.body);
    assert!(answer(&browser, &page, "allow").await.answer().contains_key("code"));
}

#[tokio::test]
async fn expires_with_its_page() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let page = browser.open(&wiki.authorize_url("openid", &[])).await;
    world.app.clock.advance(Duration::from_mins(16));
    let page = answer(&browser, &page, "allow").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("This page has expired"), "{}", page.body);
}

#[tokio::test]
async fn page_is_bound_to_its_browser() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, Browser::new());
    let page = browser.open(&wiki.authorize_url("openid", &[])).await;
    let page = sign_in(&browser, &page, ALICE).await;
    let stranger = Browser::new().open(page.url.as_str()).await;
    assert_eq!(stranger.status, 400);
    assert!(stranger.body.contains("This sign-in page is not valid"), "{}", stranger.body);
}
