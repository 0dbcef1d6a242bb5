//! Attacks on the pages, in the browser of the user who is attacked.

use serde_json::json;

use super::{
    tab::Tab,
    world::{ALICE, World, fill_in, param},
};

const MARKUP: &str = "\"'></title></textarea><script>alert(1)</script><img src=x onerror=alert(1)>";

/// Asserts that a page contains no markup of an attacker and that the CSP had nothing to block.
async fn harmless(tab: &Tab, what: &str) {
    let markup = "location.hostname === 'localhost' ? 0 : \
                  document.querySelectorAll('img[onerror], script:not([src]), [onload]').length";
    assert_eq!(tab.eval(markup).await, 0, "{what}");
    assert!(tab.events("Page.javascriptDialogOpening").is_empty(), "{what}");
    assert_eq!(tab.violations(), Vec::<String>::new(), "{what}: the CSP had to block something");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_parameters_are_escaped_on_every_page() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    for name in ["login_hint", "state", "ui_locales", "claims_locales", "acr_values", "display"] {
        tab.goto(&world.authorize("hostile", &[(name, MARKUP)])).await;
        harmless(&tab, name).await;
    }
    for name in ["client_id", "redirect_uri", "response_type", "scope", "prompt", "request"] {
        tab.goto(&world.authorize("plain", &[(name, MARKUP)])).await;
        harmless(&tab, name).await;
    }
    let logouts =
        ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint"];
    for name in logouts {
        tab.goto(&world.logout(&[(name, MARKUP)])).await;
        harmless(&tab, name).await;
    }
    // The fields of a form post, on the page that carries them.
    let changes = [("state", MARKUP), ("response_mode", "form_post"), ("prompt", "none")];
    tab.without_scripts().await;
    tab.goto(&world.authorize("plain", &changes)).await;
    harmless(&tab, "form_post").await;
    assert_eq!(tab.eval("document.forms[0].elements.state.value").await, MARKUP);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_a_client_is_escaped_on_every_page() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    tab.goto(&world.authorize("hostile", &[("login_hint", MARKUP)])).await;
    harmless(&tab, "sign-in").await;
    assert!(tab.shown().await.contains("<script>alert(2)</script>"), "the name is escaped");
    assert_eq!(tab.eval("document.getElementById('username').value").await, MARKUP);
    fill_in(&tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    tab.until("document.querySelector('button[value=allow]')").await;
    harmless(&tab, "consent").await;
    tab.goto(&world.logout(&[("client_id", "default.hostile")])).await;
    tab.sees("Sign out?").await;
    harmless(&tab, "logout").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_with_forms_cannot_be_framed() {
    // Clickjacking (RFC 9700 §4.16)
    let Some(world) = World::secure().await else { return };
    let tab = world.person().await;
    world.signs_in(&tab, "plain").await;
    for url in [
        world.authorize("plain", &[("prompt", "login")]),
        world.authorize("plain", &[("prompt", "select_account")]),
        world.authorize("asks", &[]),
        world.logout(&[]),
        world.authorize("nobody", &[]),
    ] {
        let before = stopped(&tab);
        tab.goto(&world.elsewhere.framing(&url)).await;
        tab.until("frames.length === 1").await;
        assert!(stopped(&tab) > before, "{url} may be framed: {:?}", tab.violations());
    }
}

fn stopped(tab: &Tab) -> usize {
    let is_about_frames = |it: &&String| it.contains("frame-ancestors") || it.contains("X-Frame");
    tab.violations().iter().filter(is_about_frames).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_sites_cannot_sign_in_consent_or_sign_out() {
    // CSRF: the forms contain interactions and logout requests of a session of the attacker
    let Some(world) = World::secure().await else { return };
    let (mallory, tab) = (world.person().await, world.person().await);
    world.signs_in(&mallory, "plain").await;
    world.signs_in(&tab, "plain").await;
    let issuer = world.app.issuer("shop");
    let pages = [
        (world.authorize("plain", &[("prompt", "login")]), "login", "sign-in"),
        (world.authorize("asks", &[]), "consent", "allow"),
        (world.logout(&[]), "oauth/logout", "logout"),
    ];
    for (url, path, action) in pages {
        mallory.goto(&url).await;
        let (name, value) = hidden(&mallory).await;
        let form = format!(
            "<form method=post action=\"{issuer}/{path}\"><input name={name} value=\"{value}\">\
             <input name=action value={action}><input name=username value={}>\
             <input name=password value=\"{}\"></form><script>document.forms[0].submit()</script>",
            ALICE.0, ALICE.1
        );
        tab.ask("Page.navigate", json!({"url": world.elsewhere.page(&form)})).await;
        tab.arrives(&issuer).await;
        // The reason is for developers, and folded.
        let text = tab.eval("document.body.textContent").await;
        assert!(text.as_str().is_some_and(|it| it.contains("sent from another site")), "{text}");
    }
    tab.goto(&world.authorize("plain", &[("prompt", "none")])).await;
    assert!(!param(&tab.url().await, "code").is_empty(), "Alice is still signed in");
}

async fn hidden(tab: &Tab) -> (String, String) {
    let found = tab.eval("[...document.querySelectorAll('input[type=hidden]')].map(it => [it.name, it.value])[0]").await;
    let text = |at: usize| found[at].as_str().expect("text").to_owned();
    (text(0), text(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_request_from_another_site_asks_the_user() {
    let Some(world) = World::secure().await else { return };
    let tab = world.person().await;
    world.signs_in(&tab, "plain").await;
    let url = format!("{}/oauth/logout", world.app.issuer("shop"));
    let form = format!(
        "<form method=post action=\"{url}\"></form><script>document.forms[0].submit()</script>"
    );
    tab.ask("Page.navigate", json!({"url": world.elsewhere.page(&form)})).await;
    tab.sees("Sign out?").await;
    tab.goto(&world.authorize("plain", &[("prompt", "none")])).await;
    assert!(!param(&tab.url().await, "code").is_empty(), "Alice is still signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_session_is_invalid_after_sign_in() {
    // Session fixation
    let Some(world) = World::new().await else { return };
    let (mallory, tab) = (world.person().await, world.person().await);
    world.signs_in(&mallory, "plain").await;
    let planted = cookies(&mallory, &world.app.origin).await;
    for (name, value) in &planted {
        let cookie = json!({"url": world.app.origin, "name": name, "value": value});
        tab.ask("Network.setCookie", cookie).await;
    }
    tab.goto(&world.authorize("plain", &[("prompt", "login")])).await;
    fill_in(&tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    tab.arrives(&world.at("/cb")).await;
    let session = |all: &[(String, String)]| {
        let found = all.iter().find(|(name, _)| name.contains("session"));
        found.expect("a session").1.clone()
    };
    assert_ne!(
        session(&planted),
        session(&cookies(&tab, &world.app.origin).await),
        "a new session"
    );
    mallory.goto(&world.authorize("plain", &[("prompt", "none")])).await;
    assert_eq!(
        param(&mallory.url().await, "error"),
        "login_required",
        "the planted session has ended"
    );
}

async fn cookies(tab: &Tab, url: &str) -> Vec<(String, String)> {
    let all = tab.ask("Network.getCookies", json!({"urls": [url]})).await;
    let pair = |it: &serde_json::Value| {
        let text = |name: &str| it[name].as_str().expect("text").to_owned();
        (text("name"), text("value"))
    };
    all["cookies"].as_array().expect("a list").iter().map(pair).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_redirects_only_to_registered_uris() {
    // Open redirect (OIDC RP-Initiated Logout §3)
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    let registered = world.at("/bye");
    for elsewhere in [
        world.at("/page?body=phish"),
        format!("{registered}/"),
        format!("{registered}?a=b"),
        format!("{registered}@evil.test/"),
        "//evil.test/bye".to_owned(),
        "javascript:alert(1)".to_owned(),
    ] {
        for client in ["default.plain", "default.nobody"] {
            world.signs_in(&tab, "plain").await;
            let ask = [("client_id", client), ("post_logout_redirect_uri", elsewhere.as_str())];
            tab.goto(&world.logout(&ask)).await;
            let button = "document.querySelector('button[value=logout]')";
            if tab.eval(&format!("!!{button}")).await == true {
                tab.click("button[value=logout]").await;
                tab.sees("You are signed out").await;
            }
            let here = tab.url().await;
            assert!(here.starts_with(&world.app.origin), "{elsewhere} led to {here}");
            tab.ask("Network.clearBrowserCookies", json!({})).await;
        }
    }
}
