//! Pairwise subjects (OIDC Core §8.1): a user has a different, stable subject in each sector.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    browser::claims,
    world::{World, text},
};

const SECTOR: &str = "https://other.test/sector.json";

#[tokio::test]
async fn sector_document_must_list_the_redirect_uri() {
    // OIDC Core §8.1
    let world = World::new().await;
    let (alice, client) = (world.alice().await, world.application("pairwise-other").await);
    let url = client.authorize_url("openid", &[("prompt", "none")]);
    let page = alice.browser.open(&url).await;
    assert_eq!(page.status, 503, "the sector document is unavailable: {}", page.body);
    world.wait(30);
    world.app.publish(SECTOR, r#"["https://other.test/cb"]"#);
    let page = alice.browser.open(&url).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert!(page.body.contains("does not list the redirect URI"), "{}", page.body);
    world.wait(30);
    world.app.publish(SECTOR, r#"["https://rp.test/cb"]"#);
    assert!(alice.browser.open(&url).await.answer().contains_key("code"));
}

#[tokio::test]
async fn subject_is_stable_and_differs_between_sectors() {
    let world = World::new().await;
    world.app.publish(SECTOR, r#"["https://rp.test/cb"]"#);
    let alice = world.alice().await;
    let mut seen = vec![world.app.subject("shop", "alice")];
    for name in ["pairwise", "pairwise-other"] {
        let client = world.application(name).await;
        let tokens = alice.tokens(&client, "openid email").await;
        let subject = claims(text(&tokens, "id_token"))["sub"].as_str().expect("one").to_owned();
        assert!(!seen.contains(&subject), "{name}");
        let access = text(&tokens, "access_token");
        assert_eq!(
            claims(access)["sub"],
            subject.as_str(),
            "otherwise the access token would reveal the public subject"
        );
        let (status, person) = client.userinfo(access).await;
        assert_eq!((status, &person["sub"]), (200, &subject.as_str().into()));
        assert_eq!(person["email"], "alice@example.com");
        let again = alice.tokens(&client, "openid").await;
        assert_eq!(
            claims(text(&again, "id_token"))["sub"],
            subject.as_str(),
            "the subject is stable"
        );
        seen.push(subject);
    }
}

#[tokio::test]
async fn refreshing_keeps_the_subject() {
    // OIDC Core §12.2
    let world = World::new().await;
    let (alice, client) = (world.alice().await, world.application("pairwise").await);
    let tokens = alice.tokens(&client, "openid offline_access").await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let (status, refreshed) = client.token(&form).await;
    assert_eq!(status, 200, "{refreshed}");
    let subject = |tokens| claims(text(tokens, "id_token"))["sub"].clone();
    assert_eq!(subject(&tokens), subject(&refreshed));
}

#[tokio::test]
async fn hint_with_a_pairwise_subject_is_accepted() {
    let world = World::new().await;
    let (alice, client) = (world.alice().await, world.application("pairwise").await);
    let tokens = alice.tokens(&client, "openid").await;
    let hint = text(&tokens, "id_token");
    let changes = [("prompt", "none"), ("id_token_hint", hint)];
    let page = alice.browser.open(&client.authorize_url("openid", &changes)).await;
    assert!(page.answer().contains_key("code"), "{:?}", page.answer());
    alice.sign_out(hint).await;
}

#[tokio::test]
async fn sid_does_not_link_pairwise_subjects() {
    let world = World::new().await;
    world.app.publish(SECTOR, r#"["https://rp.test/cb"]"#);
    let alice = world.alice().await;
    let mut seen = Vec::new();
    for name in ["web", "pairwise", "pairwise-other"] {
        let tokens = alice.tokens(&world.application(name).await, "openid").await;
        let sid = claims(text(&tokens, "id_token"))["sid"].as_str().expect("one").to_owned();
        assert!(!seen.contains(&sid), "{name}");
        seen.push(sid);
    }
}

#[tokio::test]
async fn session_state_does_not_link_pairwise_subjects() {
    // OIDC Core §8.1, Session Management §2: a client with the sid of the session and another with a
    // session_state must not be able to match them.
    let world = World::new().await;
    world.app.publish(SECTOR, r#"["https://rp.test/cb"]"#);
    let (alice, other) = (world.alice().await, world.application("pairwise").await);
    let tokens = alice.tokens(&alice.web, "openid").await;
    let sid = claims(text(&tokens, "id_token"))["sid"].as_str().expect("one").to_owned();
    let url = other.authorize_url("openid", &[("prompt", "none")]);
    let answer = alice.browser.open(&url).await.answer();
    let (known, salt) = answer["session_state"].split_once('.').expect("hash and salt");
    let hash = |text: String| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        URL_SAFE_NO_PAD.encode(digest)
    };
    for state in [sid.clone(), hash(sid.clone()), hash(format!("browser state\0{sid}"))] {
        let text = format!("{} https://rp.test {state} {salt}", other.client_id);
        assert_ne!(hash(text), known);
    }
}

#[tokio::test]
async fn hint_of_another_client_is_rejected() {
    let world = World::new().await;
    let (alice, other) = (world.alice().await, world.application("pairwise").await);
    let tokens = alice.tokens(&other, "openid").await;
    let hint = ("id_token_hint", text(&tokens, "id_token"));
    let url = alice.web.authorize_url("openid", &[("prompt", "none"), hint]);
    assert_eq!(alice.browser.open(&url).await.answer()["error"], "invalid_request");
}
