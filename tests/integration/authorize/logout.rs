//! Logout from the provider and from the clients of the session.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lanyard::store::RecordKind;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};
use url::Url;

use super::{
    browser::{Application, Browser, Page, claims},
    world::{ALICE, BOB, World, sign_in},
};
use crate::token::store::{Interleaving, Plan};

/// A back-channel logout endpoint that answers with each status in turn, then 200: its URL and the
/// requests it receives.
async fn backchannel(mut statuses: Vec<&'static str>) -> (String, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/backchannel", listener.local_addr().expect("bound"));
    let (send, receive) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut text = String::new();
            let mut buffer = [0; 4096];
            while !text.contains("logout_token=") {
                let read = stream.read(&mut buffer).await.unwrap_or_default();
                if read == 0 {
                    break;
                }
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            let status = if statuses.is_empty() { "200 OK" } else { statuses.remove(0) };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = send.send(text);
        }
    });
    (url, receive)
}

/// Alice's tokens for a client.
async fn tokens(client: &Application, browser: &Browser, scope: &str) -> Value {
    let page = browser.open(&client.authorize_url(scope, &[])).await;
    let (status, tokens) = client.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

/// Opens the end-session endpoint with parameters.
async fn leave(client: &Application, browser: &Browser, parameters: &[(&str, &str)]) -> Page {
    let mut url = Url::parse(client.endpoint("end_session_endpoint")).expect("a URL");
    url.query_pairs_mut().extend_pairs(parameters);
    browser.open(url.as_str()).await
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

#[tokio::test]
async fn logout_token_is_signed_and_names_subject_and_session() {
    // OIDC Back-Channel Logout §2.4, §2.5
    let world = World::new().await;
    let (url, mut notifications) = backchannel(vec![]).await;
    world.change("https://rp.invalid/backchannel", &url);
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let tokens = tokens(&leaver, &browser, "openid").await;
    leave(&leaver, &browser, &[("id_token_hint", text(&tokens, "id_token"))]).await;
    let request = notifications.recv().await.expect("a notification");
    let token = request.split("logout_token=").nth(1).expect("a form").trim();
    let header = token.split('.').next().expect("a header");
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON");
    assert_eq!(header["typ"], "logout+jwt");
    let token_claims = super::browser::verified(token, &leaver.jwks().await, "default.leaver");
    let id_token = claims(text(&tokens, "id_token"));
    assert_eq!((&token_claims["sub"], &token_claims["sid"]), (&id_token["sub"], &id_token["sid"]));
    let event = "http://schemas.openid.net/event/backchannel-logout";
    assert_eq!(token_claims["events"], json!({ event: {} }));
    assert!(
        token_claims.get("nonce").is_none()
            && token_claims["jti"].is_string()
            && token_claims["iat"].is_i64()
    );
}

#[tokio::test]
async fn logout_token_has_the_pairwise_subject_and_session_of_its_client() {
    // OIDC Core §8.1; Back-Channel Logout §2.4; Front-Channel Logout §3
    let world = World::new().await;
    let (url, mut notifications) = backchannel(vec![]).await;
    let written = "backchannelLogoutUri: https://rp.invalid/backchannel";
    world.change(written, &format!("subjectType: pairwise\n  backchannelLogoutUri: {url}"));
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let tokens = tokens(&leaver, &browser, "openid").await;
    let hint = text(&tokens, "id_token");
    let page = leave(&leaver, &browser, &[("id_token_hint", hint)]).await;
    let (known, sid) = (claims(hint), claims(hint)["sid"].as_str().expect("one").to_owned());
    assert!(page.body.contains(&format!("&#38;sid={sid}\"")), "{}", page.body);
    let request = notifications.recv().await.expect("a notification");
    let token_claims = claims(request.split("logout_token=").nth(1).expect("a form").trim());
    assert_eq!((&token_claims["sub"], &token_claims["sid"]), (&known["sub"], &known["sid"]));
}

#[tokio::test]
async fn sign_in_of_another_user_ends_the_previous_session() {
    // OIDC Back-Channel Logout §2: in a shared browser, clients would keep the session of the other user.
    let world = World::new().await;
    let (url, mut notifications) = backchannel(vec![]).await;
    world.change("https://rp.invalid/backchannel", &url);
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let alices = claims(text(&tokens(&leaver, &browser, "openid").await, "id_token"));
    let again = leaver.authorize_url("openid", &[("prompt", "login")]);
    let page = browser.open(&again).await;
    assert!(sign_in(&browser, &page, ALICE).await.answer().contains_key("code"));
    let page = browser.open(&again).await;
    assert!(sign_in(&browser, &page, BOB).await.answer().contains_key("code"));
    let request = notifications.recv().await.expect("a notification");
    let token_claims = claims(request.split("logout_token=").nth(1).expect("a form").trim());
    assert_eq!((&token_claims["sub"], &token_claims["sid"]), (&alices["sub"], &alices["sid"]));
    assert!(notifications.try_recv().is_err(), "a new sign-in of the same user ends no session");
}

#[tokio::test]
async fn failed_logout_notification_is_retried() {
    let world = World::new().await;
    let (url, mut notifications) = backchannel(vec!["503 Service Unavailable"]).await;
    world.change("https://rp.invalid/backchannel", &url);
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let tokens = tokens(&leaver, &browser, "openid").await;
    leave(&leaver, &browser, &[("id_token_hint", text(&tokens, "id_token"))]).await;
    notifications.recv().await.expect("the first attempt");
    world.app.clock.advance(std::time::Duration::from_secs(6));
    notifications.recv().await.expect("the second");
}

#[tokio::test]
async fn a_session_whose_notification_cannot_be_stored_does_not_end() {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let world = World::over(move |inner| Arc::new(Interleaving { inner, plan: over }) as _).await;
    let (url, mut notifications) = backchannel(vec![]).await;
    world.change("https://rp.invalid/backchannel", &url);
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let tokens = tokens(&leaver, &browser, "openid").await;
    let hint = [("id_token_hint", text(&tokens, "id_token"))];
    *plan.refused.lock().expect("no panic") = Some(RecordKind::Logout);
    assert_eq!(leave(&leaver, &browser, &hint).await.status, 503);
    *plan.refused.lock().expect("no panic") = None;
    assert_eq!(leave(&leaver, &browser, &hint).await.status, 200);
    notifications.recv().await.expect("a notification");
}

#[tokio::test]
async fn failed_notifications_are_counted_until_delivered() {
    let world = World::new().await;
    let (url, mut notifications) = backchannel(vec!["500 Internal Server Error"]).await;
    world.change("https://rp.invalid/backchannel", &url);
    let mut undelivered = world.app.app.accounts.logout_outbox.undelivered();
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let tokens = tokens(&leaver, &browser, "openid").await;
    leave(&leaver, &browser, &[("id_token_hint", text(&tokens, "id_token"))]).await;
    notifications.recv().await.expect("the first attempt");
    let state = undelivered.wait_for(|clients| !clients.is_empty()).await.expect("counted").clone();
    let (client, of_client) = state.first_key_value().expect("one");
    assert_eq!(client.to_string(), "default/leaver");
    assert_eq!((of_client.waiting, of_client.given_up), (1, 0));
    assert_eq!(of_client.last_error.as_deref(), Some("the endpoint returned status 500"));
    world.app.clock.advance(std::time::Duration::from_secs(6));
    notifications.recv().await.expect("the second attempt");
    undelivered.wait_for(|clients| clients.is_empty()).await.expect("counted");
}

#[tokio::test]
async fn refresh_tokens_without_offline_access_end_with_the_session() {
    // OIDC Back-Channel Logout §2.7
    let world = World::new().await;
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let online = tokens(&leaver, &browser, "openid").await;
    let offline = tokens(&leaver, &browser, "openid offline_access").await;
    leave(&leaver, &browser, &[("id_token_hint", text(&online, "id_token"))]).await;
    for (tokens, status) in [(online, 400), (offline, 200)] {
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
        assert_eq!(leaver.token(&form).await.0, status);
    }
}

#[tokio::test]
async fn front_channel_logout_page_frames_each_client_and_links_back() {
    // OIDC Front-Channel Logout §2, §3
    let world = World::new().await;
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let tokens = tokens(&leaver, &browser, "openid").await;
    let hint = text(&tokens, "id_token");
    let parameters = [
        ("id_token_hint", hint),
        ("post_logout_redirect_uri", "https://rp.test/bye"),
        ("state", "s&1"),
    ];
    let page = leave(&leaver, &browser, &parameters).await;
    assert_eq!((page.status, &page.left_for), (200, &None), "{}", page.body);
    let sid = claims(hint)["sid"].as_str().expect("a sid").to_owned();
    let issuer: String =
        form_urlencoded::byte_serialize(world.app.issuer("shop").as_bytes()).collect();
    let frame = format!("https://rp.test/front?a=b&#38;iss={issuer}&#38;sid={sid}");
    assert!(page.body.contains(&format!("<iframe src=\"{frame}\"")), "{}", page.body);
    assert!(page.body.contains("href=\"https://rp.test/bye?state=s%261\""), "{}", page.body);
    // With a script the page goes on as soon as the frames have loaded.
    let refresh = "<noscript><meta http-equiv=\"refresh\" content=\"6;url=https://rp.test/bye?state=s%261\"></noscript>";
    assert!(page.body.contains(refresh), "{}", page.body);
    assert_eq!(page.body.matches("http-equiv").count(), 1, "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.contains("frame-src https://rp.test;"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let page = browser.open(&leaver.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "login_required");
}

#[tokio::test]
async fn logout_without_a_hint_needs_confirmation() {
    // OIDC RP-Initiated Logout §2
    let world = World::new().await;
    let (trusted, browser) = (world.application("leaver").await, world.alice().await);
    let bye = ("post_logout_redirect_uri", "https://rp.test/bye");
    let named = [("client_id", "default.leaver"), bye, ("state", "s")];
    let page = leave(&trusted, &browser, &named).await;
    assert!(page.left_for.is_none() && page.body.contains("Stay signed in"), "{}", page.body);
    let page = browser.submit(&page.form("/oauth/logout"), &[("action", "logout")]).await;
    let left_for = page.left_for.expect("back at the application");
    assert_eq!(left_for.as_str(), "https://rp.test/bye?state=s");
    let again = browser.open(&trusted.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(again.answer()["error"], "login_required");
}

#[tokio::test]
async fn declining_logout_keeps_the_session() {
    let world = World::new().await;
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let page = leave(&leaver, &browser, &[]).await;
    browser.submit(&page.form("/oauth/logout"), &[("action", "stay")]).await;
    let page = browser.open(&leaver.authorize_url("openid", &[("prompt", "none")])).await;
    assert!(page.answer().contains_key("code"));
}

#[tokio::test]
async fn logout_redirects_only_to_registered_uris() {
    // OIDC RP-Initiated Logout §3, §4
    let world = World::new().await;
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let tokens = tokens(&leaver, &browser, "openid").await;
    let hint = text(&tokens, "id_token");
    let altered: String = {
        let (head, signature) = hint.rsplit_once('.').expect("a signature");
        format!("{head}.{}", signature.chars().rev().collect::<String>())
    };
    let bye = ("post_logout_redirect_uri", "https://rp.test/bye");
    for parameters in [
        vec![("id_token_hint", hint), ("post_logout_redirect_uri", "https://rp.test/bye/")],
        vec![("id_token_hint", hint), ("post_logout_redirect_uri", "https://rp.test/bye?x=1")],
        vec![("id_token_hint", altered.as_str()), bye],
        vec![bye],
        vec![("id_token_hint", hint), ("client_id", "default.wiki"), bye],
    ] {
        let page = leave(&leaver, &browser, &parameters).await;
        assert_eq!((page.status, &page.left_for), (400, &None), "{parameters:?}");
    }
    let page = browser.open(&leaver.authorize_url("openid", &[("prompt", "none")])).await;
    assert!(page.answer().contains_key("code"), "the session still exists");
}

#[tokio::test]
async fn hint_of_another_session_needs_confirmation_and_does_not_redirect() {
    let world = World::new().await;
    let leaver = world.application("leaver").await;
    let (first, second) = (world.alice().await, world.alice().await);
    let tokens = tokens(&leaver, &first, "openid").await;
    let hint = ("id_token_hint", text(&tokens, "id_token"));
    let bye = ("post_logout_redirect_uri", "https://rp.test/bye");
    let page = leave(&leaver, &second, &[hint, bye]).await;
    assert!(page.body.contains("Stay signed in"), "{}", page.body);
    let page = second.submit(&page.form("/oauth/logout"), &[("action", "logout")]).await;
    assert!(page.left_for.is_none(), "the client is not confirmed, so there is no redirect");
}

#[tokio::test]
async fn expired_hint_is_accepted() {
    // OIDC RP-Initiated Logout §2
    let world = World::new().await;
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let tokens = tokens(&leaver, &browser, "openid").await;
    world.app.clock.advance(std::time::Duration::from_hours(2));
    leave(&leaver, &browser, &[("id_token_hint", text(&tokens, "id_token"))]).await;
    let page = browser.open(&leaver.authorize_url("openid", &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "login_required");
}

#[tokio::test]
async fn an_application_can_watch_the_session() {
    // OIDC Session Management §2, §3
    let world = World::new().await;
    let (leaver, browser) = (world.application("leaver").await, Browser::new());
    let page = browser.open(&leaver.authorize_url("openid", &[])).await;
    let page = sign_in(&browser, &page, ALICE).await;
    let answer = page.answer();
    let (known, salt) = answer["session_state"].split_once('.').expect("hash and salt");
    let mut set = page.headers.get_all("set-cookie").iter().map(|it| it.to_str().expect("ASCII"));
    let cookie = set.find(|cookie| cookie.starts_with("lanyard-state-")).expect("the cookie");
    assert!(!cookie.contains("HttpOnly"), "the check_session_iframe page reads it: {cookie}");
    let seen = cookie.split(['=', ';']).nth(1).expect("a value");
    let compared = format!("default.leaver https://rp.test {seen} {salt}");
    assert_eq!(known, URL_SAFE_NO_PAD.encode(digest(&SHA256, compared.as_bytes())));
    let frame = browser.open(leaver.endpoint("check_session_iframe")).await;
    assert_eq!(frame.status, 200);
    assert!(frame.headers.get("x-frame-options").is_none());
    let policy = frame.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(!policy.contains("frame-ancestors") && policy.contains("script-src 'self'"));
    let (_, tokens) = leaver.redeem(&answer["code"]).await;
    let hint = ("id_token_hint", text(&tokens, "id_token"));
    let set = leave(&leaver, &browser, &[hint]).await.headers;
    let gone = set.get_all("set-cookie").iter().any(|cookie| {
        let cookie = cookie.to_str().expect("ASCII");
        cookie.starts_with("lanyard-state-") && cookie.contains("Max-Age=0")
    });
    assert!(gone, "logout deletes the state cookie");
}
