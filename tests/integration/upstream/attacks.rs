//! A provider that lies, answers of other requests, and people who are not those they claim to be.

use std::collections::BTreeMap;

use lanyard::model::Clock;
use serde_json::{Value, json};
use url::Url;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page, claims},
    upstream::{Script, Upstream},
    world::{application, id_token, tokens, with_application},
};

/// Two providers at `UPSTREAM`, of which one admits declared people only.
pub(super) const PROVIDERS: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: corp}
spec:
  tenantRef: {name: main}
  type: OIDC
  displayName: Acme <b>staff</b>
  oidc:
    issuer: UPSTREAM
    clientId: lanyard
    clientSecretRef: {name: secret}
  identityKey: https://corp.test
  emailDomains: [acme.test]
  claimMappings:
    username: {claim: preferred_username, prefix: "corp:"}
    groups: {claim: groups, prefix: "corp:"}
  # RULES
  admit: Everyone
---
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: other}
spec:
  tenantRef: {name: main}
  type: OIDC
  oidc:
    issuer: UPSTREAM
    clientId: lanyard
    clientSecretRef: {name: secret}
  identityKey: https://other.test
  emailDomains: [other.test]
  claimMappings:
    username: {claim: preferred_username, prefix: "other:"}
    groups: {claim: groups, prefix: "other:"}
  admit: Declared
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: grace}
spec:
  tenantRef: {name: main}
  username: grace
  groups: [admins]
  identities: [{provider: other, subject: "7"}]
"#;

/// Changes after which the declared user has the password [`PASSWORD`].
pub(super) const WITH_PASSWORD: [(&str, &str); 2] = [
    ("  groups: [admins]\n", "  groups: [admins]\n  passwordSecretRef: {name: grace}\n"),
    (
        "kind: Secret\nmetadata: {name: secret}",
        "kind: Secret\nmetadata: {name: grace}\nstringData: {password: the password of grace}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: secret}",
    ),
];
pub(super) const PASSWORD: &str = "the password of grace";

/// The tenant with an application and the providers, with replaced lines.
pub(super) fn manifests(issuer: &str, changes: &[(&str, &str)]) -> String {
    let mut manifests = with_application(PROVIDERS);
    for (from, to) in changes {
        assert!(manifests.contains(from), "{from}");
        manifests = manifests.replace(from, to);
    }
    manifests.replace("UPSTREAM", issuer)
}

/// The server under test, and a provider whose answers a test chooses.
pub(super) struct World {
    pub(super) app: TestApp,
    pub(super) upstream: Upstream,
}

/// A browser that was sent to the provider, with the parameters of the request.
pub(super) struct Away {
    pub(super) browser: Browser,
    pub(super) request: BTreeMap<String, String>,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A world whose manifests have replaced lines.
    pub(super) async fn with(changes: &[(&str, &str)]) -> Self {
        let upstream = Upstream::start().await;
        let app = TestApp::start(&manifests(&upstream.issuer, changes)).await;
        Self { app, upstream }
    }

    /// A world with these changes at `localhost`, where browsers have passkeys.
    pub(super) async fn at_localhost_with(changes: &[(&str, &str)]) -> Self {
        let upstream = Upstream::start().await;
        let app = TestApp::start_at_localhost(&manifests(&upstream.issuer, changes)).await;
        Self { app, upstream }
    }

    pub(super) fn serve_with_problems(&self, changes: &[(&str, &str)]) {
        self.app.serve_with_problems(&manifests(&self.upstream.issuer, changes));
    }

    pub(super) fn serve(&self, changes: &[(&str, &str)]) {
        self.app.serve(&manifests(&self.upstream.issuer, changes));
    }

    pub(super) async fn application(&self) -> Application {
        application(&self.app).await
    }

    /// Sends a browser to a provider.
    pub(super) async fn go(&self, provider: &str, more: &[(&str, &str)]) -> Away {
        let (application, browser) = (self.application().await, Browser::new());
        let mut parameters = vec![("identity_provider", provider)];
        parameters.extend_from_slice(more);
        let url =
            application.authorize_url("openid profile email groups offline_access", &parameters);
        let page = browser.open(&url).await;
        let url = page.left_for.unwrap_or_else(|| panic!("{} {}", page.status, page.body));
        assert!(url.as_str().starts_with(&self.upstream.issuer), "{url}");
        let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        self.upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
        Away { browser, request }
    }

