//! Client authentication by secrets, the `client_credentials` grant, and malformed requests.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    browser::{form_encode, verified},
    world::{SECRET, World, assert_error, text},
};

const OWN: (&str, &str) = ("grant_type", "client_credentials");

/// An `Authorization` header with form-urlencoded parts (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", form_encode(id), form_encode(secret))))
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[tokio::test]
async fn client_credentials_grant_returns_an_access_token() {
    // RFC 6749 §4.4.3, RFC 9068 §2.2
    let world = World::new().await;
    let web = world.application("web").await;
    let (status, answer) = web.token(&[OWN, ("scope", "badges")]).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((text(&answer, "token_type"), text(&answer, "scope")), ("Bearer", "badges"));
    assert_eq!(answer["expires_in"], 600);
    assert_eq!((&answer["id_token"], &answer["refresh_token"]), (&Value::Null, &Value::Null));
    let issuer = world.app.issuer("shop");
    let token = text(&answer, "access_token");
    let claims = verified(token, &web.jwks().await, &issuer);
    assert_eq!((text(&claims, "sub"), text(&claims, "client_id")), ("default.web", "default.web"));
    assert_eq!((&claims["scope"], &claims["scopes"]), (&json!("badges"), &json!(["badges"])));
    for name in ["jti", "iat", "nbf", "exp"] {
        assert!(!claims[name].is_null(), "{name}");
    }
    assert_eq!(jsonwebtoken::decode_header(token).expect("a JWT").typ.as_deref(), Some("at+jwt"));
}

#[tokio::test]
async fn token_without_scopes_has_no_scope_member() {
    // RFC 6749 §3.3: a scope has at least one word.
    let world = World::new().await;
    let written = "scopes: [openid, profile, email, groups, tenant, offline_access, badges]";
    world.change(written, "scopes: [openid]");
    let web = world.application("web").await;
    let (status, answer) = web.token(&[OWN]).await;
    assert_eq!((status, answer.get("scope")), (200, None), "{answer}");
    let issuer = world.app.issuer("shop");
    let claims = verified(text(&answer, "access_token"), &web.jwks().await, &issuer);
    assert_eq!((claims.get("scope"), &claims["scopes"]), (None, &json!([])));
}

#[tokio::test]
async fn signs_with_the_first_algorithm_of_the_tenant() {
    let world = World::new().await;
    let elsewhere = world.application("web-elsewhere").await;
    let (_, answer) = elsewhere.token(&[OWN]).await;
    let token = text(&answer, "access_token");
    let algorithm = jsonwebtoken::decode_header(token).expect("a JWT").alg;
    assert_eq!(algorithm, jsonwebtoken::Algorithm::ES256);
    verified(token, &elsewhere.jwks().await, &world.app.issuer("other"));
    let listed = &elsewhere.metadata["id_token_signing_alg_values_supported"];
    assert_eq!(listed, &json!(["ES256", "EdDSA", "RS256", "PS256"]));
}

#[tokio::test]
async fn each_client_authenticates_by_a_method_that_it_names_or_by_either() {
    // RFC 6749 §2.3, RFC 7591 §2. The manifest of `web` names no method.
    let world = World::new().await;
    for (client, by_header, by_body) in [
        ("default.web", 200, 200),
        ("default.basic-only", 200, 401),
        ("default.poster", 401, 200),
        ("default.nobody", 401, 401),
    ] {
        let header = basic(client, SECRET);
        let (status, headers, answer) =
            world.post(&[("authorization", &header)], &form(&[OWN])).await;
        assert_eq!(status, by_header, "{client}: {answer}");
        assert_eq!(headers.contains_key("www-authenticate"), by_header == 401, "{client}");
        let body = form(&[OWN, ("client_id", client), ("client_secret", SECRET)]);
        let (status, headers, answer) = world.post(&[], &body).await;
        assert_eq!(status, by_body, "{client}: {answer}");
        assert!(
            !headers.contains_key("www-authenticate"),
            "the request had no Authorization header"
        );
    }
    let (status, _, answer) = world.post(&[], &form(&[OWN, ("client_id", "default.web")])).await;
    assert_error(&(status, answer), 401, "invalid_client");
}

#[tokio::test]
async fn the_method_is_named_if_the_secret_is_right() {
    let world = World::new().await;
    let uses = |method, used| format!("This client uses {method}; the request used {used}.");
    let (basic_method, post) = ("client_secret_basic", "client_secret_post");
    let body = form(&[OWN, ("client_id", "default.basic-only"), ("client_secret", SECRET)]);
    let (_, _, answer) = world.post(&[], &body).await;
    assert_eq!(text(&answer, "error_description"), uses(basic_method, post));
    let header = basic("default.poster", SECRET);
    let (_, _, answer) = world.post(&[("authorization", &header)], &form(&[OWN])).await;
    assert_eq!(text(&answer, "error_description"), uses(post, basic_method));
    let header = basic("default.signs-with-secret", SECRET);
    let (_, _, answer) = world.post(&[("authorization", &header)], &form(&[OWN])).await;
    assert_eq!(text(&answer, "error_description"), uses("client_secret_jwt", basic_method));
}

#[tokio::test]
async fn a_public_client_may_send_an_empty_secret() {
    // RFC 6749 §2.3.1. golang.org/x/oauth2 does so.
    let world = World::new().await;
    let header = basic("default.spa", "");
    let refresh = form(&[("grant_type", "refresh_token"), ("refresh_token", "unknown")]);
    let (status, _, answer) = world.post(&[("authorization", &header)], &refresh).await;
    assert_error(&(status, answer), 400, "invalid_grant");
    let header = basic("default.web", "");
    let (status, headers, answer) = world.post(&[("authorization", &header)], &form(&[OWN])).await;
    assert!(headers.contains_key("www-authenticate"));
    assert_error(&(status, answer), 401, "invalid_client");
}

