//! The fixture of these tests: a tenant with an application, and with people of a provider.

use serde_json::Value;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page, claims},
};

pub const ADA: (&str, &str) = ("ada", "correct horse");

/// The client secret of everything.
const SECRET: &str = "a secret of at least thirty-two characters";

/// The tenant `main` with an application, and the Secret `secret`.
const APPLICATION: &str = include_str!("application.yaml");

/// A provider of the tenant `main` that is another tenant of the same server.
pub const HOME: &str = include_str!("home.yaml");

/// The tenant with an application, and further objects.
pub fn with_application(objects: &str) -> String {
    format!("{APPLICATION}---\n{objects}")
}

/// The application of the tenant `main`.
pub async fn application(app: &TestApp) -> Application {
    let issuer = app.issuer("main");
    Application::discover(&issuer, "default.app", Some(SECRET), "https://rp.test/cb").await
}

/// The tokens for the answer to an authorization request.
pub async fn tokens(app: &TestApp, page: &Page) -> Value {
    let (status, tokens) = application(app).await.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

/// The claims of the ID token for the answer to an authorization request.
pub async fn id_token(app: &TestApp, page: &Page) -> Value {
    claims(tokens(app, page).await["id_token"].as_str().expect("an ID token"))
}

/// The tenant whose people come from another tenant of the same server.
pub async fn with_home() -> TestApp {
    TestApp::start(&with_application(HOME)).await
}

/// Submits the sign-in form that the browser is at; returns the next page.
pub async fn sign_in(browser: &Browser, page: &Page, who: (&str, &str)) -> Page {
    let fields = [("username", who.0), ("password", who.1), ("action", "sign-in")];
    browser.submit(&page.form("/login"), &fields).await
}
