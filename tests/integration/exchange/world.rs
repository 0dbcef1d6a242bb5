//! The fixture of these tests: people, an application, and the APIs behind it.

use std::{fmt::Write as _, time::Duration};

use lanyard::model::{Clock, Timestamp};
use serde_json::Value;

use super::{
    app::TestApp,
    browser::{Application, Browser, VERIFIER, form_encode},
};
use crate::support::dpop::DpopKey;

pub const ALICE: (&str, &str) = ("alice", "correct horse");
pub const BOB: (&str, &str) = ("bob", "battery staple");
pub const MANIFESTS: &str = include_str!("manifests.yaml");
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

pub const GATEWAY: &str = "https://gateway.test";
pub const ORDERS: &str = "https://orders.test";
pub const TICKETS: &str = "https://tickets.test";
pub const VAULT: &str = "https://vault.test";

/// The scopes of the person's token for the gateway, and of the application itself.
pub const SCOPE: &str = "openid email groups offline_access gateway.use shared tickets.read";

/// The server under test, an application with users, and two APIs: `web` calls `gateway`, which calls `orders`.
pub struct World {
    pub app: TestApp,
    pub web: Application,
    pub gateway: Application,
    pub orders: Application,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::start(MANIFESTS).await;
        let of = |name| application(&app, name);
        let (web, gateway, orders) = (of("web").await, of("gateway").await, of("orders").await);
        Self { app, web, gateway, orders }
    }

    /// Serves the manifests with one replacement.
    pub fn change(&self, from: &str, to: &str) {
        assert!(MANIFESTS.contains(from), "{from} is not in the manifests");
        self.app.serve(&MANIFESTS.replace(from, to));
    }

    pub async fn application(&self, name: &str) -> Application {
        application(&self.app, name).await
    }

    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    pub fn wait(&self, duration: Duration) {
        self.app.clock.advance(duration);
    }

    /// A code of the application for a person who signs in, for a resource.
    pub async fn code(&self, browser: &Browser, who: (&str, &str), scope: &str) -> String {
        let mut url = self.web.authorize_url(scope, &[]);
        let _ = write!(url, "&resource={}", form_encode(GATEWAY));
        let mut answer = self.web.sign_in(browser, &url, who).await;
        answer.remove("code").unwrap_or_else(|| panic!("no code in {answer:?}"))
    }

    /// The tokens of the application for a person, with an access token for the gateway.
    pub async fn tokens_of(&self, who: (&str, &str)) -> Value {
        self.tokens_in(&Browser::new(), who, SCOPE).await
    }

    pub async fn tokens_in(&self, browser: &Browser, who: (&str, &str), scope: &str) -> Value {
        let code = self.code(browser, who, scope).await;
        let (status, tokens) = self.web.redeem(&code).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// The tokens of the application for Alice, bound to a key.
    pub async fn bound_tokens(&self, key: &DpopKey) -> Value {
        let code = self.code(&Browser::new(), ALICE, SCOPE).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &self.web.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        let (status, tokens) = self.prove(&self.web, &form, key).await;
        assert_eq!((status, tokens["token_type"].as_str()), (200, Some("DPoP")), "{tokens}");
        tokens
    }

    /// A token request with a DPoP proof.
    pub async fn prove(
        &self,
        application: &Application,
        form: &[(&str, &str)],
        key: &DpopKey,
    ) -> (u16, Value) {
        let endpoint = application.endpoint("token_endpoint");
        let secret = application.client_secret.as_deref().map(form_encode);
        let request = reqwest::Client::new()
            .post(endpoint)
            .basic_auth(form_encode(&application.client_id), secret)
            .header("dpop", key.proof("POST", endpoint, self.now()))
            .form(form);
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.expect("JSON"))
    }

    /// Introspects a token as a client.
    pub async fn introspect(&self, caller: &Application, token: &str) -> Value {
        let response = caller.post("introspection_endpoint", &[("token", token)]).await;
        response.json().await.expect("JSON")
    }

    /// An access token for another API, by the gateway.
    pub async fn for_orders(&self, tokens: &Value) -> Value {
        let token = text(tokens, "access_token");
        granted(exchange(&self.gateway, token, &[("audience", ORDERS)]).await)
    }
}

async fn application(app: &TestApp, name: &str) -> Application {
    let secret = (name != "spa").then_some("a secret of at least thirty-two characters");
    let tenant = if name.ends_with("-elsewhere") { "other" } else { "shop" };
    let id = format!("default.{name}");
    Application::discover(&app.issuer(tenant), &id, secret, "https://rp.test/cb").await
}

/// The parameters of an exchange of an access token, with further ones.
pub fn form<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("grant_type", GRANT_TYPE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    form.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    form.extend(more);
    form.retain(|(_, value)| !value.is_empty());
    form
}

/// Exchanges an access token; returns status and body. A further parameter replaces a usual one; an empty one
/// removes it.
pub async fn exchange(
    application: &Application,
    token: &str,
    more: &[(&str, &str)],
) -> (u16, Value) {
    application.token(&form(token, more)).await
}

/// The answer of a successful request.
pub fn granted((status, answer): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{answer}");
    answer
}

/// A string member. Panics if it is missing.
pub fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Asserts an error of the token endpoint (RFC 6749 §5.2) whose description has these words.
#[track_caller]
pub fn assert_error(answer: &(u16, Value), error: &str, words: &str) {
    assert_eq!((answer.0, answer.1["error"].as_str()), (400, Some(error)), "{}", answer.1);
    let description = text(&answer.1, "error_description");
    assert!(description.contains(words) && description.ends_with('.'), "{description}");
}
