//! Two replicas with one store: a sign-in at a provider begins on one, and the provider's answer comes
//! to the other, whose objects may be newer.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::Url;

use super::{
    app::TestApp,
    attacks::manifests,
    browser::{Application, Browser, Page, claims},
    upstream::Upstream,
};

const SCOPES: &str = "openid profile email groups offline_access";

struct Replicas {
    first: TestApp,
    second: TestApp,
    upstream: Upstream,
}

/// A browser at the provider, and the `state` of the request.
struct Away {
    browser: Browser,
    state: String,
}

impl Replicas {
    async fn start() -> Self {
        let upstream = Upstream::start().await;
        let first = TestApp::start(&manifests(&upstream.issuer, &[])).await;
        let second = first.start_replica();
        Self { first, second, upstream }
    }

    /// Changes the objects of a replica.
    fn change(&self, replica: &TestApp, changes: &[(&str, &str)]) {
        let mut manifests = manifests(&self.upstream.issuer, &[]);
        for (from, to) in changes {
            assert!(manifests.contains(from), "{from}");
            manifests = manifests.replacen(from, to, 1);
        }
        replica.serve(&manifests);
    }

    /// The application, which asks the first replica for tokens.
    async fn application(&self) -> Application {
        let secret = Some("a secret of at least thirty-two characters");
        let issuer = self.first.issuer("main");
        Application::discover(&issuer, "default.app", secret, "https://rp.test/cb").await
    }

    /// Sends a browser to the provider from the first replica. Its next request goes to the second.
    async fn go(&self) -> Away {
        let (application, mut browser) = (self.application().await, Browser::new());
        let url = application.authorize_url(SCOPES, &[("identity_provider", "corp")]);
        let url = browser.open(&url).await.left_for.expect("a redirect to the provider");
        let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        self.upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
        browser.reach(self.second.address.port());
        Away { browser, state: request["state"].clone() }
    }

    /// The provider's answer at the replica that the browser reaches.
    async fn back(&self, away: &Away) -> Page {
        let callback = format!("{}/callback/corp", self.first.issuer("main"));
        let answer = [("code", "a-code"), ("state", &away.state)];
        let url = Url::parse_with_params(&callback, answer).expect("a URL");
        away.browser.open(url.as_str()).await
    }

    async fn tokens(&self, page: &Page) -> Value {
        let (status, tokens) = self.application().await.redeem(&page.answer()["code"]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// The codes that the provider has received.
    fn codes(&self) -> usize {
        self.upstream.requests.lock().expect("whole").len()
    }
}

fn id_token(tokens: &Value) -> Value {
    claims(tokens["id_token"].as_str().expect("an ID token"))
}

#[tokio::test]
async fn a_sign_in_continues_on_another_replica() {
    let replicas = Replicas::start().await;
    let mut away = replicas.go().await;
    let page = replicas.back(&away).await;
    let first = id_token(&replicas.tokens(&page).await);
    assert_eq!(first["preferred_username"], "corp:ada");
    assert_eq!(first["groups"], json!(["corp:staff"]));
    // The session that the second replica began is known to the first one.
    away.browser.reach(replicas.first.address.port());
    let silent = replicas.application().await.authorize_url(SCOPES, &[("prompt", "none")]);
    let page = away.browser.open(&silent).await;
    assert_eq!(id_token(&replicas.tokens(&page).await)["sub"], first["sub"]);
}

#[tokio::test]
async fn the_objects_of_the_replica_that_judges_the_answer_count() {
    let replicas = Replicas::start().await;
    let away = replicas.go().await;
    let prefix = ("preferred_username, prefix: \"corp:\"", "preferred_username, prefix: \"new:\"");
    replicas.change(&replicas.second, &[prefix]);
    let page = replicas.back(&away).await;
    // The first replica does not know the new mapping yet, and mints by its own.
    let tokens = replicas.tokens(&page).await;
    let subject = id_token(&tokens)["sub"].clone();
    assert_eq!(id_token(&tokens)["preferred_username"], "corp:ada");
    replicas.change(&replicas.first, &[prefix]);
    let refresh = tokens["refresh_token"].as_str().expect("one");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let (status, tokens) = replicas.application().await.token(&form).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(id_token(&tokens)["preferred_username"], "new:ada");
    assert_eq!(id_token(&tokens)["sub"], subject);
    // A rule that came in the meantime refuses.
    let away = replicas.go().await;
    let rule = "claimValidationRules: [{claim: name, requiredValue: Eve, message: Ask Eve.}]";
    replicas.change(&replicas.second, &[("# RULES", rule)]);
    let page = replicas.back(&away).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Ask Eve."), "{}", page.body);
}

/// RFC 9700 §4.4: the code of one provider is not sent to another.
#[tokio::test]
async fn a_code_is_not_sent_to_a_provider_that_was_changed_meanwhile() {
    let replicas = Replicas::start().await;
    let other = Upstream::start().await;
    for (from, to) in [
        (replicas.upstream.issuer.as_str(), other.issuer.as_str()),
        ("clientId: lanyard", "clientId: another"),
        ("metadata: {name: corp}", "metadata: {name: renamed}"),
    ] {
        let away = replicas.go().await;
        replicas.change(&replicas.second, &[(from, to)]);
        let page = replicas.back(&away).await;
        assert_eq!(page.status, 404, "{to}: {}", page.body);
        assert!(page.body.contains("It was removed or changed a moment ago."), "{}", page.body);
        assert!(page.body.contains("Start again"), "{}", page.body);
        assert_eq!(replicas.codes(), 0, "{to}");
        assert!(other.requests.lock().expect("whole").is_empty(), "{to}");
        replicas.change(&replicas.second, &[]);
        // The same answer is still accepted where the object is as it was.
        let page = replicas.back(&away).await;
        replicas.tokens(&page).await;
        replicas.upstream.requests.lock().expect("whole").clear();
    }
}

#[tokio::test]
async fn a_replica_without_the_provider_refuses_and_ends_nothing() {
    let replicas = Replicas::start().await;
    let away = replicas.go().await;
    let page = replicas.back(&away).await;
    let tokens = replicas.tokens(&page).await;
    let application = replicas.application().await;
    let refresh = tokens["refresh_token"].as_str().expect("one");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let renamed = ("metadata: {name: corp}", "metadata: {name: renamed}");
    replicas.change(&replicas.first, &[renamed]);
    let (status, refused) = application.token(&form).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    replicas.change(&replicas.first, &[]);
    let (status, tokens) = application.token(&form).await;
    assert_eq!(status, 200, "{tokens}");
}
