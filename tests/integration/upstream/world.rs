//! The fixture of these tests: a tenant with an application, and with people of a provider.

use std::collections::BTreeMap;

use lanyard::model::Clock;
use serde_json::Value;
use url::Url;

use super::{
    app::TestApp,
    attacks::PROVIDERS,
    browser::{Application, Browser, Page, claims},
    upstream::Upstream,
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

/// How many requests were answered with an outcome, by the metrics.
pub fn answered_with(app: &TestApp, outcome: &str) -> u64 {
    let metrics = app.app.accounts.metrics.render(app.clock.now());
    let label = format!("outcome=\"{outcome}\"");
    let lines = metrics.lines();
    let lines =
        lines.filter(|line| line.starts_with("lanyard_requests_total{") && line.contains(&label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
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

/// The back-channel logout URI of the application in a [`World`].
pub const LOGOUT: &str = "https://rp.test/logout";

/// The tenant with an application, and the provider `corp`, with the answers that a test sets.
pub struct World {
    pub app: TestApp,
    pub upstream: Upstream,
}

/// A person who is signed in: the browser, and the tokens of the application.
pub struct SignedIn {
    pub browser: Browser,
    pub tokens: Value,
}

impl SignedIn {
    pub fn refresh_token(&self) -> &str {
        self.tokens["refresh_token"].as_str().expect("one")
    }
}

impl World {
    /// With a field in the spec of the provider, or with an empty text.
    pub async fn with(field: &str) -> Self {
        Self::with_objects(field, "").await
    }

    /// A world with a spec of the tenant.
    pub async fn with_tenant(spec: &str, field: &str) -> Self {
        Self::with_changes(field, "", ("spec: {}", &format!("spec: {spec}"))).await
    }

    /// A world with further objects.
    pub async fn with_objects(field: &str, objects: &str) -> Self {
        Self::with_changes(field, objects, ("", "")).await
    }

    async fn with_changes(field: &str, objects: &str, change: (&str, &str)) -> Self {
        let upstream = Upstream::start().await;
        let providers = PROVIDERS.replace("UPSTREAM", &upstream.issuer);
        let manifests = with_application(&format!("{providers}---\n{objects}"));
        let told = format!("consent: Implied\n  backchannelLogoutUri: {LOGOUT}");
        let manifests =
            manifests.replacen("# RULES", field, 1).replacen("consent: Implied", &told, 1);
        let manifests = manifests.replacen(change.0, change.1, 1);
        Self { app: TestApp::start(&manifests).await, upstream }
    }

    /// A sign-in at the provider, which answers as its script says.
    pub async fn sign_in(&self, scopes: &str) -> SignedIn {
        self.sign_in_at(("corp", &self.upstream), scopes).await
    }

    /// A sign-in at another provider, which answers as its script says.
    pub async fn sign_in_at(&self, at: (&str, &Upstream), scopes: &str) -> SignedIn {
        let (application, browser) = (application(&self.app).await, Browser::new());
        let url = application.authorize_url(scopes, &[("identity_provider", at.0)]);
        let url = browser.open(&url).await.left_for.expect("a redirect to the provider");
        let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        at.1.nonce.lock().expect("whole").clone_from(&request["nonce"]);
        let callback = format!("{}/callback/{}", self.app.issuer("main"), at.0);
        let answer = [("code", "a-code"), ("state", &request["state"])];
        let url = Url::parse_with_params(&callback, answer).expect("a URL");
        let page = browser.open(url.as_str()).await;
        SignedIn { browser, tokens: tokens(&self.app, &page).await }
    }

    /// Whether the browser of a person has a session here. `scopes`: those of the request.
    pub async fn has_session(&self, person: &SignedIn, scopes: &str) -> bool {
        let application = application(&self.app).await;
        let url = application.authorize_url(scopes, &[("prompt", "none")]);
        person.browser.open(&url).await.answer().contains_key("code")
    }

    /// The status and the body of a token response to the refresh token of a person.
    pub async fn refresh(&self, person: &SignedIn) -> (u16, Value) {
        refresh_at(&application(&self.app).await, person.refresh_token()).await
    }
}

/// A refresh of tokens at the replica that an application reaches.
pub async fn refresh_at(application: &Application, refresh_token: &str) -> (u16, Value) {
    application.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
}
