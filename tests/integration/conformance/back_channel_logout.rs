//! Plan `oidcc-backchannel-rp-initiated-logout-certification-test-plan`.

use std::time::Duration;

use serde_json::json;

use crate::conformance::{
    browser::claims,
    checks::text,
    logout::{Session, discovery, is_back, logout_token, sid, state},
    op::Op,
    person::{ADA, Person},
    rp::Variant,
};

/// The longest wait for a logout notification.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn oidcc_backchannel_logout_discovery_endpoint_verification() {
    let switches = ["backchannel_logout_supported", "backchannel_logout_session_supported"];
    discovery(Some("end_session_endpoint"), &switches).await;
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    // OIDC Back-Channel Logout §2.4, §2.5
    let op = Op::start().await;
    let uri = "https://rp.test/backchannel_logout";
    let mut notifications = op.app.receive(uri);
    let session = Session::begin(&op, |it| {
        it["backchannel_logout_uri"] = json!(uri);
        it["backchannel_logout_session_required"] = json!(true);
    })
    .await;
    let page = session.leaves(&[]).await;
    is_back(page.left_for.expect("back").as_str(), Some(&state()));
    let token = logout_token(&notifications.recv().await.expect("a notification"));
    let header = jsonwebtoken::decode_header(&token).expect("a JWT");
    assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
    let token_claims =
        crate::conformance::browser::verified(&token, &op.jwks().await, session.rp.client_id());
    assert_eq!(token_claims, claims(&token));
    assert_eq!(token_claims["iss"], op.issuer());
    assert!(token_claims["iat"].as_i64().is_some_and(|iat| iat <= op.now()), "{token_claims}");
    assert!(!text(&token_claims, "jti").is_empty());
    let event = "http://schemas.openid.net/event/backchannel-logout";
    assert_eq!(token_claims["events"], json!({ event: {} }));
    let id_token = session.flow.id_token();
    assert_eq!(
        (text(&token_claims, "sub"), text(&token_claims, "sid")),
        (text(id_token, "sub"), sid(id_token))
    );
    assert!(token_claims.get("nonce").is_none(), "{token_claims}");
    session.ended().await;
}

#[tokio::test]
async fn client_that_joins_during_a_new_sign_in_is_notified_of_the_logout() {
    // OIDC Back-Channel Logout §2.5: every client of the session is notified.
    let op = Op::start().await;
    let uri = "https://rp.test/backchannel_logout";
    let mut notifications = op.app.receive(uri);
    let late =
        op.register_with(Variant::of("code"), |it| it["backchannel_logout_uri"] = json!(uri)).await;
    // The user consented before, so the client can join without a consent page.
    assert!(late.send(&Person::default(), &[]).await.response(&late).contains_key("code"));
    let session = Session::begin(&op, |_| {}).await;
    let browser = &session.person.browser;
    let url = session.rp.url(&session.rp.request_with(&[("prompt", "login")]));
    let form = browser.open(&url).await.form("/login");
    let (page, joined) = tokio::join!(
        browser.submit(&form, &ADA),
        late.send(&session.person, &[("prompt", "none")]),
    );
    assert!(page.answer().contains_key("code"));
    let joined = joined.response(&late).contains_key("code");
    session.leaves(&[]).await;
    if joined {
        let notifications = tokio::time::timeout(WAIT_TIMEOUT, notifications.recv()).await;
        logout_token(&notifications.expect("in time").expect("a notification"));
    }
    session.ended().await;
}
