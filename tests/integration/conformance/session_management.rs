//! Plan `oidcc-session-management-certification-test-plan`. `tests/browser` loads the
//! frame in a real browser.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::conformance::{
    browser::Page,
    logout::{Session, discovery, is_back, state},
    modules::complete,
    op::Op,
    person::Person,
    rp::Variant,
};

#[tokio::test]
async fn oidcc_session_management_discovery_endpoint_verification() {
    discovery(Some("check_session_iframe"), &[]).await;
}

/// The value of the cookie that the frame reads, if the answer sets it.
fn browser_state(page: &Page) -> Option<String> {
    let mut set = page.headers.get_all("set-cookie").iter().map(|it| it.to_str().expect("ASCII"));
    let cookie = set.find(|cookie| cookie.starts_with("lanyard-state-"))?;
    assert!(!cookie.contains("HttpOnly"), "the frame's script reads it: {cookie}");
    cookie.split(['=', ';']).nth(1).map(str::to_owned)
}

/// The message of the frame for a `session_state` (OIDC Session Management §3.2).
fn frame(client_id: &str, session_state: &str, browser_state: &str) -> &'static str {
    let (hash, salt) = session_state.split_once('.').expect("hash and salt");
    let compared = format!("{client_id} https://rp.test {browser_state} {salt}");
    let unchanged = hash == URL_SAFE_NO_PAD.encode(digest(&SHA256, compared.as_bytes()));
    if unchanged { "unchanged" } else { "changed" }
}

#[tokio::test]
async fn oidcc_session_management_rp_initiated_logout() {
    let op = Op::start().await;
    let rp = op
        .register_with(Variant::of("code"), |it| {
            it["post_logout_redirect_uris"] = serde_json::json!([crate::conformance::logout::BYE]);
        })
        .await;
    let person = Person::default();
    let visit = rp.send(&person, &[]).await;
    let known = browser_state(&visit.page).expect("the cookie");
    let response = visit.response(&rp);
    let session_state = response["session_state"].clone();
    assert!(!session_state.contains(' '), "§2: {session_state}");
    assert_eq!(frame(rp.client_id(), &session_state, &known), "unchanged");
    let flow = complete(&rp, response, Some("a-nonce")).await;
    let session = Session { rp, person, flow };
    let page = session.leaves(&[]).await;
    let gone = browser_state(&page).expect("the cookie is deleted");
    assert_eq!(frame(session.rp.client_id(), &session_state, &gone), "changed");
    is_back(page.left_for.expect("back").as_str(), Some(&state()));
    session.ended().await;
}