#[tokio::test]
async fn answers_alike_whether_a_client_exists_or_not() {
    let world = World::new().await;
    let mut answers = Vec::new();
    for (client, secret) in [
        ("default.web", "wrong"),
        ("default.nobody", SECRET),
        ("default.poster", "wrong"),
        ("default.signs-with-key", SECRET),
        ("default.web-elsewhere", SECRET),
    ] {
        let header = basic(client, secret);
        let (status, headers, answer) =
            world.post(&[("authorization", &header)], &form(&[OWN])).await;
        assert!(headers["www-authenticate"].to_str().expect("ASCII").starts_with("Basic realm="));
        answers.push((status, answer));
    }
    assert_error(&answers[0], 401, "invalid_client");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn wrong_secrets_delay_their_client_and_address() {
    let world = World::new().await;
    let attempt = |client, secret| {
        let body = form(&[OWN, ("client_id", client), ("client_secret", secret)]);
        let world = &world;
        async move { world.post(&[], &body).await }
    };
    for client in ["default.weak", "default.poster"] {
        for _ in 0..10 {
            assert_eq!(attempt(client, "wrong").await.0, 401);
        }
        let (status, headers, answer) = attempt(client, "wrong").await;
        assert_eq!((status, text(&answer, "error")), (429, "temporarily_unavailable"), "{answer}");
        assert_eq!(headers["retry-after"], "1");
    }
    assert_eq!(attempt("default.weak", "summer2026").await.0, 429, "a right guess waits too");
    assert_eq!(attempt("default.poster", SECRET).await.0, 200, "this secret cannot be guessed");
    assert_eq!(attempt("default.web", SECRET).await.0, 200, "another client");
    world.app.clock.advance(Duration::from_secs(1));
    assert_eq!(attempt("default.weak", "summer2026").await.0, 200);
    assert_eq!(attempt("default.weak", "wrong").await.0, 401, "the count begins again");
}

#[tokio::test]
async fn refuses_malformed_requests() {
    let world = World::new().await;
    let header = basic("default.web", SECRET);
    let auth = ("authorization", header.as_str());
    for (what, body) in [
        ("two ways", form(&[OWN, ("client_id", "default.web"), ("client_secret", SECRET)])),
        ("another client_id", form(&[OWN, ("client_id", "default.poster")])),
        ("a parameter twice", form(&[OWN, OWN])),
        ("no grant type", form(&[("scope", "badges")])),
        ("no code", form(&[("grant_type", "authorization_code")])),
    ] {
        let (status, headers, answer) = world.post(&[auth], &body).await;
        assert_eq!((status, text(&answer, "error")), (400, "invalid_request"), "{what}: {answer}");
        assert_eq!(headers["cache-control"], "no-store");
    }
    let (status, _, answer) = world.post(&[auth], &form(&[("grant_type", "password")])).await;
    assert_error(&(status, answer), 400, "unsupported_grant_type");
    let json = [auth, ("content-type", "application/json")];
    let (status, ..) = world.post(&json, "{}").await;
    assert_eq!(status, 400, "not a form");
    let get = world.http.get(format!("{}/oauth/token", world.app.issuer("shop")));
    assert_eq!(get.send().await.expect("an answer").status().as_u16(), 405);
}

#[tokio::test]
async fn leaves_out_scopes_that_the_client_may_not_use() {
    // RFC 6749 §3.3, §5.1
    let world = World::new().await;
    let web = world.application("web").await;
    for asked in ["badges x", "badges openid", "badges address"] {
        let (status, answer) = web.token(&[OWN, ("scope", asked)]).await;
        assert_eq!((status, text(&answer, "scope")), (200, "badges"), "{asked}");
        let token = super::browser::claims(text(&answer, "access_token"));
        assert_eq!(token["scope"], "badges", "{asked}");
    }
    for asked in ["openid", "offline_access", "x y"] {
        assert_error(&web.token(&[OWN, ("scope", asked)]).await, 400, "invalid_scope");
    }
    let (_, answer) = web.token(&[OWN]).await;
    assert_eq!(text(&answer, "scope"), "badges email groups profile tenant", "its own");
}

#[tokio::test]
async fn refuses_resources_and_grants_that_the_client_may_not_use() {
    let world = World::new().await;
    let (web, spa) = (world.application("web").await, world.application("spa").await);
    // RFC 8707 §2.2
    let issuer = world.app.issuer("shop");
    let (known, unknown) = (("resource", issuer.as_str()), ("resource", "https://api.test"));
    assert_eq!(web.token(&[OWN, known, known]).await.0, 200);
    assert_error(&web.token(&[OWN, unknown]).await, 400, "invalid_target");
    assert_error(&web.token(&[OWN, known, unknown]).await, 400, "invalid_target");
    assert_error(&spa.token(&[OWN]).await, 400, "unauthorized_client");
    let poster = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_id", "default.poster"),
        ("client_secret", SECRET),
    ];
    let (status, _, answer) = world.post(&[], &form(&poster)).await;
    assert_error(&(status, answer), 400, "unauthorized_client");
}

#[tokio::test]
async fn deleted_client_cannot_authenticate() {
    let world = World::new().await;
    let web = world.application("web").await;
    world.change("metadata: {name: web}", "metadata: {name: renamed}");
    assert_error(&web.token(&[OWN]).await, 401, "invalid_client");
}
