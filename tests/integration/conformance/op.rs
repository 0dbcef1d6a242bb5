//! The provider under test.

use std::sync::Arc;

use lanyard::model::Clock;
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::{
    app::TestApp,
    checks,
    keys::FIRST,
    registrar::Clerk,
    rp::{CALLBACK, Rp, Variant},
};

/// The manifests that the documentation uses for the suite.
pub const MANIFESTS: &str = include_str!("../../../examples/conformance/op.yaml");

/// The salt of pairwise subjects, which a controller would generate.
const SALT: &str = r#"
---
apiVersion: v1
kind: Secret
metadata: {name: op-pairwise, annotations: {lanyard.dev/owner: Tenant/op}}
stringData:
  salt.json: '{"version":1,"salt":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","createdAt":"2027-01-15T08:00:00Z"}'
"#;

/// The server under test with its discovery document, as an OpenID provider that is tested for conformance.
pub struct Op {
    pub app: TestApp,
    pub metadata: Value,
    pub http: Client,
}

impl Op {
    pub async fn start() -> Self {
        let app = TestApp::start(&format!("{MANIFESTS}{SALT}")).await;
        app.app.accounts.registrations.set_registrar(Arc::new(Clerk(Arc::clone(&app.stage))));
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let http = http.expect("a client");
        let url = format!("{}/.well-known/openid-configuration", app.issuer("op"));
        let metadata = http.get(url).send().await.expect("an answer").json().await.expect("JSON");
        Self { app, metadata, http }
    }

    pub fn issuer(&self) -> &str {
        self.endpoint("issuer")
    }

    /// A URL of the metadata.
    pub fn endpoint(&self, name: &str) -> &str {
        self.metadata[name].as_str().unwrap_or_else(|| panic!("no {name} in the metadata"))
    }

    /// Whether a list of the metadata contains a value.
    pub fn supports(&self, field: &str, value: &str) -> bool {
        self.metadata[field].as_array().is_some_and(|all| all.iter().any(|one| one == value))
    }

    pub async fn jwks(&self) -> Value {
        let answer = self.http.get(self.endpoint("jwks_uri")).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    /// The time of the provider's clock, in seconds since the epoch.
    pub fn now(&self) -> i64 {
        self.app.clock.now().secs()
    }

    /// Advances the provider's clock.
    pub fn wait(&self, seconds: u64) {
        self.app.clock.advance(std::time::Duration::from_secs(seconds));
    }

    /// Registers a client as the suite does.
    pub async fn register(&self, variant: Variant) -> Rp<'_> {
        self.register_with(variant, |_| {}).await
    }

    /// Registers a client with changed metadata.
    pub async fn register_with(&self, variant: Variant, change: impl FnOnce(&mut Value)) -> Rp<'_> {
        let (answer, sent) = self.ask_to_register(variant, change).await;
        let registered = checks::registered(answer, &sent).await;
        Rp::new(self, variant, registered)
    }

    /// Asserts that a registration is refused; returns the error code.
    pub async fn refuses_to_register(
        &self,
        variant: Variant,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let (answer, _) = self.ask_to_register(variant, change).await;
        assert_eq!(answer.status(), 400);
        checks::is_json(&answer);
        let body: Value = answer.json().await.expect("JSON");
        body["error"].as_str().unwrap_or_else(|| panic!("no error in {body}")).to_owned()
    }

    async fn ask_to_register(
        &self,
        variant: Variant,
        change: impl FnOnce(&mut Value),
    ) -> (Response, Value) {
        let implicit = variant.has("id_token") || variant.has("token");
        let grants = [("authorization_code", variant.has("code")), ("implicit", implicit)];
        let grants: Vec<_> = grants.iter().filter(|(_, used)| *used).map(|it| it.0).collect();
        let mut metadata = json!({
            "client_name": "OIDF Conformance",
            "grant_types": grants,
            "response_types": [variant.response_type],
            "redirect_uris": [CALLBACK],
            "contacts": ["certification@rp.test"],
            "token_endpoint_auth_method": variant.auth.method(),
            "jwks": FIRST.nameless_jwks(),
        });
        change(&mut metadata);
        let request = self.http.post(self.endpoint("registration_endpoint")).json(&metadata);
        (request.send().await.expect("an answer"), metadata)
    }
}
