//! Answers without a request, of another request, and answers that come twice.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use url::Url;

use super::{
    attacks::{Away, World},
    browser::Browser,
};

/// Another tenant with a provider of the same name and with the same upstream.
const TWIN: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {namespace: other, name: twin}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {namespace: other, name: corp}
spec:
  tenantRef: {name: twin}
  type: OIDC
  oidc: {issuer: UPSTREAM, clientId: lanyard}
  identityKey: https://corp.test
  admit: Everyone
---
";

impl World {
    /// The codes that the provider has received.
    fn codes(&self) -> usize {
        self.upstream.requests.lock().expect("whole").len()
    }
}

#[tokio::test]
async fn an_answer_without_a_state_of_this_browser_is_refused() {
    let world = World::new().await;
    let callback = format!("{}/callback/corp", world.app.issuer("main"));
    let away = world.go("corp", &[]).await;
    for query in [
        "",
        "?code=a-code",
        "?error=access_denied",
        "?code=a-code&iss=https://corp.test",
        "?code=a-code&state=a-state",
        "?code=a-code&state=a&state=b",
    ] {
        for browser in [&Browser::new(), &away.browser] {
            let page = browser.open(&format!("{callback}{query}")).await;
            assert_eq!(page.status, 400, "{query}: {}", page.body);
            assert!(page.left_for.is_none() && !page.headers.contains_key("set-cookie"), "{query}");
        }
    }
    // A form of another site becomes one of this site, and is judged as any answer.
    let form = [("code", "a-code"), ("state", "a-state")];
    let page = away.browser.post(&callback, "https://evil.test", form).await;
    let page = away.browser.submit(&page.form("/callback/corp"), &[]).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert_eq!(world.codes(), 0);
}

/// RFC 9207 §2.4: a provider that announced `iss` must send it.
#[tokio::test]
async fn an_answer_of_another_issuer_sends_no_code() {
    let world = World::new().await;
    world.upstream.answers(|script| {
        script.metadata = json!({"authorization_response_iss_parameter_supported": true});
    });
    let away = world.go("corp", &[]).await;
    for issuer in ["", "https://evil.test", &format!("{}/", world.upstream.issuer)] {
        let answer = if issuer.is_empty() { vec![] } else { vec![("iss", issuer)] };
        let page = world.back(&away, "corp", &answer).await;
        assert_eq!(page.status, 502, "{issuer}: {}", page.body);
    }
    assert_eq!(world.codes(), 0, "the code of one provider is not sent to another");
    let issuer = world.upstream.issuer.clone();
    let page = world.back(&away, "corp", &[("iss", &issuer)]).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}

#[tokio::test]
async fn a_state_counts_for_its_tenant_and_for_fifteen_minutes() {
    let user = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcUser";
    let world = World::with(&[(user, &format!("{}{user}", TWIN.trim_start()))]).await;
    let away = world.go("corp", &[]).await;
    let callback = format!("{}/other/twin/callback/corp", world.app.origin);
    let answer = [("code", "a-code"), ("state", &away.request["state"])];
    let url = Url::parse_with_params(&callback, answer).expect("a URL");
    let page = away.browser.open(url.as_str()).await;
    assert_eq!(page.status, 400, "the state of another tenant: {}", page.body);

    world.app.clock.advance(Duration::from_mins(16));
    let page = world.back(&away, "corp", &[]).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert!(page.body.contains("Start again"), "{}", page.body);
    assert_eq!(world.codes(), 0);
}

/// RFC 9700 §4.5: a code that an attacker got is bound to the attacker's own request.
#[tokio::test]
async fn an_injected_code_is_refused() {
    let world = World::new().await;
    let attacker = world.go("corp", &[]).await;
    let victim = world.go("corp", &[]).await;
    // The provider answers with the ID token of the attacker's request.
    world.upstream.nonce.lock().expect("whole").clone_from(&attacker.request["nonce"]);
    let page = world.back(&victim, "corp", &[("code", "of-the-attacker")]).await;
    assert_eq!(page.status, 502, "{}", page.body);
    // A provider that checks PKCE has refused the code before: the verifier is the victim's.
    let sent = world.upstream.requests.lock().expect("whole")[0].clone();
    let hash =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, sent["code_verifier"].as_bytes());
    let challenge = URL_SAFE_NO_PAD.encode(hash.as_ref());
    assert_eq!(challenge, victim.request["code_challenge"]);
    assert_ne!(challenge, attacker.request["code_challenge"]);
    // The attacker's own answer in the victim's browser would sign in the attacker there.
    let swapped = Away { browser: victim.browser, request: attacker.request };
    let page = world.back(&swapped, "corp", &[]).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert_eq!(world.codes(), 1, "the code was not sent");
}

