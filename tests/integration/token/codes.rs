//! Redeeming codes (RFC 6749 §4.1.3, OIDC Core §3.1.3).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{
    browser::{Application, VERIFIER, claims, verified},
    world::{World, assert_error, text},
};

/// Redeems a code with one parameter changed; an empty one is left out.
async fn redeem_with(
    application: &Application,
    code: &str,
    (name, value): (&str, &str),
) -> (u16, Value) {
    let mut parameters = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &application.redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    parameters.retain(|(other, _)| *other != name);
    parameters.push((name, value));
    application.token(&parameters).await
}

#[tokio::test]
async fn a_code_gives_tokens_that_verify() {
    // OIDC Core §3.1.3.3, §3.1.3.6
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid email offline_access").await;
    let (jwks, issuer) = (alice.web.jwks().await, world.app.issuer("shop"));
    let id_token = verified(text(&tokens, "id_token"), &jwks, "default.web");
    let access = verified(text(&tokens, "access_token"), &jwks, &issuer);
    assert_eq!(id_token["iss"], issuer);
    assert_eq!(id_token["sub"], world.app.subject("shop", "alice"));
    assert_eq!((&id_token["nonce"], &id_token["sub"]), (&"a-nonce".into(), &access["sub"]));
    let hash = digest::digest(&digest::SHA256, text(&tokens, "access_token").as_bytes());
    assert_eq!(text(&id_token, "at_hash"), URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
    assert_eq!(id_token["email"], "alice@example.com", "most applications read nothing else");
    assert_eq!((text(&access, "aud"), text(&access, "client_id")), (&*issuer, "default.web"));
    assert_eq!(text(&tokens, "scope"), "email offline_access openid");
    assert!(tokens["refresh_token"].is_string());
}

#[tokio::test]
async fn second_use_of_a_code_revokes_its_tokens() {
    // RFC 6749 §4.1.2
    let world = World::new().await;
    let alice = world.alice().await;
    let code = alice.code(&alice.web, "openid offline_access").await;
    let (_, tokens) = alice.web.redeem(&code).await;
    let access_token = text(&tokens, "access_token");
    assert_eq!(alice.web.userinfo(access_token).await.0, 200);
    assert_error(&alice.web.redeem(&code).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(access_token).await.0, 401);
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_error(&alice.web.token(&refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn mismatched_request_neither_uses_up_nor_revokes_a_code() {
    // docs/design/state.md#authorization-code: otherwise an attacker who sees a code could use it up.
    let world = World::new().await;
    let alice = world.alice().await;
    let (poster, spa) = (world.application("poster").await, world.application("spa").await);
    let code = alice.code(&alice.web, "openid").await;
    for wrong in [
        ("redirect_uri", "https://rp.test/other"),
        ("redirect_uri", ""),
        ("code_verifier", "another-verifier-of-at-least-forty-three-characters"),
        ("code_verifier", ""),
    ] {
        assert_error(&redeem_with(&alice.web, &code, wrong).await, 400, "invalid_grant");
    }
    assert_error(&redeem_with(&spa, &code, ("x", "y")).await, 400, "invalid_grant");
    assert_error(&redeem_with(&poster, &code, ("x", "y")).await, 401, "invalid_client");
    let (status, tokens) = alice.web.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    assert_error(&redeem_with(&spa, &code, ("x", "y")).await, 400, "invalid_grant");
    let access_token = text(&tokens, "access_token");
    assert_eq!(alice.web.userinfo(access_token).await.0, 200, "another client revokes nothing");
}

#[tokio::test]
async fn a_verifier_needs_a_challenge() {
    // RFC 9700 §2.1.1: otherwise an attacker could strip the challenge from the request.
    let world = World::new().await;
    let alice = world.alice().await;
    let without = [("code_challenge", ""), ("code_challenge_method", ""), ("prompt", "none")];
    let url = alice.web.authorize_url("openid", &without);
    let code = alice.browser.open(&url).await.answer().remove("code").expect("a code");
    assert_error(&alice.web.redeem(&code).await, 400, "invalid_grant");
    let (status, answer) = redeem_with(&alice.web, &code, ("code_verifier", "")).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let world = World::new().await;
    let alice = world.alice().await;
    let (early, late) =
        (alice.code(&alice.web, "openid").await, alice.code(&alice.web, "openid").await);
    world.wait(59);
    assert_eq!(alice.web.redeem(&early).await.0, 200);
    world.wait(1);
    assert_error(&alice.web.redeem(&late).await, 400, "invalid_grant");
}

#[tokio::test]
async fn second_use_of_an_expired_code_still_revokes_its_tokens() {
    // RFC 6749 §4.1.2
    let world = World::new().await;
    let alice = world.alice().await;
    let code = alice.code(&alice.web, "openid").await;
    let (_, tokens) = alice.web.redeem(&code).await;
    world.wait(61);
    assert_eq!(alice.web.userinfo(text(&tokens, "access_token")).await.0, 200);
    assert_error(&alice.web.redeem(&code).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(text(&tokens, "access_token")).await.0, 401);
}

#[tokio::test]
async fn code_is_rejected_by_another_tenant_and_when_altered() {
    let world = World::new().await;
    let alice = world.alice().await;
    let elsewhere = world.application("web-elsewhere").await;
    let code = alice.code(&alice.web, "openid").await;
    assert_error(&elsewhere.redeem(&code).await, 400, "invalid_grant");
    let altered = format!("{}{}", &code[..code.len() - 4], "AAAA");
    assert_error(&alice.web.redeem(&altered).await, 400, "invalid_grant");
    assert_error(&alice.web.redeem("no code at all").await, 400, "invalid_grant");
    assert_eq!(alice.web.redeem(&code).await.0, 200);
}

#[tokio::test]
async fn code_of_a_disabled_user_is_rejected() {
    let world = World::new().await;
    let alice = world.alice().await;
    let code = alice.code(&alice.web, "openid offline_access").await;
    world.change("disabled: false", "disabled: true");
    assert_error(&alice.web.redeem(&code).await, 400, "invalid_grant");
}

#[tokio::test]
async fn code_of_an_ended_session_is_rejected() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid").await;
    let code = alice.code(&alice.web, "openid").await;
    alice.sign_out(text(&tokens, "id_token")).await;
    assert_error(&alice.web.redeem(&code).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_long_request_gives_a_code_that_fits_in_a_url() {
    let world = World::new().await;
    let alice = world.alice().await;
    let nonce = "n".repeat(6000);
    let url = alice.web.authorize_url("openid", &[("prompt", "none"), ("nonce", &nonce)]);
    let code = alice.browser.open(&url).await.answer().remove("code").expect("a code");
    assert!(code.len() < 2048, "{} characters", code.len());
    let (status, tokens) = alice.web.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(text(&tokens, "id_token"))["nonce"], nonce);
    assert_error(&alice.web.redeem(&code).await, 400, "invalid_grant");
}
