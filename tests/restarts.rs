//! What a kill costs with the embedded store: nothing that was acknowledged, and nothing spent
//! comes back.

#[path = "common/browser.rs"]
mod browser;
#[path = "common/lanyard.rs"]
mod lanyard;

use std::path::Path;

use browser::{Application, Browser};
use lanyard::Dev;

const ADA: (&str, &str) = ("ada", "correct horse battery staple");
const SCOPE: &str = "openid email offline_access";

async fn demo(dev: &Dev) -> Application {
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let callback = format!("{}/_lanyard/demo/callback", dev.registered_base_url);
    let secret = dev.client_secret("demo");
    Application::discover(&issuer, "default.demo", Some(&secret), &callback).await
}

async fn refresh(app: &Application, token: &str) -> (u16, serde_json::Value) {
    app.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_keeps_sessions_and_refresh_tokens_and_spent_codes_spent() {
    let mut dev = Dev::start(Path::new("examples/quickstart"));
    dev.awaits("Open  ").await;
    let (app, browser) = (demo(&dev).await, Browser::new());
    let code = app.sign_in(&browser, &app.authorize_url(SCOPE, &[]), ADA).await["code"].clone();
    let (status, tokens) = app.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    let kept =
        app.sign_in(&Browser::new(), &app.authorize_url(SCOPE, &[]), ADA).await["code"].clone();
    let (_, other) = app.redeem(&kept).await;

    dev.restart();
    dev.awaits("Open  ").await;

    let page = browser.open(&app.authorize_url(SCOPE, &[("prompt", "none")])).await;
    assert!(page.answer().contains_key("code"), "the session is gone: {:?}", page.left_for);
    let token = other["refresh_token"].as_str().expect("a refresh token");
    let (status, renewed) = refresh(&app, token).await;
    assert_eq!(status, 200, "{renewed}");
    let (status, answer) = app.userinfo(other["access_token"].as_str().expect("a token")).await;
    assert_eq!(status, 200, "{answer}");

    let (status, refused) = app.redeem(&code).await;
    assert_eq!((status, refused["error"].as_str()), (400, Some("invalid_grant")), "{refused}");
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    let (status, refused) = refresh(&app, token).await;
    assert_eq!(status, 400, "a code that is sent twice ends its grant: {refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_state_is_refused() {
    let dev = Dev::start(Path::new("examples/quickstart"));
    dev.awaits("Open  ").await;
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args(["dev", "examples/quickstart", "--listen", "127.0.0.1:1"])
        .args(["--store-path", &dev.state_file("store.redb").display().to_string()])
        .args(["--state", &tempfile::tempdir().expect("a folder").path().display().to_string()])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success(), "{said}");
    assert!(said.contains("is in use by another process"), "{said}");
}
