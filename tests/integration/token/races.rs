//! Codes are redeemed once and refresh tokens rotate once, regardless of how requests interleave at the
//! store.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use serde_json::Value;

use super::{
    app::TestApp,
    browser::{Application, VERIFIER},
    store::{Interleaving, Plan},
    world::{MANIFESTS, SignedIn, World, assert_error, text},
};

struct Race {
    world: World,
    alice: SignedIn,
    spa: Application,
    plan: Arc<Plan>,
}

impl Race {
    async fn new() -> Self {
        let plan = Arc::new(Plan::default());
        let over = Arc::clone(&plan);
        let app = TestApp::start_over(MANIFESTS, move |inner| {
            Arc::new(Interleaving { inner, plan: over })
        });
        let world = World { app: app.await, http: reqwest::Client::new() };
        let (alice, spa) = (world.alice().await, world.application("spa").await);
        Self { world, alice, spa, plan }
    }

    /// Sends a token request of the client directly to the handler.
    async fn ask(&self, parameters: &[(&str, &str)]) -> (u16, Value) {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .append_pair("client_id", &self.spa.client_id)
            .finish();
        let request = http::Request::post("/default/shop/oauth/token")
            .header("host", self.world.app.address.to_string())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)))
            .expect("a request");
        let answer = self.world.app.app.answer(request, IpAddr::from([127, 0, 0, 1])).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    /// Sends several requests concurrently, interleaved by the plan.
    async fn at_once(
        &self,
        requests: usize,
        pauses: &[u8],
        parameters: &[(&str, &str)],
    ) -> Vec<(u16, Value)> {
        *self.plan.pauses.lock().expect("no panic") = pauses.to_vec();
        self.plan.active.store(true, Ordering::SeqCst);
        let answers = join_all((0..requests).map(|_| self.ask(parameters))).await;
        self.plan.active.store(false, Ordering::SeqCst);
        answers
    }

    /// Asserts that one of several redemptions returns tokens, and that the others revoke them.
    async fn redeem(&self, requests: usize, pauses: &[u8]) {
        let code = self.alice.code(&self.spa, "openid offline_access").await;
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &self.spa.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        let answers = self.at_once(requests, pauses, &parameters).await;
        let (given, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|(it, _)| *it == 200);
        assert_eq!(given.len(), 1, "{answers:?}");
        assert!(refused.iter().all(|(_, it)| it["error"] == "invalid_grant"), "{answers:?}");
        let userinfo = self.spa.userinfo(text(&given[0].1, "access_token")).await.0;
        assert_eq!(userinfo, 401, "a second redemption revokes the tokens");
    }

    /// Asserts that concurrent uses of a refresh token rotate it once: all answers have the same generation.
    async fn refresh(&self, requests: usize, pauses: &[u8]) {
        let tokens = self.alice.tokens(&self.spa, "openid offline_access").await;
        let token = text(&tokens, "refresh_token");
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let answers = self.at_once(requests, pauses, &parameters).await;
        assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
        for (_, answer) in &answers {
            let parameters =
                [("grant_type", "refresh_token"), ("refresh_token", text(answer, "refresh_token"))];
            let (status, answer) = self.ask(&parameters).await;
            assert_eq!(status, 200, "each token can be refreshed: {answer}");
        }
    }
}

/// Checks a property for generated plans in one world.
fn over_plans(property: impl AsyncFn(&Race, usize, &[u8]) + Copy) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let race = runtime.block_on(Race::new());
    let plans = (2_usize..5, prop::collection::vec(0_u8..5, 0..40));
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() };
    proptest!(config, |((requests, pauses) in plans)| {
        runtime.block_on(property(&race, requests, &pauses));
    });
}

#[test]
fn a_code_redeems_once_however_requests_interleave() {
    over_plans(Race::redeem);
}

#[test]
fn a_refresh_token_rotates_once_however_requests_interleave() {
    over_plans(Race::refresh);
}

#[tokio::test]
async fn rejected_requests_and_client_credentials_write_nothing() {
    // docs/design/invariants.md#unauthenticated-requests-write-nothing; the
    // client_credentials grant stores nothing either (docs/design/state.md#tokens-name-their-grant).
    let race = Race::new().await;
    let web = &race.alice.web;
    let code = race.alice.code(web, "openid").await;
    let before = race.plan.writes.load(Ordering::SeqCst);
    let (status, own) = web.token(&[("grant_type", "client_credentials")]).await;
    assert_eq!(status, 200, "{own}");
    let guess = [("grant_type", "authorization_code"), ("code", "guess")];
    assert_error(&race.ask(&guess).await, 400, "invalid_grant");
    let stolen = [("grant_type", "authorization_code"), ("code", code.as_str())];
    assert_error(&race.ask(&stolen).await, 400, "invalid_grant");
    let unbound = [("grant_type", "authorization_code"), ("code", code.as_str())];
    assert_error(&web.token(&unbound).await, 400, "invalid_grant");
    let guess = [("grant_type", "refresh_token"), ("refresh_token", "guess")];
    assert_error(&race.ask(&guess).await, 400, "invalid_grant");
    race.world.http.get(web.authorize_url("openid", &[])).send().await.expect("an answer");
    assert_eq!(web.userinfo(text(&own, "access_token")).await.0, 403);
    assert_eq!(race.plan.writes.load(Ordering::SeqCst), before);
}
