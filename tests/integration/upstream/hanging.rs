//! A provider that accepts connections and answers nothing.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{
    upstream::Upstream,
    world::{World, application, refresh_at},
};

const SCOPES: &str = "openid profile email groups offline_access";
const REFRESH: &str = "refresh: {mode: Upstream, interval: 15m, keepFor: 1h}";
/// The people who are asked about at once.
const PEOPLE: usize = 40;

/// Another provider, which answers.
const HEALTHY: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: healthy}
spec:
  tenantRef: {name: main}
  type: OIDC
  oidc:
    issuer: HEALTHY
    clientId: lanyard
    clientSecretRef: {name: secret}
  emailDomains: [healthy.test]
  claimMappings:
    username: {claim: preferred_username, prefix: "healthy:"}
    groups: {claim: groups, prefix: "healthy:"}
  admit: Everyone
"#;

/// This test has one thread for the server, both providers and the callers.
#[tokio::test]
async fn a_provider_that_hangs_holds_no_thread_and_delays_only_its_own_people() {
    let healthy = Upstream::start_as("localhost").await;
    let world = World::with_objects(REFRESH, &HEALTHY.replace("HEALTHY", &healthy.issuer)).await;
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(world.sign_in(SCOPES).await);
    }
    world.app.clock.advance(Duration::from_mins(16));
    let elsewhere = world.sign_in_at(("healthy", &healthy), SCOPES).await;
    world.upstream.answers(|script| script.delay = Duration::from_mins(5));
    let (app, client) = (application(&world.app).await, reqwest::Client::new());
    let started = Instant::now();
    let refreshes = people.iter().map(|person| refresh_at(&app, person.refresh_token()));
    let refreshes = futures::future::join_all(refreshes);
    let others = async {
        let issuer = world.app.issuer("main");
        let token = elsewhere.tokens["access_token"].as_str().expect("one");
        let (mut longest, mut asked_at_once) = (Duration::ZERO, 0);
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let asked = Instant::now();
            let discovery = client.get(format!("{issuer}/.well-known/openid-configuration"));
            let userinfo = client.get(format!("{issuer}/oauth/userinfo")).bearer_auth(token);
            for request in [discovery, userinfo] {
                let answer = request.send().await.expect("an answer");
                assert!(answer.status().is_success(), "{answer:?}");
            }
            longest = longest.max(asked.elapsed());
            // The server calls the other provider for the same address.
            world.sign_in_at(("healthy", &healthy), SCOPES).await;
            asked_at_once = asked_at_once.max(world.upstream.unanswered.load(Ordering::SeqCst));
        }
        (longest, asked_at_once)
    };
    let (refreshes, (longest, asked_at_once)) = tokio::join!(refreshes, others);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(longest < Duration::from_secs(2), "other requests took {longest:?}");
    assert!((1..=8).contains(&asked_at_once), "{asked_at_once} calls at once");
    for (status, tokens) in refreshes {
        assert_eq!(status, 200, "the claims of a moment ago count: {tokens}");
    }
}
