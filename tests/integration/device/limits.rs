//! Limits of requests, codes and polls (RFC 8628 §5.1, §5.6).

use super::{
    browser::Browser,
    world::{ALICE, World, allow, ask, assert_error, codes, poll, text, type_code},
};

#[tokio::test]
async fn guesses_at_codes_are_limited_by_browser_and_by_address() {
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, Browser::new());
    let asked = codes(&tv, "openid").await;
    for _ in 0..10 {
        assert_eq!(type_code(&browser, &world.page(), "BBBB-BBBB").await.status, 422);
    }
    let page = type_code(&browser, &world.page(), text(&asked, "user_code")).await;
    assert_eq!(page.status, 429, "a right guess waits too: {}", page.body);
    assert_eq!(page.headers["retry-after"], "30");
    assert!(page.body.contains("Too many codes were wrong"), "{}", page.body);
    assert_eq!(world.app.audit.last("attempt_throttled")["attempt"], "user_code");
    for _ in 0..20 {
        assert_eq!(type_code(&Browser::new(), &world.page(), "nonsense").await.status, 422);
    }
    let page = type_code(&Browser::new(), &world.page(), text(&asked, "user_code")).await;
    assert_eq!(page.status, 429, "other browsers at the address wait too");
    world.app.clock.advance(std::time::Duration::from_secs(30));
    let page = type_code(&browser, &world.page(), text(&asked, "user_code")).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

#[tokio::test]
async fn requests_of_an_address_at_public_clients_are_limited() {
    let world = World::new().await;
    let (tv, cli) = (world.application("tv").await, world.application("cli").await);
    for _ in 0..20 {
        codes(&tv, "openid").await;
    }
    let response = tv.post("device_authorization_endpoint", &[("scope", "openid")]).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "6");
    assert_eq!(ask(&tv, &[("scope", "openid")]).await.1["error"], "temporarily_unavailable");
    let line = world.app.audit.last("attempt_throttled");
    assert_eq!(
        (&line["attempt"], &line["client_id"]),
        (&"device_authorization".into(), &"default.tv".into())
    );
    codes(&cli, "openid").await;
}

#[tokio::test]
async fn a_device_that_polls_too_often_has_to_slow_down() {
    // RFC 8628 §3.5
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let (asked, other) = (codes(&tv, "openid").await, codes(&tv, "openid").await);
    assert_error(&poll(&tv, &asked).await, "authorization_pending");
    for _ in 0..100 {
        assert_error(&poll(&tv, &asked).await, "slow_down");
    }
    assert_error(&poll(&tv, &other).await, "authorization_pending");
    allow(&world, &browser, &asked).await;
    world.wait();
    assert_error(&poll(&tv, &asked).await, "slow_down");
    world.app.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(poll(&tv, &asked).await.0, 200);
}
