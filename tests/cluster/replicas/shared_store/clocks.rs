//! A replica whose clock is 30 s ahead uses the time of the store.

use std::time::{Duration, Instant};

use lanyard::model::{Clock as _, SystemClock, Timestamp};
use serde_json::Value;

use super::{SOON, World, keys};
use crate::{
    load::{refresh, sign_in, text},
    support::browser::Application,
};

/// Error of a replica's estimate of the store's clock, caused by the latency of an answer.
const JOURNEY: Duration = Duration::from_secs(1);

/// The skew is tolerated, and reported in a metric and in the log.
pub async fn skew_is_reported(world: &World) {
    for replica in &world.replicas {
        let url = format!("http://127.0.0.1:{}/metrics", replica.admin);
        let answer = reqwest::get(url).await.expect("an answer");
        let metrics = answer.text().await.expect("metrics");
        let found = metrics.lines().find_map(|it| it.strip_prefix("lanyard_clock_skew_seconds "));
        let skew: f64 = found.expect("it was measured").parse().expect("a number");
        let expected = if replica.name == "skewed" { 30.0 } else { 0.0 };
        assert!((skew - expected).abs() < 8.0, "{}: {skew}", replica.name);
        let log = std::fs::read_to_string(&replica.log).expect("a log");
        assert_eq!(log.contains("clock differs from the store's"), expected > 0.0, "{log}");
    }
}

/// Sends a refresh token to the skewed replica.
async fn refresh_there(world: &World, app: &Application, token: &str) -> (u16, Value) {
    let skewed = world.replicas.iter().find(|it| it.name == "skewed").expect("it is there");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", app.client_id.as_str()),
    ];
    let url = format!("http://127.0.0.1:{}/team/main/oauth/token", skewed.port);
    let request = reqwest::Client::new().post(url).header("host", world.authority.as_str());
    let answer = request.form(&form).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

pub async fn a_skewed_replica_honours_the_grace_period(world: &World, app: &Application) {
    let (_, tokens) = sign_in(app).await;
    let first = text(&tokens, "refresh_token");
    let (_, second) = refresh(app, first).await;
    let (status, third) = refresh(app, text(&second, "refresh_token")).await;
    assert_eq!(status, 200, "{third}");
    let (status, answer) = refresh_there(world, app, first).await;
    assert_eq!(status, 200, "two generations old, within the grace: {answer}");
}

/// A key is published for `publishAhead`, here 2 s, before it signs: a token that it signed earlier
/// would be rejected by clients that have cached an older JWKS.
pub async fn a_skewed_replica_does_not_sign_with_a_key_early(world: &World, app: &Application) {
    let (_, tokens) = sign_in(app).await;
    let mut token = text(&tokens, "refresh_token").to_owned();
    let mut seen: Vec<(String, Timestamp)> = Vec::new();
    let start = Instant::now();
    while seen.len() < 3 {
        assert!(start.elapsed() < 2 * SOON, "no other key signs: {seen:?}");
        let (status, answer) = refresh_there(world, app, &token).await;
        assert_eq!(status, 200, "{answer}");
        text(&answer, "refresh_token").clone_into(&mut token);
        let header = jsonwebtoken::decode_header(text(&answer, "id_token")).expect("a JWT");
        let kid = header.kid.expect("a kid");
        if seen.last().is_none_or(|(last, _)| *last != kid) {
            seen.push((kid, SystemClock.now()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let kept = tokio::task::block_in_place(|| keys(&world.api, "team", "main-signing-keys"));
    for (kid, signed) in seen {
        let key = kept.iter().find(|key| key["kid"] == kid).expect("it is retained for a minute");
        let from: jiff::Timestamp = text(key, "signsFrom").parse().expect("a time");
        assert!(signed.plus(JOURNEY) >= from.into(), "signed at {signed}, before its time: {key}");
    }
}
