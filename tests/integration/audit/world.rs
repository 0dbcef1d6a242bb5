//! The fixture of these tests, and the values that its lines may not contain.

use std::{collections::BTreeSet, sync::Mutex};

use serde_json::Value;
use url::Url;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page, VERIFIER},
    schema::check_members,
    upstream::{Script, Upstream},
};

pub const ADA: (&str, &str) = ("ada", "correct horse");
pub const BOB: (&str, &str) = ("bob", "battery staple");

pub const MANIFESTS: &str = include_str!("manifests.yaml");
const SECRET: &str = "a secret of at least thirty-two characters";

/// The server under test and its identity provider. It checks that no audit line contains a hidden value.
pub struct World {
    pub app: TestApp,
    pub upstream: Upstream,
    /// Values that no line may contain.
    hidden: Mutex<Vec<String>>,
}

impl World {
    pub async fn new() -> Self {
        let upstream = Upstream::start().await;
        let app = TestApp::start(&MANIFESTS.replace("UPSTREAM", &upstream.issuer)).await;
        let hidden = [SECRET, ADA.1, BOB.1, "forbidden fruit", VERIFIER, "a-state", "a-nonce"];
        Self { app, upstream, hidden: Mutex::new(hidden.map(str::to_owned).into()) }
    }

    /// Serves the manifests with one replacement.
    pub fn change(&self, from: &str, to: &str) {
        self.change_all(&[(from, to)]);
    }

    /// Serves the manifests with these replacements.
    pub fn change_all(&self, changes: &[(&str, &str)]) {
        let mut manifests = MANIFESTS.replace("UPSTREAM", &self.upstream.issuer);
        for (from, to) in changes {
            assert!(manifests.contains(from), "{from} is not in the manifests");
            manifests = manifests.replace(from, to);
        }
        self.app.serve(&manifests);
    }

    pub async fn application(&self, name: &str) -> Application {
        let (issuer, id) = (self.app.issuer("main"), format!("default.{name}"));
        Application::discover(&issuer, &id, Some(SECRET), "https://rp.test/cb").await
    }

    /// Ensures that no line contains a value.
    pub fn hide(&self, value: &str) {
        assert!(value.len() > 3, "{value}");
        self.hidden.lock().expect("whole").push(value.to_owned());
    }

    /// The code of an answer, which no line may contain.
    pub fn code(&self, page: &Page) -> String {
        let code = page.answer().remove("code").unwrap_or_else(|| panic!("{:?}", page.answer()));
        self.hide(&code);
        code
    }

    /// Hides the tokens of a response.
    pub fn hide_tokens(&self, response: &Value) {
        for name in ["access_token", "refresh_token", "id_token"] {
            if let Some(token) = response[name].as_str() {
                self.hide(token);
            }
        }
    }

    /// Submits the sign-in form; returns the next page.
    pub async fn sign_in(&self, browser: &Browser, url: &str, who: (&str, &str)) -> Page {
        let page = browser.open(url).await;
        let fields = [("username", who.0), ("password", who.1), ("action", "sign-in")];
        browser.submit(&page.form("/login"), &fields).await
    }

    /// A sign-in at the provider, which answers by a script.
    pub async fn sign_in_at_provider(&self, script: impl FnOnce(&mut Script)) -> Page {
        self.sign_in_with(&Browser::new(), script).await
    }

    /// A sign-in at the provider in a browser, which may have a session.
    pub async fn sign_in_with(&self, browser: &Browser, script: impl FnOnce(&mut Script)) -> Page {
        self.upstream.answers(script);
        let app = self.application("app").await;
        let page =
            browser.open(&app.authorize_url("openid", &[("identity_provider", "corp")])).await;
        let url = page.left_for.unwrap_or_else(|| panic!("{} {}", page.status, page.body));
        let of =
            |name: &str| url.query_pairs().find(|it| it.0 == name).expect("there").1.into_owned();
        self.upstream.nonce.lock().expect("whole").clone_from(&of("nonce"));
        self.hide(&of("state"));
        self.hide(&of("nonce"));
        let callback = format!("{}/callback/corp", self.app.issuer("main"));
        let answer = [("code", "an-upstream-code"), ("state", &of("state"))];
        let url = Url::parse_with_params(&callback, answer).expect("a URL");
        browser.open(url.as_str()).await
    }

    /// Panics unless the lines match the schema, contain these events, and nothing secret.
    pub fn check(&self, reported: &[(&str, &str)]) {
        let lines = self.app.audit.lines();
        let mut found = BTreeSet::new();
        for line in &lines {
            check_members(line);
            let text = line.to_string();
            for hidden in self.hidden.lock().expect("whole").iter() {
                assert!(!text.contains(hidden), "{hidden} in {text}");
            }
            found.insert((line["event"].as_str(), line["outcome"].as_str()));
        }
        for (event, outcome) in reported {
            assert!(
                found.contains(&(Some(event), Some(outcome))),
                "no {event} {outcome}: {lines:#?}"
            );
        }
    }
}
