//! The fixture of these tests: a tenant whose people come from another tenant of the same server.

use serde_json::Value;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page, claims},
};

pub const ADA: (&str, &str) = ("ada", "correct horse");

const MANIFESTS: &str = include_str!("manifests.yaml");

pub struct World {
    pub app: TestApp,
}

impl World {
    pub async fn new() -> Self {
        Self::of(MANIFESTS).await
    }

    pub async fn of(manifests: &str) -> Self {
        Self { app: TestApp::start(manifests).await }
    }

    /// The application of the tenant `main`.
    pub async fn application(&self) -> Application {
        let secret = Some("a secret of at least thirty-two characters");
        let issuer = self.app.issuer("main");
        Application::discover(&issuer, "default.app", secret, "https://rp.test/cb").await
    }

    /// The claims of the ID token for the answer to an authorization request.
    pub async fn id_token(&self, page: &Page) -> Value {
        let application = self.application().await;
        let (status, tokens) = application.redeem(&page.answer()["code"]).await;
        assert_eq!(status, 200, "{tokens}");
        claims(tokens["id_token"].as_str().expect("an ID token"))
    }
}

/// Submits the sign-in form that the browser is at; returns the next page.
pub async fn sign_in(browser: &Browser, page: &Page, who: (&str, &str)) -> Page {
    let fields = [("username", who.0), ("password", who.1), ("action", "sign-in")];
    browser.submit(&page.form("/login"), &fields).await
}
