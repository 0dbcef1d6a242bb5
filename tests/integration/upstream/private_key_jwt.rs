//! A tenant that authenticates at its provider with its own keys.

use lanyard::model::Clock;
use serde_json::json;

use super::{
    app::TestApp,
    attacks::World,
    browser::{Browser, verified},
    world::{ADA, HOME, application, id_token, sign_in, with_application},
};

const SECRET: &str = "clientSecretRef: {name: secret}\n  identityKey: https://corp.test";

fn with(spec: &str) -> String {
    format!("privateKeyJwt: {spec}\n  identityKey: https://corp.test")
}

#[tokio::test]
async fn an_assertion_is_signed_with_a_key_of_the_tenant() {
    // RFC 7523 §3
    let world = World::with(&[(SECRET, &with("{}"))]).await;
    let endpoint = format!("{}/token", world.upstream.issuer);
    let now = world.app.clock.now().secs();
    let mut ids = Vec::new();
    for (spec, audience) in [
        ("{}", endpoint.as_str()),
        ("{algorithm: RS256, audience: TokenEndpoint}", &endpoint),
        ("{audience: Issuer}", &world.upstream.issuer),
    ] {
        world.serve(&[(SECRET, &with(spec))]);
        let page = world.sign_in("corp", |_| {}).await;
        assert!(world.id_token(&page).await["sub"].is_string());
        let sent = world.upstream.requests.lock().expect("whole").pop().expect("a request");
        assert_eq!(sent["client_id"], "lanyard");
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(sent["client_assertion_type"], kind);
        assert!(!sent.contains_key("client_secret"));
        let jwks = world.application().await.jwks().await;
        let claims = verified(&sent["client_assertion"], &jwks, audience);
        assert_eq!(claims["aud"], audience, "and no other");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("lanyard"), &json!("lanyard")));
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 60)));
        ids.push(claims["jti"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "each is used once: {ids:?}");
}

#[tokio::test]
async fn a_tenant_takes_the_assertions_of_another() {
    let client = "  consent: Implied\n  secretRef: {name: secret}\n---\napiVersion: lanyard.dev/v1alpha1\nkind: OidcUser";
    let manifests = with_application(HOME)
        .replace("clientSecretRef: {name: secret, key: client-secret}", "privateKeyJwt: {}")
        .replace(client, "  consent: Implied\n  tokenEndpointAuthMethod: private_key_jwt\n  jwksUri: ORIGIN/default/main/oauth/jwks\n---\napiVersion: lanyard.dev/v1alpha1\nkind: OidcUser");
    assert!(manifests.contains("jwksUri"));
    let app = TestApp::start(&manifests).await;
    let (application, browser) = (application(&app).await, Browser::new());
    let page = browser.open(&application.authorize_url("openid profile", &[])).await;
    let page = sign_in(&browser, &page, ADA).await;
    assert_eq!(id_token(&app, &page).await["preferred_username"], "ada");
}

#[tokio::test]
async fn a_key_that_the_tenant_lacks_and_its_issuer_as_client_are_refused() {
    let world = World::new().await;
    let issuer = world.app.issuer("main");
    for (from, to) in [
        (SECRET, with("{algorithm: ES256}")),
        (
            "clientId: lanyard\n    clientSecretRef: {name: secret}\n  identityKey: https://corp.test",
            format!("clientId: {issuer}\n    {}", with("{}")),
        ),
    ] {
        world.serve_with_problems(&[(from, &to)]);
        let url =
            world.application().await.authorize_url("openid", &[("identity_provider", "corp")]);
        let page = Browser::new().open(&url).await;
        assert!(page.left_for.is_none() && !page.body.contains("Continue with Acme"), "{to}");
    }
}
