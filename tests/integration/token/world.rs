//! The fixture of these tests, and helpers for malformed requests.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{
    app::TestApp,
    browser::{Application, Browser},
};

pub const ALICE: (&str, &str) = ("alice", "correct horse");
pub const SECRET: &str = "a secret: with + and % in thirty-two characters";
pub const MANIFESTS: &str = include_str!("manifests.yaml");

/// The server under test, with the manifests of the token endpoint tests, and an HTTP client.
pub struct World {
    pub app: TestApp,
    pub http: reqwest::Client,
}

/// A browser in which Alice is signed in, and the client that she used.
pub struct SignedIn {
    pub web: Application,
    pub browser: Browser,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::start(MANIFESTS).await;
        Self { app, http: reqwest::Client::new() }
    }

    /// Serves the manifests with one replacement.
    pub fn change(&self, from: &str, to: &str) {
        self.change_all(&[(from, to)]);
    }

    /// Serves the manifests with these replacements.
    pub fn change_all(&self, changes: &[(&str, &str)]) {
        let mut manifests = MANIFESTS.to_owned();
        for (from, to) in changes {
            assert!(manifests.contains(from), "{from} is not in the manifests");
            manifests = manifests.replace(from, to);
        }
        self.app.serve(&manifests);
    }

    pub async fn application(&self, name: &str) -> Application {
        let secret = (name != "spa").then_some(SECRET);
        let redirect = if name == "spa" { "https://spa.test/cb" } else { "https://rp.test/cb" };
        let tenant = if name.ends_with("-elsewhere") { "other" } else { "shop" };
        let id = format!("default.{name}");
        Application::discover(&self.app.issuer(tenant), &id, secret, redirect).await
    }

    /// Alice, signed in at the tenant `shop`.
    pub async fn alice(&self) -> SignedIn {
        let (web, browser) = (self.application("web").await, Browser::new());
        let answer = web.sign_in(&browser, &web.authorize_url("openid", &[]), ALICE).await;
        assert!(answer.contains_key("code"), "{answer:?}");
        SignedIn { web, browser }
    }

    /// Alice, signed in at the tenant `other`.
    pub async fn alice_elsewhere(&self) -> SignedIn {
        let (web, browser) = (self.application("web-elsewhere").await, Browser::new());
        let answer = web.sign_in(&browser, &web.authorize_url("openid", &[]), ALICE).await;
        assert!(answer.contains_key("code"), "{answer:?}");
        SignedIn { web, browser }
    }

    pub fn wait(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
    }

    /// Posts a form to the token endpoint of the tenant `shop`, with headers.
    pub async fn post(&self, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, Value) {
        let url = format!("{}/oauth/token", self.app.issuer("shop"));
        let mut request = self
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request).await
    }
}

/// Sends a request; returns status, headers, and the body if it is JSON.
pub async fn read(request: reqwest::RequestBuilder) -> (u16, HeaderMap, Value) {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.json().await.unwrap_or_default())
}

impl SignedIn {
    /// A code for scopes, without showing a page.
    pub async fn code(&self, application: &Application, scope: &str) -> String {
        let url = application.authorize_url(scope, &[("prompt", "none")]);
        self.browser.open(&url).await.answer().remove("code").expect("a code")
    }

    /// The tokens of a new grant.
    pub async fn tokens(&self, application: &Application, scope: &str) -> Value {
        let (status, tokens) = application.redeem(&self.code(application, scope).await).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// Signs out with this ID token as the hint.
    pub async fn sign_out(&self, id_token: &str) {
        let url = self.web.endpoint("end_session_endpoint");
        let page = self.browser.open(&format!("{url}?id_token_hint={id_token}")).await;
        assert!(page.url.path().ends_with("/logged-out"), "{}: {}", page.url, page.body);
    }
}

/// A string member. Panics if it is missing.
pub fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Asserts an error of the token endpoint (RFC 6749 §5.2).
pub fn assert_error(answer: &(u16, Value), status: u16, error: &str) {
    assert_eq!((answer.0, answer.1["error"].as_str()), (status, Some(error)), "{}", answer.1);
    let description = text(&answer.1, "error_description");
    assert!(description.ends_with('.'), "a sentence for the developer: {description}");
}
