//! Tokens bound to certificates (RFC 8705 §3, §4), and uses of them without the certificate.

use serde_json::json;

use super::{
    browser::{Browser, claims},
    certificates::Identity,
    dpop::DpopKey,
    world::{World, assert_error},
};

#[tokio::test]
async fn a_bound_token_is_used_with_its_certificate_only() {
    // RFC 8705 §3
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let ledger = world.caller(("shop", "ledger"), Some(&identity)).await;
    let tokens = ledger.tokens().await;
    let token = tokens["access_token"].as_str().expect("a token");
    assert_eq!(claims(token)["cnf"], json!({ "x5t#S256": identity.thumbprint() }));
    let (status, user) = ledger.userinfo(&tokens).await;
    assert_eq!((status, &user["name"]), (200, &json!("Alice")), "{user}");

    let swapped = world.issue("ledger.acme.test");
    for other in [Some(&swapped), None] {
        let thief = world.caller(("shop", "ledger"), other).await;
        assert_error(&thief.userinfo(&tokens).await, 401, "invalid_token");
    }
    // At the ordinary address there is no certificate, whatever a header says.
    let endpoint = ledger.application.endpoint("userinfo_endpoint");
    let header = format!(":{}:", base64(&identity.der));
    let request = ledger.http.get(endpoint).bearer_auth(token).header("client-cert", header);
    assert_error(&super::world::read(request).await, 401, "invalid_token");
    // Nor does a DPoP proof stand for it.
    let (key, now) = (DpopKey::new(), lanyard::model::Clock::now(&*world.app.clock));
    let alias = ledger.alias("userinfo_endpoint");
    let request = ledger.http.get(&alias).header("authorization", format!("DPoP {token}"));
    let request = request.header("dpop", key.proof_with("GET", &alias, now, token));
    assert_error(&super::world::read(request).await, 401, "invalid_token");
}

#[tokio::test]
async fn a_bound_token_is_revoked_with_a_certificate_of_its_client_only() {
    // RFC 7009 §2.1
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let ledger = world.caller(("shop", "ledger"), Some(&identity)).await;
    let tokens = ledger.tokens().await;
    let form = [("token", tokens["access_token"].as_str().expect("a token"))];
    let other = world.issue("plain.acme.test");
    for stolen in [Some(&other), None] {
        let thief = world.caller(("shop", "ledger"), stolen).await;
        assert_error(&thief.post("revocation_endpoint", &form).await, 401, "invalid_client");
    }
    let plain = world.caller(("shop", "plain"), Some(&other)).await;
    assert_error(&plain.post("revocation_endpoint", &form).await, 400, "invalid_grant");
    assert_eq!(ledger.userinfo(&tokens).await.0, 200, "nothing was revoked");
    // A renewed certificate is one of the client, although the token is not bound to it.
    let renewed = world.issue("ledger.acme.test");
    let renewed = world.caller(("shop", "ledger"), Some(&renewed)).await;
    assert_eq!(renewed.post("revocation_endpoint", &form).await.0, 200);
    assert_error(&ledger.userinfo(&tokens).await, 401, "invalid_token");
    assert_error(&ledger.refresh(&tokens).await, 400, "invalid_grant");
}

#[tokio::test]
async fn introspection_returns_the_thumbprint_of_the_certificate() {
    // RFC 8705 §3.2
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let ledger = world.caller(("shop", "ledger"), Some(&identity)).await;
    let (_, tokens) = ledger.client_credentials(&[]).await;
    let answer = world.introspect(tokens["access_token"].as_str().expect("a token")).await;
    assert_eq!(
        (&answer["active"], &answer["cnf"], &answer["token_type"]),
        (&json!(true), &json!({ "x5t#S256": identity.thumbprint() }), &json!("Bearer")),
        "{answer}"
    );
    let other = world.issue("plain.acme.test");
    let plain = world.caller(("shop", "plain"), Some(&other)).await;
    let (_, tokens) = plain.client_credentials(&[]).await;
    let unbound = claims(tokens["access_token"].as_str().expect("a token"));
    assert_eq!(unbound.get("cnf"), None, "the client does not ask for it");
}

#[tokio::test]
async fn the_grant_of_a_public_client_stays_bound_to_its_certificate() {
    // RFC 8705 §4
    let world = World::new().await;
    let identity = Identity::self_signed("laptop");
    let native = world.caller(("shop", "native"), Some(&identity)).await;
    let tokens = native.tokens().await;
    let (status, next) = native.refresh(&tokens).await;
    assert_eq!(status, 200, "{next}");
    let token = next["refresh_token"].as_str().expect("a token");
    let introspected = native.post("introspection_endpoint", &[("token", token)]).await;
    assert_error(&introspected, 401, "invalid_client");

    let other = Identity::self_signed("laptop");
    let thief = world.caller(("shop", "native"), Some(&other)).await;
    assert_error(&thief.refresh(&next).await, 400, "invalid_grant");
    let without = world.caller(("shop", "native"), None).await;
    assert_error(&without.refresh(&next).await, 400, "invalid_request");
    // The grant stays bound after the client's metadata no longer asks for bound tokens.
    world.change(
        "tokenEndpointAuthMethod: none\n  tlsClientCertificateBoundAccessTokens: true",
        "tokenEndpointAuthMethod: none",
    );
    assert_error(&without.refresh(&next).await, 400, "invalid_request");
    let (status, last) = native.refresh(&next).await;
    assert_eq!(status, 200, "nothing was spent: {last}");
    let token = claims(last["access_token"].as_str().expect("a token"));
    assert_eq!(token["cnf"], json!({ "x5t#S256": identity.thumbprint() }));
}

