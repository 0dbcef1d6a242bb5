//! A provider ends sessions of its people by logout tokens (OIDC Back-Channel Logout).

use std::{collections::BTreeMap, time::Duration};

use lanyard::model::Clock;
use serde_json::{Value, json};

use super::{
    browser::claims,
    world::{LOGOUT, SignedIn, World},
};
use crate::support::publisher::signed;

const SCOPES: &str = "openid profile email groups";
const OFFLINE: &str = "openid profile email groups offline_access";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

impl World {
    /// Signs a person in with a session at the provider.
    async fn sign_in_as(&self, scopes: &str, (sub, sid): (&str, &str)) -> SignedIn {
        self.upstream.answers(|script| script.id_token = json!({"sub": sub, "sid": sid}));
        self.sign_in(scopes).await
    }

    /// A logout token of the provider, with changed claims.
    pub fn logout_token(&self, changes: Value) -> Value {
        let now = self.app.clock.now().secs();
        let mut claims = json!({
            "iss": self.upstream.issuer, "aud": "lanyard", "iat": now, "exp": now + 120,
            "jti": "one", "events": {EVENT: {}},
        });
        let Value::Object(changes) = changes else { panic!("an object") };
        claims.as_object_mut().expect("an object").extend(changes);
        claims
    }

    /// Sends a logout token to a provider's URI; returns the status and the error.
    pub async fn log_out(&self, provider: &str, token: &str) -> (u16, String) {
        let url = format!("{}/callback/{provider}/logout", self.app.issuer("main"));
        let form = [("logout_token", token)];
        let response = reqwest::Client::new().post(url).form(&form).send().await.expect("answered");
        assert_eq!(response.headers()["cache-control"], "no-store");
        (response.status().as_u16(), response.text().await.expect("text"))
    }
}

#[tokio::test]
async fn a_logout_token_ends_its_session_and_its_applications_are_notified() {
    let world = World::with("").await;
    let mut notifications = world.app.receive(LOGOUT);
    let here = world.sign_in_as(SCOPES, ("1", "first")).await;
    let elsewhere = world.sign_in_as(SCOPES, ("1", "second")).await;
    let offline = world.sign_in_as(OFFLINE, ("1", "third")).await;
    let other = world.sign_in_as(SCOPES, ("2", "fourth")).await;
    let token = signed(&world.logout_token(json!({"sid": "first"})));
    assert_eq!(world.log_out("corp", &token).await, (200, String::new()));
    let told = notifications.recv().await.expect("the application is told");
    let told: BTreeMap<_, _> = form_urlencoded::parse(told.as_bytes()).into_owned().collect();
    let own = claims(here.tokens["id_token"].as_str().expect("one"));
    assert_eq!(claims(&told["logout_token"])["sid"], own["sid"]);
    assert!(!world.has_session(&here, SCOPES).await);
    assert!(world.has_session(&elsewhere, SCOPES).await && world.has_session(&other, SCOPES).await);
    // A second use, and a token about an unknown person, change nothing.
    assert_eq!(world.log_out("corp", &token).await.0, 200);
    let unknown = signed(&world.logout_token(json!({"sub": "9"})));
    assert_eq!(world.log_out("corp", &unknown).await.0, 200);
    assert!(world.has_session(&elsewhere, SCOPES).await);
    // All sessions of the person, but no grant that outlives its session (§2.7).
    let all = signed(&world.logout_token(json!({"sub": "1"})));
    assert_eq!(world.log_out("corp", &all).await.0, 200);
    assert!(
        !world.has_session(&elsewhere, SCOPES).await && !world.has_session(&offline, SCOPES).await
    );
    assert_eq!(world.refresh(&offline).await.0, 200);
    assert!(world.has_session(&other, SCOPES).await);
}

#[tokio::test]
async fn invalid_logout_tokens_end_no_session() {
    let world = World::with("").await;
    let ada = world.sign_in_as(SCOPES, ("1", "first")).await;
    let now = world.app.clock.now().secs();
    for (changes, reason) in [
        (json!({"sid": "first", "aud": "other"}), "another client"),
        (json!({"sid": "first", "iss": "https://evil.test"}), "another issuer"),
        (json!({"sid": "first", "iat": now - 601}), "older than 10 minutes"),
        (json!({"sid": "first", "events": {}}), "no event"),
        (json!({"sid": "first", "nonce": "n"}), "has a nonce"),
        (json!({}), "neither sub nor sid"),
    ] {
        let (status, said) = world.log_out("corp", &signed(&world.logout_token(changes))).await;
        assert_eq!(status, 400, "{reason}");
        assert!(said.contains(reason), "{said}");
    }
    // A token with another signature.
    let token = signed(&world.logout_token(json!({"sid": "first"})));
    let (head, _) = token.rsplit_once('.').expect("a signature");
    let (status, said) = world.log_out("corp", &format!("{head}.c2ln")).await;
    assert_eq!(status, 400);
    assert!(said.contains("signature"), "{said}");
    // `sub` and `sid` must be of one session.
    let mixed = signed(&world.logout_token(json!({"sid": "first", "sub": "2"})));
    assert_eq!(world.log_out("corp", &mixed).await.0, 200);
    // Another object has other sessions, even at the same provider.
    assert_eq!(world.log_out("other", &token).await.0, 200);
    assert_eq!(world.log_out("absent", &token).await.0, 404);
    assert!(world.has_session(&ada, SCOPES).await);
}

#[tokio::test]
async fn a_logout_token_does_not_end_a_session_that_began_after_it() {
    let world = World::with("").await;
    let token = signed(&world.logout_token(json!({"sub": "1"})));
    world.app.clock.advance(Duration::from_secs(90));
    let ada = world.sign_in_as(SCOPES, ("1", "first")).await;
    assert_eq!(world.log_out("corp", &token).await.0, 200);
    assert!(world.has_session(&ada, SCOPES).await);
}

/// A provider inside the cluster may not reach the public address.
#[tokio::test]
async fn a_logout_token_may_come_to_the_address_inside_the_cluster() {
    let world = World::with("").await;
    let ada = world.sign_in_as(SCOPES, ("1", "first")).await;
    let inside = reqwest::Client::builder()
        .resolve("lanyard.sso.svc", world.app.address)
        .build()
        .expect("a client");
    let url = format!(
        "http://lanyard.sso.svc:{}/default/main/callback/corp/logout",
        world.app.address.port()
    );
    let token = signed(&world.logout_token(json!({"sid": "first"})));
    let send = |token: &str| inside.post(&url).form(&[("logout_token", token)]).send();
    let forged = send(&format!("{token}A")).await.expect("answered");
    assert_eq!(forged.status().as_u16(), 400);
    assert!(world.has_session(&ada, SCOPES).await);
    assert_eq!(send(&token).await.expect("answered").status().as_u16(), 200);
    assert!(!world.has_session(&ada, SCOPES).await);
}