    /// The provider's answer in the browser.
    pub(super) async fn back(&self, away: &Away, provider: &str, change: &[(&str, &str)]) -> Page {
        let mut answer = BTreeMap::from([("code", "a-code"), ("state", &away.request["state"])]);
        answer.extend(change.iter().copied());
        let callback = format!("{}/callback/{provider}", self.app.issuer("main"));
        let url = Url::parse_with_params(&callback, answer).expect("a URL");
        away.browser.open(url.as_str()).await
    }

    /// A whole sign-in at a provider that answers by a script.
    pub(super) async fn sign_in(&self, provider: &str, script: impl FnOnce(&mut Script)) -> Page {
        self.upstream.answers(script);
        let away = self.go(provider, &[]).await;
        self.back(&away, provider, &[]).await
    }

    pub(super) async fn tokens(&self, page: &Page) -> Value {
        tokens(&self.app, page).await
    }

    pub(super) async fn id_token(&self, page: &Page) -> Value {
        id_token(&self.app, page).await
    }
}

#[tokio::test]
async fn the_request_is_bound_to_provider_browser_and_code() {
    // RFC 9700 §2.1, RFC 7636
    let world = World::new().await;
    let away = world.go("corp", &[("prompt", "login"), ("login_hint", "ada@acme.test")]).await;
    let expected = [
        ("response_type", "code"),
        ("client_id", "lanyard"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("max_age", "0"),
        ("login_hint", "ada@acme.test"),
    ];
    for (name, value) in expected {
        assert_eq!(away.request[name], value, "{name}");
    }
    let callback = format!("{}/callback/corp", world.app.issuer("main"));
    assert_eq!(away.request["redirect_uri"], callback);
    let again = world.go("corp", &[]).await;
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(away.request[name], again.request[name], "{name}");
    }
}

#[tokio::test]
async fn a_person_signs_in_and_keeps_the_subject() {
    let world = World::new().await;
    let page = world.sign_in("corp", |_| {}).await;
    let first = world.id_token(&page).await;
    assert_eq!(first["groups"], json!(["corp:staff"]));
    assert_eq!(first["preferred_username"], "corp:ada");
    assert_eq!(first["email_verified"], true);
    let request = world.upstream.requests.lock().expect("whole")[0].clone();
    assert!(request["code_verifier"].len() >= 43 && request["code"] == "a-code");
    // A new name and other groups belong to the same person; another `sub` is another person.
    let page =
        world.sign_in("corp", |script| script.id_token = json!({"preferred_username": "al"}));
    assert_eq!(world.id_token(&page.await).await["sub"], first["sub"]);
    let page = world.sign_in("corp", |script| script.id_token = json!({"sub": "2"})).await;
    assert_ne!(world.id_token(&page).await["sub"], first["sub"]);
}

#[tokio::test]
async fn an_id_token_with_a_wrong_claim_is_refused() {
    // OIDC Core §3.1.3.7
    let world = World::new().await;
    for lie in [
        json!({"iss": "https://evil.test"}),
        json!({"aud": "another"}),
        json!({"aud": ["lanyard", "another"]}),
        json!({"azp": "another"}),
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"exp": 1_700_000_001}),
        json!({"at_hash": "another"}),
        json!({"sub": null}),
        json!({"sub": "x".repeat(5000)}),
        json!({"preferred_username": " "}),
        json!({"_alg": "none"}),
        json!({"_alg": "HS256"}),
        json!({"groups": (0..2000).map(|n| format!("g{n}")).collect::<Vec<_>>()}),
        json!({"groups": null}),
        json!({"groups": null, "_claim_names": {"groups": "src1"}}),
    ] {
        let page = world.sign_in("corp", |script| script.id_token = lie.clone()).await;
        assert!(page.left_for.is_none(), "{lie}: {:?}", page.left_for);
        assert_eq!(page.status, 502, "{lie}");
        assert!(page.body.contains("Acme &#60;b&#62;staff&#60;/b&#62;"), "{lie}: {}", page.body);
    }
    // The keys of `world` are cached; a new one asks for those that do not match.
    let world = World::new().await;
    let page = world.sign_in("corp", |script| script.unsigned = true).await;
    assert_eq!(page.status, 502, "{}", page.body);
}

