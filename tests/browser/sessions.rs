//! Sessions as applications and browsers see them: frames, third-party cookies, and signing out.

use serde_json::json;

use super::{
    tab::Tab,
    world::{ALICE, World, fill_in, param},
};

/// The last message that a page of another site received from its frame.
async fn last_message(tab: &Tab) -> (String, String) {
    tab.until("window.heard?.length").await;
    let last = tab.eval("heard[heard.length - 1]").await;
    let text = |at: usize| last[at].as_str().expect("text").to_owned();
    (text(0), text(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_none_in_a_frame_of_another_site_finds_the_session() {
    // OIDC Core §3.1.2.1, prompt=none
    let Some(world) = World::secure().await else { return };
    let tab = world.person().await;
    let silent = world.elsewhere.framing(&world.authorize("plain", &[("prompt", "none")]));
    tab.goto(&silent).await;
    let (_, answer) = last_message(&tab).await;
    assert_eq!(param(&answer, "error"), "login_required", "no user is signed in");
    world.signs_in(&tab, "plain").await;
    tab.goto(&silent).await;
    let (_, answer) = last_message(&tab).await;
    assert!(!param(&answer, "code").is_empty());
    assert_eq!(param(&answer, "state"), "a-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_blocks_third_party_cookies_gets_login_required() {
    let Some(world) = World::dropping().await else { return };
    let tab = world.person().await;
    world.signs_in(&tab, "plain").await;
    let silent = world.authorize("plain", &[("prompt", "none")]);
    tab.goto(&silent).await;
    assert!(!param(&tab.url().await, "code").is_empty(), "the site itself has its cookies");
    tab.goto(&world.elsewhere.framing(&silent)).await;
    let (_, answer) = last_message(&tab).await;
    assert_eq!(param(&answer, "error"), "login_required");
    assert_eq!(param(&answer, "state"), "a-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_frame_reports_changes_to_an_application() {
    // OIDC Session Management §3.2
    let Some(world) = World::secure().await else { return };
    let tab = world.person().await;
    let state = param(&world.signs_in(&tab, "plain").await, "session_state");
    let watcher = tab.another().await;
    let check = format!("{}/oauth/check-session", world.app.issuer("shop"));
    watcher.goto(&world.elsewhere.framing(&check)).await;
    assert_eq!(ask(&watcher, &format!("default.plain {state}")).await, "unchanged");
    assert_eq!(ask(&watcher, &format!("default.wiki {state}")).await, "changed");
    for rubbish in ["", "rubbish", "default.plain a b", "default.plain no-dot"] {
        assert_eq!(ask(&watcher, rubbish).await, "error", "{rubbish}");
    }
    tab.goto(&world.logout(&[])).await;
    tab.click("button[value=logout]").await;
    tab.sees("You are signed out").await;
    assert_eq!(ask(&watcher, &format!("default.plain {state}")).await, "changed");
    assert_eq!(watcher.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_frame_without_access_to_the_cookie_reports_an_error() {
    // Session Management §3.2: after "error" an application does not conclude that the user signed out
    let Some(world) = World::dropping().await else { return };
    let tab = world.person().await;
    let state = param(&world.signs_in(&tab, "plain").await, "session_state");
    let check = format!("{}/oauth/check-session", world.app.issuer("shop"));
    tab.goto(&world.elsewhere.framing(&check)).await;
    assert_eq!(ask(&tab, &format!("default.plain {state}")).await, "error");
}

/// Posts a message to the session frame and returns its answer.
async fn ask(tab: &Tab, question: &str) -> String {
    let question = json!(question);
    tab.eval(&format!("heard = []; frames[0].postMessage({question}, '*')")).await;
    last_message(tab).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_loads_each_front_channel_frame_and_then_redirects() {
    // OIDC Front-Channel Logout §3, RP-Initiated Logout §3
    let Some(world) = World::secure().await else { return };
    let tab = world.person().await;
    world.signs_in(&tab, "wiki").await;
    let back = world.at("/bye");
    let ask = [
        ("client_id", "default.wiki"),
        ("post_logout_redirect_uri", back.as_str()),
        ("state", "bye"),
    ];
    tab.goto(&world.logout(&ask)).await;
    tab.sees("Sign out?").await;
    assert!(tab.shown().await.contains("Team Wiki asks to sign you out."));
    tab.click("button[value=logout]").await;
    let arrived = tab.arrives(&world.at("/bye")).await;
    assert_eq!(param(&arrived, "state"), "bye");
    let frames = world.elsewhere.asked("GET /front?");
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert!(frames[0].contains("iss=") && frames[0].contains("sid="), "{frames:?}");
    assert_eq!(tab.violations(), Vec::<String>::new());
    tab.goto(&world.authorize("wiki", &[("prompt", "none")])).await;
    assert_eq!(param(&tab.url().await, "error"), "login_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_redirects_without_scripts_too() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    world.signs_in(&tab, "wiki").await;
    tab.without_scripts().await;
    let back = world.at("/bye");
    let ask = [("client_id", "default.wiki"), ("post_logout_redirect_uri", back.as_str())];
    tab.goto(&world.logout(&ask)).await;
    tab.click("button[value=logout]").await;
    tab.sees("You are signed out").await;
    tab.click("#continue").await;
    tab.arrives(&back).await;
    assert_eq!(world.elsewhere.asked("GET /front?").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_declines_to_sign_out_stays_signed_in() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    world.signs_in(&tab, "plain").await;
    tab.goto(&world.logout(&[])).await;
    tab.click("button[value=stay]").await;
    tab.until("location.pathname.endsWith('/logout') && !document.forms.length").await;
    tab.goto(&world.authorize("plain", &[("prompt", "none")])).await;
    assert!(!param(&tab.url().await, "code").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_after_signing_out_shows_no_user() {
    // no-store keeps a page out of the cache that the Back button uses
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    world.signs_in(&tab, "plain").await;
    tab.goto(&world.authorize("plain", &[("prompt", "select_account")])).await;
    assert!(tab.shown().await.contains("Alice Rivera"), "the page names her");
    tab.goto(&world.logout(&[])).await;
    tab.click("button[value=logout]").await;
    tab.sees("You are signed out").await;
    tab.back().await;
    assert!(!tab.shown().await.contains("Alice"), "{}", tab.shown().await);
    tab.back().await;
    assert!(!tab.shown().await.contains("Alice"), "{}", tab.shown().await);
    fill_in(&tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    tab.arrives(&world.at("/cb")).await;
}
