//! Hybrid flows (OIDC Core §3.3): tokens of both endpoints belong to one grant.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;

use super::{
    browser::{Application, Browser, verified},
    world::World,
};

/// The parameters of the response to a hybrid request, with Alice signed in.
async fn answer(
    hybrid: &Application,
    browser: &Browser,
    response_type: &str,
) -> std::collections::BTreeMap<String, String> {
    let url = hybrid.authorize_url("openid email", &[("response_type", response_type)]);
    let page = browser.open(&url).await;
    let left_for = page.left_for.clone().expect("back at the application");
    assert!(left_for.query().is_none() && left_for.fragment().is_some(), "{left_for}");
    page.answer().into_iter().collect()
}

/// The left half of the SHA-256 hash, which RS256 requires (OIDC Core §3.3.2.11).
fn left_half(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

#[tokio::test]
async fn returns_what_the_response_type_names() {
    // OAuth 2.0 Multiple Response Types §5
    let world = World::new().await;
    let (hybrid, browser) = (world.application("hybrid").await, world.alice().await);
    for (response_type, given) in [
        ("code id_token", vec!["code", "id_token"]),
        ("token code", vec!["access_token", "code"]),
        ("id_token code token", vec!["access_token", "code", "id_token"]),
    ] {
        let answer = answer(&hybrid, &browser, response_type).await;
        for name in ["access_token", "code", "id_token"] {
            assert_eq!(answer.contains_key(name), given.contains(&name), "{response_type}: {name}");
        }
        assert_eq!(answer["state"], "a-state");
        assert_eq!(answer["iss"], world.app.issuer("shop"), "RFC 9207");
    }
}

#[tokio::test]
async fn id_token_contains_the_hashes_of_code_and_access_token() {
    // OIDC Core §3.3.2.11
    let world = World::new().await;
    let (hybrid, browser) = (world.application("hybrid").await, world.alice().await);
    let answer = answer(&hybrid, &browser, "code id_token token").await;
    let claims = verified(&answer["id_token"], &hybrid.jwks().await, "default.hybrid");
    assert_eq!(claims["c_hash"], left_half(&answer["code"]));
    assert_eq!(claims["at_hash"], left_half(&answer["access_token"]));
    assert_eq!(claims["nonce"], "a-nonce");
    assert!(claims.get("email").is_none(), "the browser carries it, and another one follows");
}

#[tokio::test]
async fn both_endpoints_return_the_same_subject_and_session() {
    // OIDC Core §3.3.3.6
    let world = World::new().await;
    let (hybrid, browser) = (world.application("hybrid").await, world.alice().await);
    let answer = answer(&hybrid, &browser, "code id_token").await;
    let (status, tokens) = hybrid.redeem(&answer["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let jwks = hybrid.jwks().await;
    let first = verified(&answer["id_token"], &jwks, "default.hybrid");
    let second = verified(tokens["id_token"].as_str().expect("one"), &jwks, "default.hybrid");
    for claim in ["iss", "sub", "sid"] {
        assert_eq!(first[claim], second[claim], "{claim}");
    }
    assert!(first.get("email").is_none(), "{first}");
    assert_eq!(second["email"], "alice@example.com");
}

#[tokio::test]
async fn code_is_redeemed_once_by_fifty_concurrent_requests() {
    let world = World::new().await;
    let (hybrid, browser) = (world.application("hybrid").await, world.alice().await);
    let answer = answer(&hybrid, &browser, "code token").await;
    assert_eq!(hybrid.userinfo(&answer["access_token"]).await.0, 200);
    let all = join_all((0..50).map(|_| hybrid.redeem(&answer["code"]))).await;
    let redeemed: Vec<_> = all.iter().filter(|(status, _)| *status == 200).collect();
    assert_eq!(redeemed.len(), 1);
    // A second redemption revokes all tokens of the grant (RFC 6749 §4.1.2).
    assert_eq!(hybrid.userinfo(&answer["access_token"]).await.0, 401);
    let access_token = redeemed[0].1["access_token"].as_str().expect("one");
    assert_eq!(hybrid.userinfo(access_token).await.0, 401);
}

#[tokio::test]
async fn nonce_is_required_for_an_id_token_of_the_authorization_endpoint() {
    // OIDC Core §3.3.2.1
    let world = World::new().await;
    let (hybrid, browser) = (world.application("hybrid").await, world.alice().await);
    for (response_type, error) in [
        ("code id_token", Some("invalid_request")),
        ("code id_token token", Some("invalid_request")),
        ("code token", None),
    ] {
        let changes = [("response_type", response_type), ("nonce", "")];
        let page = browser.open(&hybrid.authorize_url("openid", &changes)).await;
        let returned = page.answer().get("error").cloned();
        assert_eq!(returned.as_deref(), error, "{response_type}");
    }
}

#[tokio::test]
async fn response_type_must_be_registered() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let url = trusted.authorize_url("openid", &[("response_type", "code id_token")]);
    assert_eq!(browser.open(&url).await.answer()["error"], "unauthorized_client");
}
