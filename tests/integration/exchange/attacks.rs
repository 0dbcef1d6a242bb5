//! Exchanges that are refused: wrong tokens, wrong callers, wrong targets (RFC 8693 §2.2.2, §5).

use serde_json::json;

use super::{
    browser::{Application, Browser, claims},
    publisher::signed,
    world::{
        ACCESS_TOKEN, ALICE, BOB, GATEWAY, GRANT_TYPE, ID_TOKEN, JWT, MANIFESTS, ORDERS, TICKETS,
        World, assert_error, exchange, granted, text,
    },
};

const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const SAML: &str = "urn:ietf:params:oauth:token-type:saml2";

/// A client that authenticates by tokens of another issuer.
const FEDERATED: &str = "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: ci}
spec:
  tenantRef: {name: shop}
  grantTypes: [client_credentials, 'urn:ietf:params:oauth:grant-type:token-exchange']
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
  - issuer: https://ci.test
    jwks: {keys: [{kty: OKP, crv: Ed25519, kid: one, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}
    subject: main
";

#[tokio::test]
async fn parameters_are_checked() {
    // RFC 8693 §2.1
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let token = text(&tokens, "access_token");
    let target = ("audience", ORDERS);
    for (more, error, words) in [
        (&[target, ("subject_token", "")][..], "invalid_request", "'subject_token' is missing"),
        (
            &[target, ("subject_token_type", "")],
            "invalid_request",
            "'subject_token_type' is missing",
        ),
        (&[target, ("subject_token_type", SAML)], "invalid_request", "is not supported; use"),
        (&[target, ("requested_token_type", ID_TOKEN)], "invalid_request", "requested_token_type"),
        (&[target, ("requested_token_type", REFRESH_TOKEN)], "invalid_request", "is not supported"),
        (&[target, ("actor_token", token)], "invalid_request", "'actor_token_type' is missing"),
        (
            &[target, ("actor_token_type", ACCESS_TOKEN)],
            "invalid_request",
            "'actor_token' is missing",
        ),
        (
            &[target, ("actor_token", token), ("actor_token_type", ID_TOKEN)],
            "invalid_request",
            "'actor_token_type' is not supported",
        ),
        (&[], "invalid_request", "Name the target"),
        (&[target, ("resource", TICKETS)], "invalid_target", "one resource"),
        (&[target, ("audience", TICKETS)], "invalid_target", "one resource"),
        (&[("audience", "https://unknown.test")], "invalid_target", "is unknown"),
        (&[target, ("resource", "https://unknown.test")], "invalid_target", "is unknown"),
    ] {
        assert_error(&exchange(&world.gateway, token, more).await, error, words);
    }
    let both = [target, ("resource", ORDERS)];
    granted(exchange(&world.gateway, token, &both).await);
}

#[tokio::test]
async fn other_tokens_are_refused_as_the_subject() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let (access, id) = (text(&tokens, "access_token"), text(&tokens, "id_token"));
    let target = [("audience", TICKETS)];
    let as_id = [("audience", TICKETS), ("subject_token_type", ID_TOKEN)];
    let refused = exchange(&world.web, id, &target).await;
    assert_error(&refused, "invalid_request", "is not an access token of this issuer");
    let refused = exchange(&world.web, access, &as_id).await;
    assert_error(&refused, "invalid_request", "is not an ID token of this issuer");
    let refresh = text(&tokens, "refresh_token");
    for (more, words) in [(&target[..], "not an access token"), (&as_id, "not an ID token")] {
        assert_error(&exchange(&world.web, refresh, more).await, "invalid_request", words);
    }
    let typed = [("audience", TICKETS), ("subject_token_type", REFRESH_TOKEN)];
    assert_error(&exchange(&world.web, refresh, &typed).await, "invalid_request", "not supported");
    // A token of a client that acts for itself has no person.
    let own = [("grant_type", "client_credentials"), ("resource", GATEWAY)];
    let own = granted(world.web.token(&own).await);
    let refused = exchange(&world.gateway, text(&own, "access_token"), &[("audience", ORDERS)]);
    assert_error(&refused.await, "invalid_request", "acts for itself");
    // An altered one.
    let mut altered = access.to_owned();
    let at = altered.len() - 20;
    let other = if altered.as_bytes()[at] == b'A' { "B" } else { "A" };
    altered.replace_range(at..=at, other);
    let refused = exchange(&world.gateway, &altered, &[("audience", ORDERS)]).await;
    assert_error(&refused, "invalid_request", "is not an access token");
}

#[tokio::test]
async fn a_token_of_a_federated_issuer_is_refused_as_the_subject() {
    let world = World::new().await;
    world.app.serve(&(MANIFESTS.to_owned() + FEDERATED));
    let (issuer, now) = (world.app.issuer("shop"), world.now().secs());
    let token = signed(&json!({
        "iss": "https://ci.test", "sub": "main", "aud": [issuer], "iat": now, "exp": now + 600,
    }));
    let ci = Application::discover(&issuer, "default.ci", None, "https://rp.test/cb").await;
    let assertion = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &*token),
    ];
    // It authenticates its own client, and does nothing else.
    let own = [("grant_type", "client_credentials"), ("resource", GATEWAY)];
    granted(ci.token(&[&own[..], &assertion].concat()).await);
    for (kind, words) in [
        (ACCESS_TOKEN, "is not an access token of this issuer"),
        (JWT, "is not an access token of this issuer"),
        (ID_TOKEN, "is not an ID token of this issuer"),
    ] {
        let more = [("audience", TICKETS), ("subject_token_type", kind)];
        assert_error(&exchange(&world.web, &token, &more).await, "invalid_request", words);
        let refused = exchange(&ci, &token, &[&more[..], &assertion].concat()).await;
        assert_error(&refused, "invalid_request", words);
    }
}

