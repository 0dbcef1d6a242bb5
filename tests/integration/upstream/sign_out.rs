//! The sign-out at the provider after that here (OIDC RP-Initiated Logout).

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use url::Url;

use super::{
    app::TestApp,
    attacks::PROVIDERS,
    browser::{Browser, Page},
    upstream::Script,
    world::{ADA, LOGOUT, SignedIn, World, application, sign_in, tokens, with_application},
};

const SCOPES: &str = "openid profile email groups";
const UPSTREAM: &str = "logout: Upstream";
const BYE: &str = "https://rp.test/bye";

/// The metadata of a provider at which people sign out.
fn with_sign_out(script: &mut Script) {
    script.metadata = json!({"end_session_endpoint": "https://login.test/out?a=1"});
    script.id_token = json!({"sid": "there"});
}

impl World {
    /// A world in which a person is signed in.
    async fn signed_in(field: &str, change: impl FnOnce(&mut Script)) -> (Self, SignedIn) {
        let world = Self::with(field).await;
        world.upstream.answers(change);
        let person = world.sign_in(SCOPES).await;
        (world, person)
    }

    /// The URL by which the application signs a person out; `hinted`: with the person's ID token.
    async fn leave_url(&self, person: &SignedIn, hinted: bool) -> String {
        let application = application(&self.app).await;
        let hint = person.tokens["id_token"].as_str().expect("one");
        let mut url = Url::parse(application.endpoint("end_session_endpoint")).expect("a URL");
        url.query_pairs_mut()
            .append_pair("client_id", "default.app")
            .append_pair("post_logout_redirect_uri", BYE)
            .append_pair("state", "x y");
        if hinted {
            url.query_pairs_mut().append_pair("id_token_hint", hint);
        }
        url.into()
    }

    async fn leave(&self, person: &SignedIn) -> Page {
        person.browser.open(&self.leave_url(person, true).await).await
    }

    /// The page at which the provider sends a browser back, with a state.
    async fn return_with(&self, browser: &Browser, state: Option<&str>) -> Page {
        let mut url =
            Url::parse(&format!("{}/logged-out", self.app.issuer("main"))).expect("a URL");
        if let Some(state) = state {
            url.query_pairs_mut().append_pair("state", state);
        }
        browser.open(url.as_str()).await
    }
}

/// The parameters of a sign-out request to the provider.
fn request(url: &Url) -> BTreeMap<String, String> {
    assert!(url.as_str().starts_with("https://login.test/out?a=1&"), "{url}");
    url.query_pairs().into_owned().collect()
}

/// The URL at which a page goes on by itself.
fn onward(page: &Page) -> Url {
    let link = page.body.split("id=\"continue\" href=\"").nth(1).unwrap_or_else(|| {
        panic!("{} {}", page.status, page.body);
    });
    let link = link.split('"').next().expect("a link").replace("&#38;", "&").replace("&amp;", "&");
    Url::parse(&link).expect("a URL")
}

fn assert_is_signed_out_page(page: &Page) {
    assert_eq!((page.status, &page.left_for), (200, &None), "{}", page.body);
    assert!(page.body.contains("You are signed out"), "{}", page.body);
}

#[tokio::test]
async fn a_sign_out_continues_at_the_provider_and_returns_to_the_application_once() {
    let (world, ada) = World::signed_in(UPSTREAM, with_sign_out).await;
    let mut notifications = world.app.receive(LOGOUT);
    let page = world.leave(&ada).await;
    let asked = request(page.left_for.as_ref().expect("a redirect to the provider"));
    assert!(!world.has_session(&ada, SCOPES).await, "the session here has ended by then");
    notifications.recv().await.expect("so the application is told");
    let hint = super::browser::claims(&asked["id_token_hint"]);
    assert_eq!((&hint["aud"], &hint["sid"]), (&json!("lanyard"), &json!("there")));
    assert_eq!(asked["client_id"], "lanyard");
    let back = format!("{}/logged-out", world.app.issuer("main"));
    assert_eq!(asked["post_logout_redirect_uri"], back);
    assert!(!asked["state"].contains("rp.test"), "the state is sealed");
    // Another browser, a forged state and a missing state lead nowhere.
    let state = asked["state"].as_str();
    assert_is_signed_out_page(&world.return_with(&Browser::new(), Some(state)).await);
    let forged = format!("{}AA", &state[..state.len() - 2]);
    for other in [None, Some(""), Some("https://evil.test/"), Some(forged.as_str())] {
        assert_is_signed_out_page(&world.return_with(&ada.browser, other).await);
    }
    let page = world.return_with(&ada.browser, Some(state)).await;
    assert_eq!(page.left_for.expect("a redirect").as_str(), "https://rp.test/bye?state=x+y");
    // A second use.
    assert_is_signed_out_page(&world.return_with(&ada.browser, Some(state)).await);
}

