//! Errors that clients receive while the store is unavailable.

use std::sync::{Arc, atomic::Ordering};

use super::{
    app::TestApp,
    store::{Interleaving, Plan},
    world::{MANIFESTS, World},
};

#[tokio::test]
async fn prompt_none_returns_a_store_outage_to_the_client() {
    // RFC 6749 §4.1.2.1, OIDC Core §3.1.2.1
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let app =
        TestApp::start_over(MANIFESTS, move |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = World { app: app.await, http: reqwest::Client::new() };
    let alice = world.alice().await;
    plan.away.store(true, Ordering::SeqCst);
    let silent = alice.web.authorize_url("openid", &[("prompt", "none")]);
    let answer = alice.browser.open(&silent).await.answer();
    assert_eq!(answer["error"], "temporarily_unavailable");
    assert_eq!((answer["state"].as_str(), answer.get("code")), ("a-state", None));
    // Other requests show the user a page, from which a retry is possible.
    let page = alice.browser.open(&alice.web.authorize_url("openid", &[])).await;
    assert_eq!((page.status, page.left_for), (503, None));
}
