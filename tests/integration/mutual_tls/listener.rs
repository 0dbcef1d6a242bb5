//! The port where clients present certificates: what it serves, and who reaches it.

use serde_json::{Value, json};

use super::{
    certificates::Identity,
    world::{World, assert_error},
};

#[tokio::test]
async fn the_document_tells_the_addresses_that_work() {
    // RFC 8705 §5
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let plain = world.caller(("shop", "plain"), Some(&identity)).await;
    assert_eq!(plain.document["tls_client_certificate_bound_access_tokens"], true);
    let aliases = plain.document["mtls_endpoint_aliases"].as_object().expect("an object").clone();
    assert_eq!(aliases.len(), 5, "{aliases:?}");
    for (endpoint, url) in aliases {
        let url = url.as_str().expect("a URL");
        assert!(url.starts_with("https://localhost:"), "{url}");
        let response = plain.http.get(url).send().await.expect("an answer");
        assert_ne!(response.status(), 404, "{endpoint}");
    }
}

#[tokio::test]
async fn pages_are_not_served_where_certificates_are_asked_for() {
    let world = World::new().await;
    let port = world.app.mutual_tls_port();
    for path in ["login", "oauth/authorize", "account", ".well-known/openid-configuration", ""] {
        let url = format!("https://localhost:{port}/default/shop/{path}");
        let response = world.http(None).get(url).send().await.expect("an answer");
        assert_eq!(response.status(), 404, "{path}");
        let answer: Value = response.json().await.expect("JSON");
        let told = answer["error_description"].as_str().expect("a description");
        assert!(told.contains("mtls_endpoint_aliases"), "{told}");
    }
}

#[tokio::test]
async fn headers_of_a_client_tell_no_certificate() {
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let plain = world.caller(("shop", "plain"), None).await;
    let header = format!(":{}:", base64(&identity.der));
    let headers = [
        ("client-cert", &*header),
        ("ssl-client-cert", &*header),
        ("x-forwarded-client-cert", &*header),
    ];
    let form = [("grant_type", "client_credentials")];
    for url in
        [plain.alias("token_endpoint"), plain.application.endpoint("token_endpoint").to_owned()]
    {
        assert_error(&plain.post_to(&url, &form, &headers).await, 401, "invalid_client");
    }
    // A certificate of the connection goes before, whatever a header says.
    let other = world.issue("ledger.acme.test");
    let other = world.caller(("shop", "plain"), Some(&other)).await;
    let answer = other.post_to(&other.alias("token_endpoint"), &form, &headers).await;
    assert_error(&answer, 401, "invalid_client");
}

#[tokio::test]
async fn a_certificate_without_its_key_gives_no_connection() {
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let stolen = Identity { key: Identity::self_signed("x").key, ..identity };
    // The pair does not match, so rustls refuses to make such a client; a thief's library would send it.
    let pem = format!("{}{}", stolen.key, stolen.certificate);
    let client = reqwest::Identity::from_pem(pem.as_bytes())
        .and_then(|identity| reqwest::Client::builder().identity(identity).build());
    if let Ok(client) = client {
        let plain = world.caller(("shop", "plain"), None).await;
        let request = client.post(plain.alias("token_endpoint"));
        request.send().await.expect_err("the handshake fails");
    }
}

#[tokio::test]
async fn without_the_port_certificates_are_neither_advertised_nor_allowed() {
    let app = super::app::TestApp::start(
        "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: shop}\nspec: {}\n",
    )
    .await;
    let url = format!("{}/.well-known/openid-configuration", app.issuer("shop"));
    let document: Value = reqwest::get(url).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(document.get("mtls_endpoint_aliases"), None);
    let methods = document["token_endpoint_auth_methods_supported"].as_array().expect("a list");
    assert!(!methods.contains(&json!("tls_client_auth")), "{methods:?}");
}

fn base64(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(der)
}
