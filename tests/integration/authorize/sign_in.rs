//! Sign-in, sessions, and the parameters `prompt`, `max_age`, `id_token_hint` and `login_hint`.

use std::time::{Duration, Instant};

use lanyard::http::{ForwardedHeaders, ServerConfig, TrustedProxies};

use super::{
    browser::{Browser, claims},
    world::{ALICE, BOB, World, is_sign_in, sign_in},
};

#[tokio::test]
async fn signs_a_user_in_and_returns_a_code() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let url = trusted.authorize_url("openid profile", &[]);
    let answer = trusted.sign_in(&browser, &url, ALICE).await;
    assert_eq!(answer["state"], "a-state");
    assert_eq!(answer["iss"], world.app.issuer("shop"));
    let (status, tokens) = trusted.redeem(&answer["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let id_token = claims(tokens["id_token"].as_str().expect("an ID token"));
    assert_eq!(id_token["nonce"], "a-nonce");
    assert_eq!(id_token["amr"], serde_json::json!(["pwd"]));
}

#[tokio::test]
async fn reuses_the_session() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let page = browser.open(&trusted.authorize_url("openid", &[("prompt", "none")])).await;
    assert!(page.answer().contains_key("code"), "{:?}", page.left_for);
}

#[tokio::test]
async fn signs_in_with_a_verified_email_address_that_is_unique() {
    let world = World::new().await;
    let email = "  email: alice@example.com\n";
    let verified = "  email: Alice@Example.com\n  emailVerified: true\n";
    let bob = "  username: bob\n";
    let same = "  username: bob\n  email: alice@example.com\n  emailVerified: true\n";
    for (changes, signs_in) in [
        (vec![], false),
        (vec![(email, verified)], true),
        (vec![(email, verified), (bob, same)], false),
    ] {
        world.change_all(&changes);
        let (trusted, browser) = (world.application("trusted").await, Browser::new());
        let page = browser.open(&trusted.authorize_url("openid", &[])).await;
        let page = sign_in(&browser, &page, ("alice@example.com", ALICE.1)).await;
        assert_eq!(page.left_for.is_some(), signs_in, "{changes:?}: {}", page.body);
        if signs_in {
            let (_, tokens) = trusted.redeem(&page.answer()["code"]).await;
            let id_token = claims(tokens["id_token"].as_str().expect("an ID token"));
            assert_eq!(id_token["sub"], world.app.subject("shop", "alice"));
        } else {
            assert!(page.body.contains("If you entered an email address, try your username."));
        }
    }
}

#[tokio::test]
async fn answers_alike_whether_the_user_exists_or_not() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let mut bodies = Vec::new();
    for name in ["alice", "nobody"] {
        let browser = Browser::new();
        let page = browser.open(&trusted.authorize_url("openid", &[])).await;
        let page = sign_in(&browser, &page, (name, "wrong")).await;
        assert_eq!(page.status, 422);
        assert!(
            page.body.contains(&format!("value=\"{name}\"")),
            "the typed username stays in the form"
        );
        let sealed = page.form("/login").fields[0].1.clone();
        bodies.push(page.body.replace(name, "NAME").replace(&sealed, "SEALED"));
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn takes_the_same_time_whether_the_user_exists_or_not() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let mut page = browser.open(&trusted.authorize_url("openid", &[])).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    // No more attempts than are allowed without a delay.
    for _ in 0..5 {
        for (name, times) in [("alice", &mut known), ("nobody", &mut unknown)] {
            let started = Instant::now();
            page = sign_in(&browser, &page, (name, "wrong")).await;
            times.push(started.elapsed());
            assert_eq!(page.status, 422);
        }
    }
    // Other load only adds time, so the minimum is compared.
    let least = |times: Vec<Duration>| times.into_iter().min().expect("five").as_secs_f64();
    let ratio = least(unknown) / least(known);
    // Without a password check a request takes a hundredth of the time.
    assert!((0.5..2.0).contains(&ratio), "unknown names take {ratio} times as long");
}

#[tokio::test]
async fn lets_a_user_try_again_after_a_wrong_password() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    let page = sign_in(&browser, &page, ("alice", "wrong")).await;
    let page = sign_in(&browser, &page, (" Alice ", ALICE.1)).await;
    assert!(page.answer().contains_key("code"));
}

