//! An outage of the database.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{SOON, World, client_secret};
use crate::{
    load::{refresh, sign_in, text},
    support::{
        browser::{Application, verified},
        stalls::Stopwatch,
    },
};

/// Duration of the outage.
const AWAY: Duration = Duration::from_secs(20);
/// Upper bound for the answer to a request that needs the database during the outage: the store's
/// timeout of 4 s, plus the delays of two loaded cores.
const BOUND: Duration = Duration::from_secs(10);

/// Requests that need the database fail quickly, others succeed, and all succeed after the outage.
pub async fn outage(world: &mut World, app: &Application, kept: &str) {
    let secret = client_secret(&world.api, "robot");
    let robot = world.application("team.robot", Some(&secret)).await;
    let (_, person) = sign_in(app).await;
    tokio::task::block_in_place(|| world.database.stop());
    let start = Instant::now();
    loop {
        let asked = Stopwatch::start();
        let form = [("grant_type", "refresh_token"), ("refresh_token", kept)];
        let answer = app.post("token_endpoint", &form).await;
        assert_eq!(answer.status().as_u16(), 503);
        assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
        assert_eq!(app.userinfo(text(&person, "access_token")).await.0, 503);
        let took = asked.elapsed();
        assert!(took < 2 * BOUND, "{took:?}, less {:?}", asked.stalled());
        needs_no_database(world, &robot, text(&person, "id_token")).await;
        if start.elapsed() > AWAY {
            break;
        }
    }
    replicas_stay_ready(world).await;
    tokio::task::block_in_place(|| world.database.resume());
    let back = Instant::now();
    while refresh(app, kept).await.0 != 200 {
        assert!(back.elapsed() < SOON, "it recovers by itself: {}", world.logs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("well {:?} after the database was back", back.elapsed());
}

/// Replicas stay ready, even if the answer takes longer than the timeout of a readiness probe.
async fn replicas_stay_ready(world: &World) {
    for replica in &world.replicas {
        let url = format!("http://127.0.0.1:{}/readyz", replica.admin);
        let request = reqwest::Client::new().get(url).timeout(SOON);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.expect("text"));
    }
}

/// Discovery, JWKS, `client_credentials` and verification of ID tokens succeed without the database.
async fn needs_no_database(world: &World, robot: &Application, id_token: &str) {
    world.application("team.app", None).await;
    let jwks: Value = robot.jwks().await;
    verified(id_token, &jwks, "team.app");
    let (status, answer) = robot.token(&[("grant_type", "client_credentials")]).await;
    assert_eq!(status, 200, "{answer}");
}