#[tokio::test]
async fn a_repeated_answer_does_not_end_the_session() {
    let world = World::new().await;
    world.upstream.answers(|_| {});
    let away = world.go("corp", &[]).await;
    let first = world.back(&away, "corp", &[]).await;
    let subject = world.id_token(&first).await["sub"].clone();
    // The provider redeems a code once.
    let spent = (400, json!({"error": "invalid_grant"}).to_string());
    world.upstream.answers(|script| script.token_response = Some(spent));
    let page = world.back(&away, "corp", &[]).await;
    assert_eq!(page.status, 502, "{}", page.body);
    assert!(page.left_for.is_none());
    let url = world.application().await.authorize_url("openid", &[("prompt", "none")]);
    let page = away.browser.open(&url).await;
    assert_eq!(world.id_token(&page).await["sub"], subject);
}

/// The parameters of the application choose among the providers of the tenant, and nothing else.
#[tokio::test]
async fn a_hint_leads_to_a_provider_of_the_tenant_only() {
    let world = World::new().await;
    world.serve(&[("  # RULES", "  signIn: {domains: [acme.test]}\n  # RULES")]);
    let application = world.application().await;
    let hostile = "\"><script>alert(1)</script>";
    for (name, value) in [
        ("identity_provider", "https://evil.test"),
        ("identity_provider", "//evil.test"),
        ("identity_provider", "../corp"),
        ("identity_provider", "default/corp"),
        ("identity_provider", "CORP"),
        ("identity_provider", "corp?x"),
        ("identity_provider", hostile),
        ("login_hint", "https://evil.test"),
        ("login_hint", "ada@evil.test"),
        ("login_hint", "ada@sub.acme.test"),
        ("login_hint", "ada@acme.test.evil.test"),
        ("login_hint", "ada@evil-acme.test"),
        ("login_hint", "ada@acme.test@evil.test"),
        ("login_hint", "ada@https://acme.test"),
        ("login_hint", hostile),
        ("domain_hint", "evil.test"),
        ("kc_idp_hint", "https://evil.test"),
    ] {
        let page =
            Browser::new().open(&application.authorize_url("openid", &[(name, value)])).await;
        assert_eq!(page.status, 200, "{name}={value}: {}", page.body);
        assert!(page.left_for.is_none(), "{name}={value}: {:?}", page.left_for);
        for mark in ["href=\"https://evil", "href=\"//evil", "action=\"https://evil", "<script>"] {
            assert!(!page.body.contains(mark), "{name}={value}: {}", page.body);
        }
    }
    for hint in ["ada@acme.test", "ADA@Acme.Test", "@acme.test", "evil.test@acme.test"] {
        let page = Browser::new()
            .open(&application.authorize_url("openid", &[("login_hint", hint)]))
            .await;
        let url = page.left_for.unwrap_or_else(|| panic!("{hint}: {}", page.body));
        assert!(url.as_str().starts_with(&world.upstream.issuer), "{url}");
        let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        // A domain alone is not the name of a person.
        let expected = (!hint.starts_with('@')).then_some(hint);
        assert_eq!(request.get("login_hint").map(String::as_str), expected);
        let callback = format!("{}/callback/corp", world.app.issuer("main"));
        assert_eq!(request["redirect_uri"], callback);
    }
}

#[tokio::test]
async fn the_language_of_the_application_survives_the_way_to_a_provider() {
    let world = World::new().await;
    let away = world.go("corp", &[("ui_locales", "de")]).await;
    let page = world.back(&away, "corp", &[("code", ""), ("error", "access_denied")]).await;
    assert_eq!(page.headers["content-language"], "de", "{}", page.body);
    assert!(page.body.contains("<html lang=\"de\" "), "{}", page.body);
    assert!(page.body.contains("Keine Anmeldung durch "), "{}", page.body);
}