#[tokio::test]
async fn limits_attempts_and_sets_retry_after() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let mut page = browser.open(&trusted.authorize_url("openid", &[])).await;
    for _ in 0..5 {
        page = sign_in(&browser, &page, ("alice", "wrong")).await;
        assert_eq!(page.status, 422);
    }
    page = sign_in(&browser, &page, ALICE).await;
    assert_eq!(page.status, 429, "the right password is limited too");
    let wait: u64 = page.headers["retry-after"].to_str().unwrap().parse().expect("seconds");
    assert!(page.body.contains("Please wait"), "{}", page.body);
    world.app.clock.advance(Duration::from_secs(wait));
    let page = sign_in(&browser, &page, ALICE).await;
    assert!(page.answer().contains_key("code"));
}

#[tokio::test]
async fn limits_attempts_of_the_address_that_a_trusted_proxy_names() {
    let networks = vec!["127.0.0.0/8".parse().expect("a network")];
    let trusted_proxies = TrustedProxies::new(networks, ForwardedHeaders::Standard);
    let world = World::with(ServerConfig { trusted_proxies, ..ServerConfig::default() }).await;
    let (trusted, mut browser) = (world.application("trusted").await, Browser::new());
    browser.send("forwarded", "for=203.0.113.7");
    let mut page = browser.open(&trusted.authorize_url("openid", &[])).await;
    for count in 0..100 {
        // A header that the proxy does not set is ignored.
        browser.send("x-forwarded-for", &format!("198.51.100.{count}"));
        page = sign_in(&browser, &page, (&format!("unknown-{count}"), "wrong")).await;
        assert_eq!(page.status, 422, "{count}");
    }
    assert_eq!(sign_in(&browser, &page, ALICE).await.status, 429);
    browser.send("forwarded", "for=203.0.113.8");
    let answer = sign_in(&browser, &page, ALICE).await;
    assert!(answer.answer().contains_key("code"), "another address is not limited");
}

#[tokio::test]
async fn guessing_does_not_delay_a_browser_that_signed_in_before() {
    // OWASP, "Blocking Brute Force Attacks", device cookies
    let networks = vec!["127.0.0.0/8".parse().expect("a network")];
    let trusted_proxies = TrustedProxies::new(networks, ForwardedHeaders::Standard);
    let world = World::with(ServerConfig { trusted_proxies, ..ServerConfig::default() }).await;
    let (trusted, mut alice) = (world.application("trusted").await, Browser::new());
    alice.send("forwarded", "for=203.0.113.7");
    let again = trusted.authorize_url("openid", &[("prompt", "login")]);
    assert!(trusted.sign_in(&alice, &again, ALICE).await.contains_key("code"));

    let (mut stranger, cafe) = (Browser::new(), "for=198.51.100.9");
    let mut page = stranger.open(&again).await;
    for count in 0..50 {
        stranger.send("forwarded", &format!("for=192.0.2.{count}"));
        page = sign_in(&stranger, &page, ("alice", "wrong")).await;
        assert_eq!(page.status, 422, "{count}");
    }
    stranger.send("forwarded", cafe);
    assert_eq!(sign_in(&stranger, &page, ALICE).await.status, 429, "another browser is limited");
    alice.send("forwarded", cafe);
    let answer = trusted.sign_in(&alice, &again, ALICE).await;
    assert!(answer.contains_key("code"), "{answer:?}");
    // The cookie of the browser counts for Alice only.
    let page = alice.open(&again).await;
    for count in 0..5 {
        assert_eq!(sign_in(&alice, &page, ("bob", "wrong")).await.status, 422, "{count}");
    }
    assert_eq!(sign_in(&alice, &page, BOB).await.status, 429);
}

#[tokio::test]
async fn refuses_disabled_users_and_ends_their_sessions() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    world.change("  name: Alice Rivera", "  disabled: true");
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    assert!(is_sign_in(&page));
    assert_eq!(sign_in(&browser, &page, ALICE).await.status, 422);
}

#[tokio::test]
async fn asks_again_with_prompt_login() {
    // OIDC Core §3.1.2.1
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    world.app.clock.advance(Duration::from_secs(100));
    let page = browser.open(&trusted.authorize_url("openid", &[("prompt", "login")])).await;
    assert!(is_sign_in(&page) && page.body.contains("value=\"alice\""), "{}", page.body);
    let page = sign_in(&browser, &page, ALICE).await;
    let (_, tokens) = trusted.redeem(&page.answer()["code"]).await;
    assert!(tokens["id_token"].is_string(), "{tokens}");
}

