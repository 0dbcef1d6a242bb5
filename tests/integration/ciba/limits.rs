//! Limits of requests and polls (CIBA Core §11, §15).

use std::time::Duration;

use super::world::{
    ALICE, World, allow, answer, ask, ask_alice, assert_error, open_question, poll, waiting,
};

#[tokio::test]
async fn a_client_that_polls_too_often_has_to_slow_down() {
    // CIBA Core §11
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    assert_error(&poll(&bank, &asked).await, "authorization_pending");
    for _ in 0..20 {
        assert_error(&poll(&bank, &asked).await, "slow_down");
    }
    allow(&world, &browser).await;
    world.app.clock.advance(Duration::from_secs(30));
    assert_eq!(poll(&bank, &asked).await.0, 200);
}

#[tokio::test]
async fn a_client_cannot_flood_a_person() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let sent = [("scope", "openid"), ("login_hint", "alice"), ("requested_expiry", "60")];
    for _ in 0..3 {
        assert_eq!(ask(&bank, &sent).await.0, 200);
    }
    let response = bank.post("backchannel_authentication_endpoint", &sent).await;
    assert_eq!(response.status(), 429, "three wait");
    assert_eq!(response.headers()["retry-after"], "60");
    let line = world.app.audit.last("attempt_throttled");
    assert_eq!(
        (&line["attempt"], &line["client_id"]),
        (&"backchannel_authentication".into(), &"default.bank".into())
    );
    assert_eq!(waiting(&browser.open(&world.account()).await).len(), 3);
    // Nor can it ask again at once what was refused twice, however short its requests are.
    for refused in 1..=3 {
        let question = open_question(&world, &browser).await;
        answer(&browser, &question, "deny").await;
        let (status, body) = ask(&bank, &sent).await;
        assert_eq!(status, if refused < 2 { 200 } else { 429 }, "{body}");
    }
    // Others may ask, and others may be asked.
    ask_alice(&world.application("branch").await, &[]).await;
    assert_eq!(ask(&bank, &[("scope", "openid"), ("login_hint", "bob")]).await.0, 200);
    world.app.clock.advance(Duration::from_mins(9));
    assert_eq!(ask(&bank, &sent).await.0, 429);
    world.app.clock.advance(Duration::from_mins(1));
    assert_eq!(ask(&bank, &sent).await.0, 200);
}

#[tokio::test]
async fn names_that_are_unknown_count_against_the_client() {
    let world = World::new().await;
    let bank = world.application("bank").await;
    let sent = [("scope", "openid"), ("login_hint", "nobody")];
    for _ in 0..1_000 {
        assert_error(&ask(&bank, &sent).await, "unknown_user_id");
    }
    let line = world.app.audit.last("consent_requested");
    assert_eq!(
        (&line["client"], &line["device_address"], &line["outcome"]),
        (&"default/bank".into(), &"127.0.0.1".into(), &"failure".into())
    );
    assert!(line.get("subject").is_none() && !line.to_string().contains("nobody"), "{line}");
    let (status, body) = ask(&bank, &sent).await;
    assert_eq!((status, &body["error"]), (429, &"temporarily_unavailable".into()), "{body}");
}