#[tokio::test]
async fn the_grant_of_a_public_client_is_bound_if_only_the_resource_server_requires_it() {
    // RFC 8705 §4
    let world = World::new().await;
    world.change(
        "tokenEndpointAuthMethod: none\n  tlsClientCertificateBoundAccessTokens: true",
        "tokenEndpointAuthMethod: none",
    );
    let identity = Identity::self_signed("laptop");
    let native = world.caller(("shop", "native"), Some(&identity)).await;
    let scope = "openid vault.read offline_access";
    let url = native.application.authorize_url(scope, &[("resource", "https://vault.test")]);
    let code = native.code_at(&Browser::new(), &url).await;
    let (status, tokens) = native.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    let other = Identity::self_signed("laptop");
    let thief = world.caller(("shop", "native"), Some(&other)).await;
    assert_error(&thief.refresh(&tokens).await, 400, "invalid_grant");
    let without = world.caller(("shop", "native"), None).await;
    assert_error(&without.refresh(&tokens).await, 400, "invalid_request");
    let (status, next) = native.refresh(&tokens).await;
    assert_eq!(status, 200, "nothing was spent: {next}");
    let token = claims(next["access_token"].as_str().expect("a token"));
    assert_eq!(token["cnf"], json!({ "x5t#S256": identity.thumbprint() }));
}

#[tokio::test]
async fn a_token_request_without_the_certificate_is_refused() {
    // RFC 8705 §3.4
    let world = World::new().await;
    let native = world.caller(("shop", "native"), None).await;
    let code = native.code("openid").await;
    let answer = native.redeem(&code).await;
    assert_error(&answer, 400, "invalid_request");
    let told = answer.1["error_description"].as_str().expect("a description");
    assert!(told.contains("mtls_endpoint_aliases"), "{told}");
    let identity = Identity::self_signed("laptop");
    let native = world.caller(("shop", "native"), Some(&identity)).await;
    let (status, tokens) = native.redeem(&code).await;
    assert_eq!(status, 200, "the code is not spent: {tokens}");
}

#[tokio::test]
async fn a_resource_server_can_require_certificates() {
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let plain = world.caller(("shop", "plain"), Some(&identity)).await;
    let (status, tokens) = plain.client_credentials(&[("resource", "https://vault.test")]).await;
    assert_eq!(status, 200, "{tokens}");
    let token = tokens["access_token"].as_str().expect("a token");
    let bound = claims(token);
    assert_eq!(
        (&bound["aud"], &bound["cnf"]),
        (&json!("https://vault.test"), &json!({ "x5t#S256": identity.thumbprint() }))
    );
    assert_eq!(world.introspect(token).await["active"], true);
    world.change("tokenBinding: MutualTls", "tokenBinding: Bearer");
    let (_, unbound) = plain.client_credentials(&[("resource", "https://vault.test")]).await;
    let unbound = unbound["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(world.introspect(&unbound).await["active"], true);
    world.change("tokenBinding: MutualTls", "tokenBinding: MutualTls");
    assert_eq!(world.introspect(&unbound).await["active"], false, "it was issued before");
    // A DPoP proof does not replace a certificate.
    world.change("tokenBinding: MutualTls", "tokenBinding: DPoP");
    assert_eq!(world.introspect(token).await["active"], false);
}

#[tokio::test]
async fn a_bound_token_is_exchanged_with_its_certificate_for_a_bound_token() {
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let ledger = world.caller(("shop", "ledger"), Some(&identity)).await;
    let scope = "openid shared offline_access";
    let url = ledger.application.authorize_url(scope, &[("resource", "https://gateway.test")]);
    let code = ledger.code_at(&Browser::new(), &url).await;
    let (status, tokens) = ledger.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", tokens["access_token"].as_str().expect("a token")),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", "https://vault.test"),
    ];
    let (status, answer) = ledger.post("token_endpoint", &form).await;
    assert_eq!(status, 200, "{answer}");
    let token = claims(answer["access_token"].as_str().expect("a token"));
    assert_eq!(token["cnf"], json!({ "x5t#S256": identity.thumbprint() }));
    // Another certificate of the same client does not prove that it holds the token.
    let swapped = world.issue("ledger.acme.test");
    let other = world.caller(("shop", "ledger"), Some(&swapped)).await;
    let answer = other.post("token_endpoint", &form).await;
    assert_error(&answer, 400, "invalid_request");
    let told = answer.1["error_description"].as_str().expect("a description");
    assert!(told.contains("subject token"), "{told}");
}

fn base64(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(der)
}
