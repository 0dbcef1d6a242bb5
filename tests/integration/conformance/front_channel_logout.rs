//! Plan `oidcc-frontchannel-rp-initiated-logout-certification-test-plan`. `tests/browser`
//! loads the page in a real browser.

use serde_json::json;
use url::Url;

use crate::conformance::{
    browser::unescape,
    logout::{Session, discovery, is_back, sid, state},
    op::Op,
};

#[tokio::test]
async fn oidcc_frontchannel_logout_discovery_endpoint_verification() {
    let switches = ["frontchannel_logout_supported", "frontchannel_logout_session_supported"];
    discovery(Some("end_session_endpoint"), &switches).await;
}

/// The values of an attribute on a page.
fn attributes(body: &str, before: &str) -> Vec<String> {
    let rest = body.split(before).skip(1);
    rest.map(|rest| unescape(rest.split('"').next().unwrap_or_default())).collect()
}

#[tokio::test]
async fn oidcc_frontchannel_rp_initiated_logout() {
    // OIDC Front-Channel Logout §2, §3
    let op = Op::start().await;
    let uri = "https://rp.test/frontchannel_logout";
    let session = Session::begin(&op, |it| {
        it["frontchannel_logout_uri"] = json!(uri);
        it["frontchannel_logout_session_required"] = json!(true);
    })
    .await;
    let page = session.leaves(&[]).await;
    let frames = attributes(&page.body, "<iframe src=\"");
    assert_eq!(frames.len(), 1, "{}", page.body);
    let frame = Url::parse(&frames[0]).expect("a URL");
    assert_eq!(&frame[..url::Position::AfterPath], uri);
    let parameters: Vec<(String, String)> = frame.query_pairs().into_owned().collect();
    let expected = [("iss", op.issuer()), ("sid", sid(session.flow.id_token()))];
    assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let links = attributes(&page.body, "href=\"https://rp.test");
    let [link] = links.as_slice() else { panic!("one link leads back: {links:?}") };
    is_back(&format!("https://rp.test{link}"), Some(&state()));
    session.ended().await;
}
