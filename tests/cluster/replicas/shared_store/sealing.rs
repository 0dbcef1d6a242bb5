//! Rotation of the sealing key on every replica under load signs no user out.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lanyard::model::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::{NAMESPACE, SOON, World, eventually, keys};
use crate::load::{refresh, sign_in, text};

const SECRET: &str = "lanyard-sealing-keys";
/// A time at which the current key began to seal that makes a rotation due: a key seals for 90 days.
pub const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// Rotates the sealing key by moving the times of its entries into the past.
pub async fn rotates(world: &World) {
    let app = world.application("team.app", None).await;
    let (_, before) = sign_in(&app).await;
    let token = text(&before, "refresh_token");
    let made = tokio::task::block_in_place(|| keys(&world.api, NAMESPACE, SECRET));
    let [first] = &made[..] else { panic!("one key") };
    assert_eq!(sealed_by(token), first["id"]);
    let next = tokio::task::block_in_place(|| replace(world, SECRET, first));
    assert_eq!(sealed_by(text(&sign_in(&app).await.1, "refresh_token")), first["id"]);
    // The new key seals from a minute ago, because one of the clocks is half a minute ahead.
    let due = SystemClock.now().minus(Duration::from_mins(1)).to_string();
    tokio::task::block_in_place(|| change(world, SECRET, &next, ("sealsFrom", &due)));
    let start = Instant::now();
    let mut token = token.to_owned();
    let mut replicas = 0;
    // Each application opens a new connection, and the load balancer sends those to the replicas in turn.
    while replicas < 2 * world.replicas.len() {
        assert!(start.elapsed() < SOON, "the key does not seal everywhere");
        let (status, answer) = refresh(&world.application("team.app", None).await, &token).await;
        assert_eq!(status, 200, "a token sealed with either key is valid: {answer}");
        text(&answer, "refresh_token").clone_into(&mut token);
        replicas = if sealed_by(&token) == next["id"] { replicas + 1 } else { 0 };
    }
    let kept = tokio::task::block_in_place(|| keys(&world.api, NAMESPACE, SECRET));
    let old = kept.iter().find(|key| key["id"] == first["id"]).expect("it stays readable");
    assert!(
        old["retireAt"].is_string(),
        "the old key retires after the values that it sealed: {old}"
    );
}

/// Makes a key so old that another one is made; returns that.
pub fn replace(world: &World, secret: &str, key: &Value) -> Value {
    change(world, secret, key, ("sealsFrom", LONG_AGO));
    eventually(SOON, || {
        let found =
            keys(&world.api, NAMESPACE, secret).into_iter().find(|it| it["id"] != key["id"]);
        found.ok_or_else(|| "no other key was made".to_owned())
    })
}

/// Changes a value in a key's entry.
pub fn change(world: &World, secret: &str, key: &Value, (name, value): (&str, &str)) {
    let mut changed = key.clone();
    changed[name] = json!(value);
    let entry = format!("{}.json", key["id"].as_str().expect("an id"));
    let patch = json!({ "stringData": { entry: changed.to_string() } }).to_string();
    world.api.kubectl(&["-n", NAMESPACE, "patch", "secret", secret, "--type=merge", "-p", &patch]);
}

/// The id of the key that a token was sealed with, which is not encrypted.
fn sealed_by(token: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(token).expect("a sealed value");
    bytes[1..5].iter().map(|byte| format!("{byte:02x}")).collect()
}
