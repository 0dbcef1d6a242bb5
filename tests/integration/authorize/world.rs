//! The fixture of these tests: a server with two tenants, their clients and two users.

use lanyard::{http::ServerConfig, store::SharedStore};

use super::{
    app::TestApp,
    browser::{Application, Browser, Page},
};

pub const CALLBACK: &str = "https://rp.test/cb";
pub const ALICE: (&str, &str) = ("alice", "correct horse");
pub const BOB: (&str, &str) = ("bob", "battery staple");

pub const MANIFESTS: &str = include_str!("manifests.yaml");

/// The server under test, with the manifests of the authorization tests.
pub struct World {
    pub app: TestApp,
}

impl World {
    pub async fn new() -> Self {
        Self::with(ServerConfig::default()).await
    }

    /// Starts the server at `localhost`, where browsers have passkeys.
    pub async fn at_localhost() -> Self {
        Self { app: TestApp::start_at_localhost(MANIFESTS).await }
    }

    /// Starts the server with other settings.
    pub async fn with(config: ServerConfig) -> Self {
        Self { app: TestApp::start_configured(MANIFESTS, config).await }
    }

    /// Starts the server with a store that wraps the one in memory.
    pub async fn over(wrap: impl FnOnce(SharedStore) -> SharedStore) -> Self {
        Self { app: TestApp::start_over(MANIFESTS, wrap).await }
    }

    /// Starts a server that refuses client URLs with internal addresses.
    pub async fn guarded() -> Self {
        Self { app: TestApp::start_guarded(MANIFESTS).await }
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

    /// A client of the tenant `shop`.
    pub async fn application(&self, name: &str) -> Application {
        self.application_of("shop", name).await
    }

    pub async fn application_of(&self, tenant: &str, name: &str) -> Application {
        let secret = (name != "spa").then_some("a secret of at least thirty-two characters");
        let client_id = format!("default.{name}");
        Application::discover(&self.app.issuer(tenant), &client_id, secret, CALLBACK).await
    }

    /// A browser in which Alice is signed in at the tenant `shop`.
    pub async fn alice(&self) -> Browser {
        let browser = Browser::new();
        let trusted = self.application("trusted").await;
        let answer = trusted.sign_in(&browser, &trusted.authorize_url("openid", &[]), ALICE).await;
        assert!(answer.contains_key("code"), "{answer:?}");
        browser
    }
}

/// Submits the sign-in form; returns the next page.
pub async fn sign_in(browser: &Browser, page: &Page, who: (&str, &str)) -> Page {
    let fields = [("username", who.0), ("password", who.1), ("action", "sign-in")];
    browser.submit(&page.form("/login"), &fields).await
}

/// Whether a page is the sign-in page.
pub fn is_sign_in(page: &Page) -> bool {
    page.left_for.is_none() && page.body.contains("name=\"password\"")
}

/// Whether a page is the consent page.
pub fn is_consent(page: &Page) -> bool {
    page.left_for.is_none() && page.body.contains("value=\"allow\"")
}
