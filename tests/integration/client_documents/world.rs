//! The fixture of these tests: a document, and the application that it describes.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    app::TestApp,
    browser::{Application, Browser, Page},
};

pub const ALICE: (&str, &str) = ("alice", "correct horse");
pub const MANIFESTS: &str = include_str!("manifests.yaml");
pub const URL: &str = "https://app.test/client.json";
pub const REDIRECT: &str = "https://app.test/cb";
pub const TICKETS: &str = "https://tickets.test/mcp";

/// The document at a URL.
pub fn document(url: &str) -> Value {
    json!({
        "client_id": url,
        "client_name": "Notes",
        "redirect_uris": [REDIRECT, "http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    })
}

/// The server under test, and the web on which it finds metadata documents of clients.
pub struct World {
    pub app: TestApp,
}

impl World {
    /// The server, and the document at `URL`.
    pub async fn new() -> Self {
        let world = Self { app: TestApp::start(MANIFESTS).await };
        world.publish(&document(URL));
        world
    }

    /// Publishes a document at `URL`.
    pub fn publish(&self, document: &Value) {
        self.app.publish(URL, &document.to_string());
    }

    /// Serves the manifests with one replacement.
    pub fn change(&self, from: &str, to: &str) {
        assert!(MANIFESTS.contains(from), "{from} is not in the manifests");
        self.app.serve(&MANIFESTS.replace(from, to));
    }

    pub fn wait(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
    }

    /// The application at the tenant `any`, with another URL or redirect URI.
    pub async fn application(&self, url: &str, redirect: &str) -> Application {
        self.application_at("any", url, redirect).await
    }

    pub async fn application_at(&self, tenant: &str, url: &str, redirect: &str) -> Application {
        Application::discover(&self.app.issuer(tenant), url, None, redirect).await
    }

    /// The application of the document.
    pub async fn notes(&self) -> Application {
        self.application(URL, REDIRECT).await
    }

    /// The tokens of a new grant with `offline_access`.
    pub async fn tokens(&self, application: &Application) -> Value {
        let url = application.authorize_url("openid email offline_access", &[]);
        let answer = application.sign_in(&Browser::new(), &url, ALICE).await;
        let (status, tokens) = application.redeem(&answer["code"]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }
}

/// Refreshes with the refresh token of these tokens; returns the status and body.
pub async fn refresh(application: &Application, tokens: &Value) -> (u16, Value) {
    let token = text(tokens, "refresh_token");
    application.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

/// Signs Alice in on the sign-in page.
pub async fn sign_in(browser: &Browser, page: &Page) -> Page {
    let fields = [("username", ALICE.0), ("password", ALICE.1)];
    browser.submit(&page.form("/login"), &fields).await
}

pub async fn answer(browser: &Browser, page: &Page, action: &str) -> Page {
    browser.submit(&page.form("/consent"), &[("action", action)]).await
}

pub fn is_consent(page: &Page) -> bool {
    page.left_for.is_none() && page.body.contains("/consent\"")
}

/// A member that is a string. Panics if it is missing.
pub fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Asserts an error page with a sentence for the developer. It redirects nowhere.
pub fn assert_page(page: &Page, words: &str) {
    assert!(page.left_for.is_none() && page.status >= 400, "{} {}", page.status, page.body);
    assert!(page.body.contains(words), "{words}: {}", page.body);
}