#[tokio::test]
async fn a_state_expires() {
    let (world, ada) = World::signed_in(UPSTREAM, with_sign_out).await;
    let asked = request(&world.leave(&ada).await.left_for.expect("a redirect"));
    world.app.clock.advance(Duration::from_mins(17));
    assert_is_signed_out_page(&world.return_with(&ada.browser, Some(&asked["state"])).await);
}

/// CSP `form-action` would judge the redirects of the provider.
#[tokio::test]
async fn a_confirmed_sign_out_leads_on_by_a_page() {
    let (world, ada) = World::signed_in(UPSTREAM, with_sign_out).await;
    let page = ada.browser.open(&world.leave_url(&ada, false).await).await;
    let form = page.form("/logout");
    // The second tab asks too.
    let tab = ada.browser.open(&world.leave_url(&ada, false).await).await.form("/logout");
    let page = ada.browser.submit(&form, &[("action", "logout")]).await;
    assert_eq!((page.status, &page.left_for), (200, &None), "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(
        page.body.contains("You are being signed out of Acme &#60;b&#62;staff"),
        "{}",
        page.body
    );
    let asked = request(&onward(&page));
    // The session has ended by then, so the second tab goes to the application at once. The first one
    // finds its way back nevertheless.
    let page = ada.browser.submit(&tab, &[("action", "logout")]).await;
    assert_eq!(page.left_for.expect("a redirect").as_str(), "https://rp.test/bye?state=x+y");
    let page = world.return_with(&ada.browser, Some(&asked["state"])).await;
    assert_eq!(page.left_for.expect("a redirect").as_str(), "https://rp.test/bye?state=x+y");
}

/// A sign-out that no application asks for ends at the issuer's own page.
#[tokio::test]
async fn the_sign_out_of_the_issuer_itself_continues_at_the_provider() {
    let (world, ada) = World::signed_in(UPSTREAM, with_sign_out).await;
    let url = format!("{}/oauth/logout", world.app.issuer("main"));
    let page = ada.browser.open(&url).await;
    let page = ada.browser.submit(&page.form("/logout"), &[("action", "logout")]).await;
    let asked = request(&onward(&page));
    assert!(asked.contains_key("id_token_hint") && !asked.contains_key("state"), "{asked:?}");
    assert_is_signed_out_page(&world.return_with(&ada.browser, None).await);
}

#[tokio::test]
async fn the_frames_of_applications_come_before_the_provider() {
    let (world, ada) = World::signed_in(UPSTREAM, with_sign_out).await;
    let framed = "consent: Implied\n  frontchannelLogoutUri: https://rp.test/frame";
    let manifests = with_application(&PROVIDERS.replace("UPSTREAM", &world.upstream.issuer));
    let manifests = manifests.replacen("# RULES", UPSTREAM, 1);
    world.app.serve(&manifests.replacen("consent: Implied", framed, 1));
    let page = world.leave(&ada).await;
    assert!(page.body.contains("<iframe src=\"https://rp.test/frame\""), "{}", page.body);
    assert!(request(&onward(&page)).contains_key("state"));
}