#[tokio::test]
async fn userinfo_of_another_person_is_not_used() {
    // OIDC Core §5.3.2
    let world = World::new().await;
    let lacking = json!({"preferred_username": null});
    let page = world.sign_in("corp", |script| {
        script.id_token = lacking.clone();
        script.userinfo = json!({"sub": "1", "preferred_username": "ada", "groups": ["root"]});
    });
    let claims = world.id_token(&page.await).await;
    assert_eq!(claims["preferred_username"], "corp:ada");
    assert_eq!(claims["groups"], json!(["corp:staff"]), "the signed claims win");
    let page = world.sign_in("corp", |script| {
        script.id_token = lacking.clone();
        script.userinfo = json!({"sub": "2", "preferred_username": "eve"});
    });
    assert_eq!(page.await.status, 502);
}

#[tokio::test]
async fn answers_of_other_requests_are_refused() {
    let world = World::new().await;
    world.upstream.answers(|_| {});
    let away = world.go("corp", &[]).await;
    // Mix-up: the response names another issuer (RFC 9207).
    let page = world.back(&away, "corp", &[("iss", "https://evil.test")]).await;
    assert_eq!(page.status, 502, "{}", page.body);
    // The state of one provider is given to the other.
    let page = world.back(&away, "other", &[]).await;
    assert_eq!(page.status, 400, "{}", page.body);
    for state in ["", "x", "AQAAAAAAAA"] {
        let page = world.back(&away, "corp", &[("state", state)]).await;
        assert_eq!(page.status, 400, "an unsolicited answer: {}", page.body);
    }
    // A stolen state in another browser.
    let thief = Away { browser: Browser::new(), request: away.request.clone() };
    let page = world.back(&thief, "corp", &[]).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert!(world.upstream.requests.lock().expect("whole").is_empty(), "no code was sent");
    // A code of another request does not have its nonce.
    world.upstream.nonce.lock().expect("whole").push('x');
    assert_eq!(world.back(&away, "corp", &[("code", "stolen")]).await.status, 502);
}

#[tokio::test]
async fn a_post_of_the_provider_goes_through_a_page() {
    // Browsers send no SameSite=Lax cookie with it.
    let world = World::new().await;
    world.upstream.answers(|_| {});
    let away = world.go("corp", &[]).await;
    let callback = format!("{}/callback/corp", world.app.issuer("main"));
    let fields = [("code", "a-code"), ("state", &away.request["state"]), ("extra", "<script>")];
    let page = away.browser.post(&callback, "https://corp.test", fields).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("&#60;script"), "other fields are dropped");
    let page = away.browser.submit(&page.form("/callback/corp"), &[]).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}

#[tokio::test]
async fn a_new_sign_in_must_be_proven() {
    let world = World::new().await;
    let now = world.app.clock.now().secs();
    for (auth_time, status) in [(json!(null), 403), (json!(now - 600), 403), (json!(now), 303)] {
        world.upstream.answers(|script| script.id_token = json!({"auth_time": auth_time}));
        let away = world.go("corp", &[("prompt", "login")]).await;
        let page = world.back(&away, "corp", &[]).await;
        assert_eq!(page.status, status, "{auth_time}: {}", page.body);
        if status == 403 {
            let (code, advice) = if auth_time.is_null() {
                ("sign_in_time_unknown", "must not require a new sign-in of people from")
            } else {
                ("sign_in_too_old", "then try again")
            };
            assert!(page.body.contains(code) && page.body.contains(advice), "{}", page.body);
        }
    }
}

/// A public address is called with TLS only. So no request is sent, and the page does not claim that the provider
/// failed.
#[tokio::test]
async fn a_provider_that_may_not_be_called_has_a_page_of_its_own() {
    for (issuer, cause) in [("http://1.1.1.1", "use https"), ("http://10.1.2.3", "upstreamHosts")] {
        let world = World::with(&[("UPSTREAM", issuer)]).await;
        let url =
            world.application().await.authorize_url("openid", &[("identity_provider", "corp")]);
        let page = Browser::new().open(&url).await;
        assert_eq!(page.status, 502, "{}", page.body);
        assert!(page.body.contains("provider_not_called"), "{}", page.body);
        let failed = world.app.audit.last("sign_in");
        assert_eq!(failed["reason"], "provider_unavailable");
        assert!(failed["cause"].as_str().is_some_and(|it| it.contains(cause)), "{failed}");
    }
}

#[tokio::test]
async fn an_unverified_or_foreign_address_is_never_verified() {
    let world = World::new().await;
    for (claims, expected) in [
        (json!({"email": "ada@evil.test"}), json!(false)),
        (json!({"email_verified": false}), json!(false)),
        (json!({"email_verified": null}), json!(null)),
    ] {
        let page = world.sign_in("corp", |script| script.id_token = claims.clone()).await;
        assert_eq!(world.id_token(&page).await["email_verified"], expected, "{claims}");
    }
}

