//! The fixture of these tests: clients that ask, and the people who answer on the account page.

use std::time::Duration;

use serde_json::Value;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page},
};

pub const ALICE: (&str, &str) = ("alice", "correct horse");
pub const BOB: (&str, &str) = ("bob", "battery staple");
pub const MANIFESTS: &str = include_str!("manifests.yaml");
pub const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
const ENDPOINT: &str = "backchannel_authentication_endpoint";

/// The server under test, with the manifests of the backchannel authentication tests.
pub struct World {
    pub app: TestApp,
}

impl World {
    pub async fn new() -> Self {
        Self { app: TestApp::start(MANIFESTS).await }
    }

    /// Serves the manifests with one replacement.
    pub fn change(&self, from: &str, to: &str) {
        assert!(MANIFESTS.contains(from), "{from} is not in the manifests");
        self.app.serve(&MANIFESTS.replace(from, to));
    }

    /// Moves the clock by 5 s, after which a client may poll again.
    pub fn wait(&self) {
        self.app.clock.advance(Duration::from_secs(5));
    }

    /// A client; `bank-elsewhere` is of the tenant `other`.
    pub async fn application(&self, name: &str) -> Application {
        let tenant = if name.ends_with("-elsewhere") { "other" } else { "shop" };
        let secret = Some("a secret of at least thirty-two characters");
        let id = format!("default.{name}");
        Application::discover(&self.app.issuer(tenant), &id, secret, "https://rp.test/cb").await
    }

    /// A browser in which a person is signed in.
    pub async fn signed_in(&self, who: (&str, &str)) -> Browser {
        let (web, browser) = (self.application("web").await, Browser::new());
        let answer = web.sign_in(&browser, &web.authorize_url("openid", &[]), who).await;
        assert!(answer.contains_key("code"), "{answer:?}");
        browser
    }

    /// The account page of the tenant `shop`.
    pub fn account(&self) -> String {
        format!("{}/account", self.app.issuer("shop"))
    }
}

/// Asks a person; returns status and body.
pub async fn ask(application: &Application, more: &[(&str, &str)]) -> (u16, Value) {
    let response = application.post(ENDPOINT, more).await;
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

/// Asks Alice for a sign-in.
pub async fn ask_alice(application: &Application, more: &[(&str, &str)]) -> Value {
    let mut sent = vec![("login_hint", "alice")];
    if !more.iter().any(|(name, _)| *name == "scope") {
        sent.push(("scope", "openid"));
    }
    sent.extend(more);
    let (status, asked) = ask(application, &sent).await;
    assert_eq!(status, 200, "{asked}");
    asked
}

/// Polls; returns status and body.
pub async fn poll(application: &Application, asked: &Value) -> (u16, Value) {
    let id = text(asked, "auth_req_id");
    application.token(&[("grant_type", GRANT_TYPE), ("auth_req_id", id)]).await
}

/// A string member. Panics if it is missing.
pub fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Asserts an error (RFC 6749 §5.2, CIBA Core §13).
pub fn assert_error(answer: &(u16, Value), error: &str) {
    assert_eq!((answer.0, answer.1["error"].as_str()), (400, Some(error)), "{}", answer.1);
    assert!(text(&answer.1, "error_description").ends_with('.'), "{}", answer.1);
}

/// The ids of the requests that the account page lists, in its order.
pub fn waiting(page: &Page) -> Vec<String> {
    let ids = page.body.split("name=\"request\" value=\"").skip(1);
    ids.map(|rest| rest.split('"').next().expect("an id").to_owned()).collect()
}

/// Opens the account page, and from there the question of the oldest request.
pub async fn open_question(world: &World, browser: &Browser) -> Page {
    let account = browser.open(&world.account()).await;
    let ids = waiting(&account);
    let id = ids.first().unwrap_or_else(|| panic!("nothing waits: {}", account.body));
    browser.submit(&account.form("/account"), &[("request", id)]).await
}

/// Submits the page of a request with the button `allow` or `deny`; returns the next page.
pub async fn answer(browser: &Browser, page: &Page, action: &str) -> Page {
    browser.submit(&page.form("/consent"), &[("action", action)]).await
}

/// Signs in on the sign-in page.
pub async fn sign_in(browser: &Browser, page: &Page, who: (&str, &str)) -> Page {
    let fields = [("username", who.0), ("password", who.1), ("action", "sign-in")];
    browser.submit(&page.form("/login"), &fields).await
}

/// Whether a page asks whether to allow a request.
pub fn is_question(page: &Page) -> bool {
    page.left_for.is_none()
        && page.body.contains("value=\"allow\"")
        && page.body.contains("asks for your confirmation")
}

/// Allows the oldest request, by a person who is signed in.
pub async fn allow(world: &World, browser: &Browser) {
    let page = open_question(world, browser).await;
    assert!(is_question(&page), "{}", page.body);
    let page = answer(browser, &page, "allow").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("You allowed the request."), "{}", page.body);
}
