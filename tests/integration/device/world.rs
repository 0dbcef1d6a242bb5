//! The fixture of these tests: devices, and the people who let them in.

use std::time::Duration;

use serde_json::Value;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page},
};

pub const ALICE: (&str, &str) = ("alice", "correct horse");
pub const BOB: (&str, &str) = ("bob", "battery staple");
pub const MANIFESTS: &str = include_str!("manifests.yaml");
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The server under test, with the manifests of the device authorization tests.
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

    /// Moves the clock by 5 s, after which a device may poll again.
    pub fn wait(&self) {
        self.app.clock.advance(Duration::from_secs(5));
    }

    /// A client; `tv-elsewhere` is of the tenant `other`.
    pub async fn application(&self, name: &str) -> Application {
        let tenant = if name.ends_with("-elsewhere") { "other" } else { "shop" };
        let secret = ["cli", "web"].contains(&name);
        let secret = secret.then_some("a secret of at least thirty-two characters");
        let id = format!("default.{name}");
        Application::discover(&self.app.issuer(tenant), &id, secret, "https://rp.test/cb").await
    }

    /// The page for codes of the tenant `shop`.
    pub fn page(&self) -> String {
        format!("{}/device", self.app.issuer("shop"))
    }

    /// A browser in which a person is signed in.
    pub async fn signed_in(&self, who: (&str, &str)) -> Browser {
        let (web, browser) = (self.application("web").await, Browser::new());
        let answer = web.sign_in(&browser, &web.authorize_url("openid", &[]), who).await;
        assert!(answer.contains_key("code"), "{answer:?}");
        browser
    }
}

/// Asks for codes; returns status and body.
pub async fn ask(application: &Application, more: &[(&str, &str)]) -> (u16, Value) {
    let response = application.post("device_authorization_endpoint", more).await;
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

/// The codes of a new request.
pub async fn codes(application: &Application, scope: &str) -> Value {
    let (status, codes) = ask(application, &[("scope", scope)]).await;
    assert_eq!(status, 200, "{codes}");
    codes
}

/// Polls; returns status and body.
pub async fn poll(application: &Application, codes: &Value) -> (u16, Value) {
    let code = text(codes, "device_code");
    application.token(&[("grant_type", GRANT_TYPE), ("device_code", code)]).await
}

/// A string member. Panics if it is missing.
pub fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Asserts an error of the token endpoint (RFC 6749 §5.2).
pub fn assert_error(answer: &(u16, Value), error: &str) {
    assert_eq!((answer.0, answer.1["error"].as_str()), (400, Some(error)), "{}", answer.1);
    assert!(text(&answer.1, "error_description").ends_with('.'), "{}", answer.1);
}

/// Types a code on the page.
pub async fn type_code(browser: &Browser, url: &str, code: &str) -> Page {
    let page = browser.open(url).await;
    browser.submit(&page.form("/device"), &[("user_code", code)]).await
}

/// Signs in on the sign-in page.
pub async fn sign_in(browser: &Browser, page: &Page, who: (&str, &str)) -> Page {
    let fields = [("username", who.0), ("password", who.1), ("action", "sign-in")];
    browser.submit(&page.form("/login"), &fields).await
}

/// Answers the consent page.
pub async fn answer(browser: &Browser, page: &Page, action: &str) -> Page {
    browser.submit(&page.form("/consent"), &[("action", action)]).await
}

/// Whether a page asks whether to let a device in.
pub fn is_question(page: &Page) -> bool {
    page.left_for.is_none()
        && page.body.contains("value=\"allow\"")
        && page.body.contains("It must show this code:")
}

/// Lets a device in, by a person who is signed in.
pub async fn allow(world: &World, browser: &Browser, codes: &Value) {
    let page = type_code(browser, &world.page(), text(codes, "user_code")).await;
    let page = answer(browser, &page, "allow").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("The device has access"), "{}", page.body);
}