#[tokio::test]
async fn asks_again_when_the_session_is_older_than_max_age() {
    // OIDC Core §3.1.2.1
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    world.app.clock.advance(Duration::from_secs(100));
    let fresh = browser.open(&trusted.authorize_url("openid", &[("max_age", "100")])).await;
    let (_, tokens) = trusted.redeem(&fresh.answer()["code"]).await;
    let before = claims(tokens["id_token"].as_str().expect("an ID token"))["auth_time"].as_i64();
    for max_age in ["99", "0"] {
        let page = browser.open(&trusted.authorize_url("openid", &[("max_age", max_age)])).await;
        assert!(is_sign_in(&page), "max_age={max_age}");
    }
    let page = browser.open(&trusted.authorize_url("openid", &[("max_age", "0")])).await;
    let page = sign_in(&browser, &page, ALICE).await;
    let (_, tokens) = trusted.redeem(&page.answer()["code"]).await;
    let after = claims(tokens["id_token"].as_str().expect("an ID token"))["auth_time"].as_i64();
    assert_eq!(after, before.map(|time| time + 100));
}

#[tokio::test]
async fn lets_the_user_choose_an_account() {
    // OIDC Core §3.1.2.1
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let url = trusted.authorize_url("openid", &[("prompt", "select_account")]);
    let page = browser.open(&url).await;
    assert!(page.body.contains("Continue as Alice Rivera"), "{}", page.body);
    let page = browser.submit(&page.form("/login"), &[("action", "continue")]).await;
    assert!(page.answer().contains_key("code"));

    let page = browser.open(&url).await;
    let page = sign_in(&browser, &page, BOB).await;
    let (_, tokens) = trusted.redeem(&page.answer()["code"]).await;
    let (_, person) = trusted.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_ne!(person["name"], "Alice Rivera");
}

#[tokio::test]
async fn answers_only_for_the_user_of_the_hint() {
    // OIDC Core §3.1.2.1
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    let (_, tokens) = trusted.redeem(&page.answer()["code"]).await;
    let hint = ("id_token_hint", tokens["id_token"].as_str().expect("an ID token"));
    world.app.clock.advance(Duration::from_secs(4000));
    let page = browser.open(&trusted.authorize_url("openid", &[hint])).await;
    assert!(page.answer().contains_key("code"), "an expired hint is accepted");

    let browser = Browser::new();
    let page = browser.open(&trusted.authorize_url("openid", &[hint])).await;
    let page = sign_in(&browser, &page, BOB).await;
    assert_eq!(page.answer()["error"], "login_required");
    assert_eq!(page.answer()["iss"], world.app.issuer("shop"));
}

#[tokio::test]
async fn begins_with_the_hinted_username() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let url = trusted.authorize_url("openid", &[("login_hint", "bob")]);
    assert!(Browser::new().open(&url).await.body.contains("value=\"bob\""));
}

#[tokio::test]
async fn returns_access_denied_when_the_user_cancels() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    let page = browser.submit(&page.form("/login"), &[("action", "cancel")]).await;
    assert_eq!(page.answer()["error"], "access_denied");
    assert_eq!(page.answer()["state"], "a-state");
}

#[tokio::test]
async fn ends_idle_sessions() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    world.app.clock.advance(Duration::from_hours(13));
    let page = browser.open(&trusted.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "login_required");
}

#[tokio::test]
async fn isolates_tenants_of_one_host() {
    // docs/design/invariants.md#tenants-are-isolated-by-construction
    let world = World::new().await;
    let browser = world.alice().await;
    let elsewhere = world.application_of("other", "elsewhere").await;
    let page = browser.open(&elsewhere.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "login_required");

    // A form of one tenant is rejected by another.
    let trusted = world.application("trusted").await;
    let there = browser.open(&elsewhere.authorize_url("openid", &[])).await;
    let here = browser.open(&trusted.authorize_url("openid", &[("prompt", "login")])).await;
    let stolen = there.form("/login").fields[0].1.clone();
    let fields = [("interaction", stolen.as_str()), ("username", ALICE.0), ("password", ALICE.1)];
    let page = browser.submit(&here.form("/login"), &fields).await;
    assert_eq!(page.status, 400, "{}", page.body);
}
