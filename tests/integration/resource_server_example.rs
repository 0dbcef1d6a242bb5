//! `examples/resource-server`: an API in Node.js that publishes its metadata (RFC 9728) and verifies tokens. A
//! client that knows only the URL of the API finds the issuer, gets a token with `resource`, and calls it.

mod bound_tokens;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    browser::{Application, Browser, VERIFIER},
    dev::{Dev, copy_of},
    ports::free_port,
};

const ADA: (&str, &str) = ("ada", "correct horse battery staple");
const IDENTIFIER: &str = "http://localhost:8090/tickets";
const INVOICES: &str = "http://localhost:8091/invoices";

/// The API as a process, which ends with the value.
struct Api {
    process: Child,
    resource: String,
}

impl Api {
    fn start(resource: String, issuer: &str) -> Self {
        Self::start_with(resource, issuer, &[])
    }

    /// Starts the API with further environment variables.
    fn start_with(resource: String, issuer: &str, variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new("node")
            .arg("examples/resource-server/server.mjs")
            .envs([("RESOURCE", &*resource), ("ISSUER", issuer)])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            // Node makes a pipe that it inherits non-blocking, also for the output of the tests.
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert!(line.contains("accepts tokens of"), "{line}");
        Self { process, resource }
    }

    async fn call(&self, method: Method, token: Option<&str>) -> reqwest::Response {
        let request = reqwest::Client::new().request(method, &self.resource);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.expect("an answer")
    }

    /// The status of a call, with the error of the challenge.
    async fn judge(&self, token: &str) -> (u16, Option<String>) {
        let response = self.call(Method::GET, Some(token)).await;
        let challenge = response.headers().get("www-authenticate");
        let challenge = challenge.map(|value| value.to_str().expect("ASCII"));
        let error = challenge.and_then(|challenge| parameter(challenge, "error"));
        (response.status().as_u16(), error)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A parameter of a challenge.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let value = challenge.split(&format!("{name}=\"")).nth(1)?;
    value.split('"').next().map(str::to_owned)
}

async fn json_at(url: &str) -> Value {
    reqwest::get(url).await.expect("an answer").json().await.expect("JSON")
}

fn has_node() -> bool {
    let found = Command::new("node").arg("--version").output().is_ok();
    if !found {
        println!("SKIPPED: the sample resource server: node is not installed");
    }
    found
}

/// Starts the example with its API on a free port.
async fn start() -> (Dev, Api, String) {
    let folder = copy_of(Path::new("examples/resource-server"));
    let resource = format!("http://localhost:{}/tickets", free_port());
    let manifest = folder.path().join("tickets.yaml");
    let text = fs::read_to_string(&manifest).expect("readable");
    assert!(text.contains(IDENTIFIER) && text.contains(INVOICES));
    fs::write(&manifest, text.replace(IDENTIFIER, &resource)).expect("written");
    let dev = Dev::start(folder.path());
    dev.awaits("Open  ").await;
    let issuer = format!("{}/default/desk", dev.base_url);
    let api = Api::start(resource, &issuer);
    (dev, api, issuer)
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_finds_the_issuer_of_an_api_and_calls_it() {
    if !has_node() {
        return;
    }
    let (dev, api, issuer) = start().await;
    // RFC 9728 §5
    let refused = api.call(Method::GET, None).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()["www-authenticate"].to_str().expect("ASCII").to_owned();
    assert_eq!(parameter(&challenge, "error"), None, "without a token");
    let metadata = json_at(&parameter(&challenge, "resource_metadata").expect("its address")).await;
    assert_eq!(metadata["resource"], *api.resource, "it is about the URL that was called");
    assert_eq!(metadata["authorization_servers"], json!([issuer]));
    let resource = api.resource.clone();
    let secret = dev.client_secret("portal");
    let redirect = "http://localhost:8092/callback";
    let portal = Application::discover(&issuer, "default.portal", Some(&secret), redirect).await;
    let scope = parameter(&challenge, "scope").expect("what a call needs");
    let url = portal.authorize_url(&format!("openid {scope}"), &[("resource", &resource)]);
    let answer = portal.sign_in(&Browser::new(), &url, ADA).await;
    let (status, tokens) = portal
        .token(&[
            ("grant_type", "authorization_code"),
            ("code", &answer["code"]),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
            ("resource", &resource),
        ])
        .await;
    assert_eq!(status, 200, "{tokens}");
    let response = api.call(Method::GET, Some(text(&tokens, "access_token"))).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(
        (&body["client"], &body["groups"]),
        (&json!("default.portal"), &json!(["engineers"]))
    );
    // The scope that the person did not allow.
    let refused = api.call(Method::POST, Some(text(&tokens, "access_token"))).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(api.judge(text(&tokens, "id_token")).await, (401, Some("invalid_token".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_refuses_tokens_for_others() {
    if !has_node() {
        return;
    }
    let (dev, api, issuer) = start().await;
    let secret = dev.client_secret("reporter");
    let reporter = Application::discover(&issuer, "default.reporter", Some(&secret), "").await;
    let token = async |resource: &str| {
        let (status, tokens) =
            reporter.token(&[("grant_type", "client_credentials"), ("resource", resource)]).await;
        assert_eq!(status, 200, "{tokens}");
        text(&tokens, "access_token").to_owned()
    };
    let own = token(&api.resource).await;
    assert_eq!(api.judge(&own).await, (200, None));
    let invalid = (401, Some("invalid_token".to_owned()));
    for other in [INVOICES, &issuer] {
        assert_eq!(api.judge(&token(other).await).await, invalid, "{other}");
    }
    let (signed, signature) = own.rsplit_once('.').expect("three parts");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    for token in [&*forged, "nonsense", "a.b.c"] {
        assert_eq!(api.judge(token).await, invalid, "{token}");
    }
    let unknown = [("grant_type", "client_credentials"), ("resource", "https://unknown.test")];
    assert_eq!(reporter.token(&unknown).await.1["error"], "invalid_target");
}
