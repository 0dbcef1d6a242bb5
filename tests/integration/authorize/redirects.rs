//! Redirect URIs as applications have them: schemes of their own, loopback hosts, plain http; and
//! client ids that are URLs.

use lanyard::http::ServerConfig;

use super::{
    app::TestApp,
    browser::{Application, Browser},
    world::ALICE,
};

const MANIFESTS: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: home}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: cloud}
spec:
  tenantRef: {name: home}
  clientId: "https://cloud.example.com:8443/@desktop"
  consent: Implied
  redirectUris:
    - https://cloud.example.com/cb
    - oc://android.opencloud.eu
    - kitchenowl:/signin/redirect
    - "app.immich:///oauth-callback"
    - http://app.localhost:3000/cb
    - http://nas.home.lan:8096/cb
  secretRef: {name: cloud}
---
apiVersion: v1
kind: Secret
metadata: {name: cloud}
stringData: {client-secret: "a secret of at least thirty-two characters"}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: tool}
spec:
  tenantRef: {name: home}
  consent: Implied
  applicationType: native
  tokenEndpointAuthMethod: none
  redirectUris: ["http://localhost", "http://127.0.0.1:8000/cb"]
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: alice}
spec:
  tenantRef: {name: home}
  username: alice
  passwordSecretRef: {name: passwords, key: alice}
---
apiVersion: v1
kind: Secret
metadata: {name: passwords}
stringData: {alice: correct horse}
"#;

const CLOUD: &str = "https://cloud.example.com:8443/@desktop";
const SECRET: &str = "a secret of at least thirty-two characters";

async fn application(app: &TestApp, client_id: &str, redirect_uri: &str) -> Application {
    let secret = (client_id != "default.tool").then_some(SECRET);
    Application::discover(&app.issuer("home"), client_id, secret, redirect_uri).await
}

/// Signs in with a redirect URI and redeems the code.
async fn signs_in(app: &TestApp, client_id: &str, redirect_uri: &str) {
    let rp = application(app, client_id, redirect_uri).await;
    let browser = Browser::new();
    let answer = rp.sign_in(&browser, &rp.authorize_url("openid", &[]), ALICE).await;
    let code = answer.get("code").unwrap_or_else(|| panic!("{redirect_uri}: {answer:?}"));
    let (status, tokens) = rp.redeem(code).await;
    assert_eq!(status, 200, "{redirect_uri}: {tokens}");
    let page = browser.open(&rp.authorize_url("openid", &[])).await;
    let left_for = page.left_for.expect("it leaves for the application");
    assert!(left_for.as_str().starts_with(redirect_uri), "{left_for}");
}

#[tokio::test]
async fn applications_sign_in_with_their_own_schemes_and_client_ids_that_are_urls() {
    // RFC 8252 §7.1
    let app = TestApp::start_configured(MANIFESTS, ServerConfig::default()).await;
    for uri in [
        "oc://android.opencloud.eu",
        "kitchenowl:/signin/redirect",
        "app.immich:///oauth-callback",
        "https://cloud.example.com/cb",
        "http://app.localhost:3000/cb",
        "http://nas.home.lan:8096/cb",
    ] {
        signs_in(&app, CLOUD, uri).await;
    }
    // Many libraries do not encode the id in the Authorization header.
    let rp = application(&app, CLOUD, "https://cloud.example.com/cb").await;
    for (secret, expected) in [(SECRET, "invalid_grant"), ("wrong", "invalid_client")] {
        let request = reqwest::Client::new().post(rp.endpoint("token_endpoint"));
        let form = [("grant_type", "authorization_code"), ("code", "unknown")];
        let response = request.basic_auth(CLOUD, Some(secret)).form(&form).send().await;
        let answer: serde_json::Value = response.expect("an answer").json().await.expect("JSON");
        assert_eq!(answer["error"], expected, "{answer}");
    }
}

#[tokio::test]
async fn native_loopback_uris_match_any_port_with_and_without_the_final_slash() {
    // RFC 8252 §7.3
    let app = TestApp::start_configured(MANIFESTS, ServerConfig::default()).await;
    for uri in ["http://localhost/", "http://localhost:51004/", "http://127.0.0.1:51004/cb"] {
        signs_in(&app, "default.tool", uri).await;
    }
    // The two forms of one URI: with the slash for the code, and without to redeem it.
    let asking = application(&app, "default.tool", "http://localhost:51004/").await;
    for (redeemed_at, expected) in
        [("http://localhost:51005", 400), ("http://localhost:51004", 200)]
    {
        let url = asking.authorize_url("openid", &[]);
        let answer = asking.sign_in(&Browser::new(), &url, ALICE).await;
        let redeeming = application(&app, "default.tool", redeemed_at).await;
        assert_eq!(redeeming.redeem(&answer["code"]).await.0, expected, "{redeemed_at}");
    }
    for refused in [
        "http://localhost.evil.test/",
        "http://localhost:51004/cb",
        "http://127.0.0.1/cb/",
        "https://localhost/",
    ] {
        let rp = application(&app, "default.tool", refused).await;
        let page = Browser::new().open(&rp.authorize_url("openid", &[])).await;
        assert_eq!((page.status, page.left_for), (400, None), "{refused}");
    }
}
