//! Protection of the forms: they are bound to an origin, a browser and a time, and nothing is stored
//! before a sign-in.

use std::time::Duration;

use lanyard::{
    model::{Clock, TenantId},
    store::{IndexEntry, IndexKind, RecordKind},
};

use super::{
    browser::Browser,
    world::{ALICE, World, is_sign_in, sign_in},
};

#[tokio::test]
async fn refuses_forms_from_other_origins() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let jar = reqwest::Client::builder().cookie_store(true).build().expect("a client");
    let page = jar.get(trusted.authorize_url("openid", &[])).send().await.expect("answers");
    let body = page.text().await.expect("text");
    let sealed = body.split("name=\"interaction\" value=\"").nth(1).expect("a form");
    let sealed = sealed.split('"').next().expect("a value");
    let fields = [("interaction", sealed), ("username", ALICE.0), ("password", ALICE.1)];
    let url = format!("{}/login", world.app.issuer("shop"));
    for (header, value) in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("accept", "*/*"),
    ] {
        let response = jar.post(&url).header(header, value).form(&fields).send().await;
        let response = response.expect("answers");
        assert_eq!(response.status().as_u16(), 400, "{header}: {value}");
        assert!(!response.headers().contains_key("set-cookie"), "{header}: {value}");
    }
}

#[tokio::test]
async fn refuses_a_form_in_another_browser() {
    // An attacker cannot plant a sign-in in another browser (docs/design/state.md#interaction).
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let (attacker, victim) = (Browser::new(), Browser::new());
    let url = trusted.authorize_url("openid", &[]);
    let planted = attacker.open(&url).await;
    victim.open(&url).await;
    let page = sign_in(&victim, &planted, ALICE).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("another browser"), "{}", page.body);
}

#[tokio::test]
async fn refuses_an_expired_form_and_offers_to_start_again() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    world.app.clock.advance(Duration::from_secs(16 * 60 + 1));
    let page = sign_in(&browser, &page, ALICE).await;
    assert_eq!(page.status, 400);
    let link = page.body.split("href=\"").find(|rest| rest.contains("/oauth/authorize?"));
    let link = link.and_then(|rest| rest.split('"').next()).expect("a link");
    let link = format!("{}{}", world.app.origin, link.replace("&#38;", "&").replace("&amp;", "&"));
    assert!(is_sign_in(&browser.open(&link).await));
}

#[tokio::test]
async fn refuses_damaged_forms() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    for damage in ["", "AAAA", "not base64!"] {
        let page = browser.submit(&page.form("/login"), &[("interaction", damage)]).await;
        assert_eq!(page.status, 400, "{damage}");
    }
}

#[tokio::test]
async fn validates_the_request_again_with_every_form() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    world.change(
        "  consent: Implied\n  redirectUris: [\"https://rp.test/cb\"]\n  secretRef",
        "  consent: Implied\n  redirectUris: [\"https://rp.test/moved\"]\n  secretRef",
    );
    let page = sign_in(&browser, &page, ALICE).await;
    assert!(page.left_for.is_none(), "the redirect URI is not registered any more");
    assert_eq!(page.status, 400);
}

#[tokio::test]
async fn lets_two_open_pages_sign_in_one_after_the_other() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let url = trusted.authorize_url("openid", &[]);
    let (one, two) = (browser.open(&url).await, browser.open(&url).await);
    assert!(sign_in(&browser, &one, ALICE).await.answer().contains_key("code"));
    assert!(sign_in(&browser, &two, ALICE).await.answer().contains_key("code"));
}

#[tokio::test]
async fn gives_every_sign_in_a_new_session_cookie() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let page = browser.open(&trusted.authorize_url("openid", &[("prompt", "login")])).await;
    let page = sign_in(&browser, &page, ALICE).await;
    let mut set = page.headers.get_all("set-cookie").iter().map(|it| it.to_str().expect("ASCII"));
    assert!(set.any(|cookie| cookie.starts_with("lanyard-session-")), "{:?}", page.headers);
    // The session exists under its new key only.
    assert_eq!(sessions(&world).await, 1);
}

#[tokio::test]
async fn stores_nothing_before_a_sign_in() {
    // docs/design/invariants.md#unauthenticated-requests-write-nothing
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, Browser::new());
    let page = browser.open(&wiki.authorize_url("openid", &[])).await;
    sign_in(&browser, &page, ("alice", "wrong")).await;
    sign_in(&browser, &page, ("nobody", "wrong")).await;
    let later = world.app.clock.now().plus(Duration::from_hours(100 * 365 * 24));
    assert_eq!(world.app.store.purge(1000, later).await.expect("works"), 0, "no record exists");
}

/// The number of Alice's sessions.
async fn sessions(world: &World) -> usize {
    records(world, RecordKind::Session).await
}

/// The number of records of Alice.
async fn records(world: &World, kind: RecordKind) -> usize {
    let tenant = TenantId::new("default", "shop");
    let subject = world.app.subject("shop", "alice");
    let owner = IndexEntry::new(IndexKind::User, subject);
    let now = world.app.clock.now();
    world.app.store.list(kind, &tenant, &owner, now).await.expect("works").len()
}

#[tokio::test]
async fn a_signed_in_user_cannot_fill_the_store_with_pages_and_codes() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let form = browser.open(&wiki.authorize_url("openid", &[])).await.form("/consent");
    let mut pages = Vec::new();
    for _ in 0..110 {
        let page = browser.submit(&form, &[("action", "switch")]).await;
        assert!(is_sign_in(&page), "{}", page.body);
        pages.push(page.url.to_string());
    }
    assert_eq!(records(&world, RecordKind::Interaction).await, 100);
    assert!(is_sign_in(&browser.open(&pages[109]).await), "the latest is there");

    let nonce = "n".repeat(3000);
    let trusted = world.application("trusted").await;
    let url = trusted.authorize_url("openid", &[("nonce", &nonce)]);
    let mut answer = browser.open(&url).await.answer();
    for _ in 0..110 {
        answer = browser.open(&url).await.answer();
    }
    assert_eq!(records(&world, RecordKind::CodeDetail).await, 100);
    let (status, tokens) = trusted.redeem(&answer["code"]).await;
    assert_eq!(status, 200, "{tokens}");
}
