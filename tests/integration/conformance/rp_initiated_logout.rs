//! Plan `oidcc-rp-initiated-logout-certification-test-plan`.

use serde_json::json;

use crate::conformance::{
    checks::text,
    keys::{FIRST, unsigned},
    logout::{Session, discovery, is_back, state},
    modules::no_user_signed_in,
    op::Op,
    person::Person,
    rp::Variant,
};

#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    discovery(Some("end_session_endpoint"), &[]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let page = session.leaves(&[]).await;
    is_back(page.left_for.expect("back").as_str(), Some(&state()));
    session.ended().await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let page = session.leaves(&[("state", "")]).await;
    is_back(page.left_for.expect("back").as_str(), None);
    session.ended().await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let bad = ("post_logout_redirect_uri", "https://rp.test/post_logout_redirect/other");
    let page = session.leaves(&[bad]).await;
    session.survives(&page).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let added = "https://rp.test/post_logout_redirect?foo=bar";
    let page = session.leaves(&[("post_logout_redirect_uri", added)]).await;
    session.survives(&page).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let modified = unsigned(session.flow.id_token());
    let page = session.leaves(&[("id_token_hint", &modified)]).await;
    session.survives(&page).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let forged = FIRST.sign(&json!(session.flow.id_token()));
    let page = session.leaves(&[("id_token_hint", &forged)]).await;
    session.survives(&page).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let page = session.leaves(&[("id_token_hint", "")]).await;
    session.survives(&page).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let page = session.leaves(&[("post_logout_redirect_uri", "")]).await;
    assert!(page.left_for.is_none() && page.body.contains("You are signed out"), "{}", page.body);
    session.ended().await;
}

/// Asserts that a request without a hint needs confirmation and then signs the user out.
async fn after_a_question(changes: &[(&str, &str)]) {
    let op = Op::start().await;
    let session = Session::begin(&op, |_| {}).await;
    let page = session.leaves(changes).await;
    assert!(page.left_for.is_none() && page.body.contains("Stay signed in"), "{}", page.body);
    let form = page.form("/oauth/logout");
    let page = session.person.browser.submit(&form, &[("action", "logout")]).await;
    assert!(page.left_for.is_none() && page.body.contains("You are signed out"), "{}", page.body);
    session.ended().await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    after_a_question(&[("id_token_hint", ""), ("post_logout_redirect_uri", ""), ("state", "")])
        .await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    after_a_question(&[("id_token_hint", ""), ("post_logout_redirect_uri", "")]).await;
}

#[tokio::test]
async fn unsigned_hint_is_ignored() {
    // OIDC RP-Initiated Logout §2: an unsigned hint can be forged, so the user must confirm.
    let op = Op::start().await;
    let none = json!("none");
    let rp =
        op.register_with(Variant::of("code"), |it| it["id_token_signed_response_alg"] = none).await;
    let person = Person::default();
    let visit = rp.send(&person, &[]).await;
    let tokens = rp.redeem(&visit.response(&rp)["code"]).await;
    let endpoint = op.endpoint("end_session_endpoint");
    let url = format!("{endpoint}?id_token_hint={}", text(&tokens, "id_token"));
    let page = person.browser.open(&url).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(rp.send(&person, &[("prompt", "none")]).await.response(&rp).contains_key("code"));
    person.browser.submit(&page.form("/oauth/logout"), &[("action", "logout")]).await;
    no_user_signed_in(&rp, &person).await;
    rp.unregister().await;
}