/// The page informs the person, and then leads back to the application.
#[tokio::test]
async fn a_provider_without_a_sign_out_leaves_a_page_that_says_so() {
    let (world, ada) = World::signed_in(UPSTREAM, |_| {}).await;
    // Another replica has no discovery document yet, and gets none.
    let (other, mut eve) = World::signed_in(UPSTREAM, with_sign_out).await;
    let replica = other.app.start_replica();
    eve.browser.reach(replica.address.port());
    other.upstream.answers(|script| script.metadata = json!({"token_endpoint": null}));
    for (world, person) in [(&world, &ada), (&other, &eve)] {
        let page = world.leave(person).await;
        assert_eq!((page.status, &page.left_for), (200, &None), "{}", page.body);
        for text in [
            "You are signed out here",
            "You may still be signed in at Acme",
            "<a href=\"https://rp.test/bye?state=x+y\"",
        ] {
            assert!(page.body.contains(text), "{}", page.body);
        }
        assert!(!page.body.contains("id=\"continue\""), "{}", page.body);
        assert!(!world.has_session(person, SCOPES).await);
    }
}

#[tokio::test]
async fn a_sign_out_is_local_by_default_and_once_the_provider_is_deleted() {
    let (world, ada) = World::signed_in("logout: Local", with_sign_out).await;
    let page = world.leave(&ada).await;
    assert_eq!(page.left_for.expect("a redirect").as_str(), "https://rp.test/bye?state=x+y");
    let (world, ada) = World::signed_in(UPSTREAM, with_sign_out).await;
    let asked = request(&world.leave(&ada).await.left_for.expect("a redirect"));
    // A browser that has left already still returns.
    world.app.serve(&with_application(""));
    let page = world.return_with(&ada.browser, Some(&asked["state"])).await;
    assert_eq!(page.left_for.expect("a redirect").as_str(), "https://rp.test/bye?state=x+y");
    // Between the question and the answer.
    let (world, ada) = World::signed_in(UPSTREAM, with_sign_out).await;
    let page = ada.browser.open(&world.leave_url(&ada, false).await).await;
    let form = page.form("/logout");
    world.app.serve(&with_application(""));
    let page = ada.browser.submit(&form, &[("action", "logout")]).await;
    assert_eq!(page.left_for.expect("a redirect").as_str(), "https://rp.test/bye?state=x+y");
}

/// The ID token of a provider whose object has another issuer by now is not sent there.
#[tokio::test]
async fn no_id_token_is_sent_to_a_provider_with_another_issuer() {
    let (world, ada) = World::signed_in(UPSTREAM, with_sign_out).await;
    let manifests = with_application(&PROVIDERS.replace("UPSTREAM", "https://new.test"));
    world.app.serve(&manifests.replacen("# RULES", UPSTREAM, 1));
    let page = world.leave(&ada).await;
    assert!(page.body.contains("You may still be signed in at Acme"), "{}", page.body);
    assert!(!page.body.contains("new.test") && !page.body.contains("login.test"), "{}", page.body);
}

#[tokio::test]
async fn a_long_id_token_is_left_out_of_the_url() {
    let (world, ada) = World::signed_in(UPSTREAM, |script| {
        with_sign_out(script);
        script.id_token = json!({"padding": "x".repeat(6 * 1024)});
    })
    .await;
    let asked = request(&world.leave(&ada).await.left_for.expect("a redirect"));
    assert!(!asked.contains_key("id_token_hint") && asked["client_id"] == "lanyard");
}

/// Nothing is registered at the other tenant but the client.
#[tokio::test]
async fn the_sessions_at_both_tenants_end() {
    let manifests = include_str!("client_ref.yaml");
    let manifests =
        manifests.replacen("  admit: Everyone", "  admit: Everyone\n  logout: Upstream", 1);
    let app = TestApp::start(&manifests).await;
    let (application, browser) = (application(&app).await, Browser::new());
    let url = application.authorize_url(SCOPES, &[]);
    let page = sign_in(&browser, &browser.open(&url).await, ADA).await;
    let tokens = tokens(&app, &page).await;
    let hint = tokens["id_token"].as_str().expect("one");
    let parameters = [("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "1")];
    let leave = Url::parse_with_params(application.endpoint("end_session_endpoint"), parameters);
    let page = browser.open(leave.expect("a URL").as_str()).await;
    let left_for = page.left_for.unwrap_or_else(|| panic!("{} {}", page.url, page.body));
    assert_eq!(left_for.as_str(), "https://rp.test/bye?state=1");
    // The other tenant asks for the password again.
    let page = browser.open(&url).await;
    assert!(page.url.path().starts_with("/default/home/"), "{}", page.url);
    assert!(page.body.contains("type=\"password\""), "{}", page.body);
}