#[tokio::test]
async fn a_token_of_another_tenant_is_refused() {
    let world = World::new().await;
    let elsewhere = world.application("web-elsewhere").await;
    let url = elsewhere.authorize_url("openid", &[]);
    let mut answer = elsewhere.sign_in(&Browser::new(), &url, ALICE).await;
    let code = answer.remove("code").expect("a code");
    let tokens = granted(elsewhere.redeem(&code).await);
    for (name, kind) in [("access_token", ACCESS_TOKEN), ("id_token", ID_TOKEN)] {
        let more = [("audience", TICKETS), ("subject_token_type", kind)];
        let refused = exchange(&world.web, text(&tokens, name), &more).await;
        assert_error(&refused, "invalid_request", "of this issuer");
    }
}

#[tokio::test]
async fn a_client_exchanges_its_own_tokens_and_those_for_its_api() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let (access, id) = (text(&tokens, "access_token"), text(&tokens, "id_token"));
    let orders = world.for_orders(&tokens).await;
    let foreign = "issued to another client";
    // The token for the gateway at the next API, the token for the next API at the application.
    let refused = exchange(&world.orders, access, &[("resource", TICKETS)]).await;
    assert_error(&refused, "invalid_request", foreign);
    let refused = exchange(&world.web, text(&orders, "access_token"), &[("resource", TICKETS)]);
    assert_error(&refused.await, "invalid_request", foreign);
    let more = [("resource", TICKETS), ("subject_token_type", ID_TOKEN)];
    let refused = exchange(&world.gateway, id, &more).await;
    assert_error(&refused, "invalid_request", "of another client");
    // For a client without a rule, the error reveals no more about targets than for one without access.
    let stranger = world.application("stranger").await;
    let refused = exchange(&stranger, access, &[("resource", TICKETS)]).await;
    assert_error(&refused, "invalid_request", foreign);
}

#[tokio::test]
async fn every_exchange_needs_a_rule_of_its_target() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let access = text(&tokens, "access_token");
    // The application may ask for the token itself, and not by exchange.
    let refused = exchange(&world.web, access, &[("resource", ORDERS)]).await;
    assert_error(&refused, "invalid_target", "spec.exchange.allow of ResourceServer 'orders'");
    let refused = exchange(&world.gateway, access, &[("resource", GATEWAY)]).await;
    assert_error(&refused, "invalid_target", "may not exchange tokens");
    let issuer = world.app.issuer("shop");
    let refused = exchange(&world.gateway, access, &[("resource", &issuer)]).await;
    assert_error(&refused, "invalid_target", "for tokens for the issuer");
    // A rule for another audience.
    world.change("from: \"https://gateway.test\", rule", "from: \"https://vault.test\", rule");
    let refused = exchange(&world.gateway, access, &[("resource", ORDERS)]).await;
    assert_error(&refused, "invalid_target", "may not exchange tokens");
    // A rule gives tokens by exchange only.
    world.change("  clients: {names: [{name: web}]}\n", "");
    let closed = [("grant_type", "client_credentials"), ("resource", "https://vault.test")];
    assert_eq!(world.gateway.token(&closed).await.0, 400);
}

#[tokio::test]
async fn clients_prove_themselves_and_have_the_grant_type() {
    // RFC 8693 §5
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let access = text(&tokens, "access_token");
    for name in ["plain", "spa"] {
        let application = world.application(name).await;
        let refused = exchange(&application, access, &[("resource", ORDERS)]).await;
        assert_error(&refused, "unauthorized_client", GRANT_TYPE);
    }
    let mut guesses = world.gateway.clone();
    guesses.client_secret = Some("another secret".to_owned());
    let (status, answer) = exchange(&guesses, access, &[("resource", ORDERS)]).await;
    assert_eq!((status, text(&answer, "error")), (401, "invalid_client"));
    guesses.client_secret = None;
    let (status, answer) = exchange(&guesses, access, &[("resource", ORDERS)]).await;
    assert_eq!((status, text(&answer, "error")), (401, "invalid_client"));
}

#[tokio::test]
async fn the_actor_is_the_client_itself() {
    let world = World::new().await;
    let (alice, bob) = (world.tokens_of(ALICE).await, world.tokens_of(BOB).await);
    let stranger = world.application("stranger").await;
    let of = [("grant_type", "client_credentials")];
    let foreign = granted(stranger.token(&of).await);
    let own = granted(world.gateway.token(&of).await);
    for (actor, words) in [
        (&bob, "the client is the actor"),
        (&alice, "the client is the actor"),
        (&foreign, "the client is the actor"),
    ] {
        let more = [
            ("resource", ORDERS),
            ("actor_token", text(actor, "access_token")),
            ("actor_token_type", ACCESS_TOKEN),
        ];
        let refused = exchange(&world.gateway, text(&alice, "access_token"), &more).await;
        assert_error(&refused, "invalid_request", words);
    }
    let more = [
        ("resource", ORDERS),
        ("actor_token", text(&own, "access_token")),
        ("actor_token_type", ACCESS_TOKEN),
    ];
    let answer = granted(exchange(&world.gateway, text(&alice, "access_token"), &more).await);
    assert_eq!(claims(text(&answer, "access_token"))["act"]["sub"], "default.gateway");
    let token = [("token", text(&own, "access_token"))];
    assert_eq!(world.gateway.post("revocation_endpoint", &token).await.status(), 200);
    let refused = exchange(&world.gateway, text(&alice, "access_token"), &more).await;
    assert_error(&refused, "invalid_request", "The actor token has been revoked");
}