#[tokio::test]
async fn declared_people_are_the_users_who_declare_them() {
    let world = World::new().await;
    let stranger = world.sign_in("other", |_| {}).await;
    assert_eq!(stranger.status, 403, "{}", stranger.body);
    let grace = |script: &mut Script| script.id_token = json!({"sub": "7", "email": "g@evil.test"});
    let page = world.sign_in("other", grace).await;
    let claims = world.id_token(&page).await;
    assert_eq!(claims["sub"], world.app.subject("main", "grace"));
    assert_eq!(claims["preferred_username"], "grace", "declared claims win");
    assert_eq!(claims["groups"], json!(["admins", "other:staff"]));
    // The same identifier at another provider is another person.
    let page = world.sign_in("corp", grace).await;
    assert_ne!(world.id_token(&page).await["sub"], claims["sub"]);
    world.serve(&[("  username: grace\n", "  username: grace\n  disabled: true\n")]);
    let page = world.sign_in("other", grace).await;
    assert_eq!(page.status, 403, "{}", page.body);
}

#[tokio::test]
async fn a_change_of_the_object_counts_at_the_next_use() {
    let world = World::new().await;
    let page = world.sign_in("corp", |_| {}).await;
    let mut refresh = world.tokens(&page).await["refresh_token"].as_str().expect("one").to_owned();
    let application = world.application().await;
    let rule = "claimValidationRules: [{claim: name, requiredValue: Eve, message: Ask Eve.}]";
    let expression =
        |name: &str| format!("claimValidationRules: [{{expression: \"claims.name == '{name}'\"}}]");
    for (changes, expected) in [
        (
            vec![("prefix: \"corp:\"}\n    groups", "prefix: \"new:\"}\n    groups")],
            Some("new:ada"),
        ),
        (vec![("# RULES", rule)], None),
        (vec![("# RULES", &*expression("Eve"))], None),
        (vec![("# RULES", &*expression("Ada Lovelace"))], Some("corp:ada")),
        (vec![("# RULES\n  admit: Everyone", "admit: ByRules")], None),
        (vec![], Some("corp:ada")),
    ] {
        world.serve_with_problems(&changes);
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let (status, tokens) = application.token(&form).await;
        match expected {
            Some(name) => {
                assert_eq!(status, 200, "{changes:?}: {tokens}");
                let id_token = claims(tokens["id_token"].as_str().expect("one"));
                assert_eq!(id_token["preferred_username"], name);
                tokens["refresh_token"].as_str().expect("one").clone_into(&mut refresh);
            }
            // An object without a rule is not accepted. That ends no session and no grant.
            None if changes.iter().any(|(_, to)| *to == "admit: ByRules") => {
                assert_eq!((status, &tokens["error"]), (503, &json!("temporarily_unavailable")));
            }
            None => assert_eq!((status, &tokens["error"]), (400, &json!("invalid_grant"))),
        }
    }
    let page = world.sign_in("corp", |script| script.id_token = json!({"groups": ["x"]})).await;
    assert!(page.left_for.is_some());
    world.serve(&[("# RULES", rule)]);
    let page = world.sign_in("corp", |_| {}).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Ask Eve."), "{}", page.body);
}

#[tokio::test]
async fn an_outage_or_a_wrong_provider_has_a_page_and_loses_nothing() {
    let world = World::new().await;
    let invalid = r#"{"error":"invalid_grant"}"#;
    for (answer, status) in [
        ((503, String::new()), 503),
        ((400, invalid.to_owned()), 502),
        ((401, r#"{"error":"invalid_client"}"#.to_owned()), 502),
        ((200, "<html>".to_owned()), 502),
        ((200, "x".repeat(1_000_000)), 502),
        ((302, String::new()), 502),
    ] {
        let shown = answer.1.chars().take(40).collect::<String>();
        let page = world.sign_in("corp", |script| script.token_response = Some(answer)).await;
        assert_eq!(page.status, status, "{shown}");
        assert!(page.body.contains("Start again"), "{}", page.body);
    }
    let denied = world.go("corp", &[]).await;
    let page = world.back(&denied, "corp", &[("code", ""), ("error", "access_denied")]).await;
    assert_eq!(page.status, 403, "{}", page.body);
    // The provider is deleted while a person is there.
    let away = world.go("corp", &[]).await;
    world.serve(&[("name: corp}", "name: renamed}")]);
    let page = world.back(&away, "corp", &[]).await;
    assert_eq!(page.status, 404, "{}", page.body);
}
