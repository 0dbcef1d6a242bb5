//! Access tokens for resource servers (RFC 8707), by `client_credentials`, and conflicts of identifiers.

use lanyard::{
    model::{ManagedKind, ObjectKey, ObjectRef},
    protocol::jwt::UnverifiedJwt,
};
use serde_json::{Value, json};

use super::{
    app::TestApp,
    world::{MANIFESTS, SECRET, World, assert_error, text},
};

const TICKETS: &str = "https://tickets.test/api";

fn server(name: &str, spec: &str) -> String {
    format!(
        "
---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {{name: {name}}}
spec:
  tenantRef: {{name: shop}}
{spec}"
    )
}

fn client(name: &str) -> String {
    format!(
        "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: {name}, namespace: elsewhere}}
spec:
  tenantRef: {{name: shop, namespace: default}}
  grantTypes: [client_credentials]
  scopes: [badges]
  tokenEndpointAuthMethod: client_secret_basic
  secretRef: {{name: app-secret}}
---
apiVersion: v1
kind: Secret
metadata: {{name: app-secret, namespace: elsewhere}}
stringData: {{client-secret: '{SECRET}'}}"
    )
}

fn manifests() -> String {
    let admits = "  displayName: Harbour Works\n  signing: {algorithms: [RS256, ES256]}\n  clients: {namespaces: {from: All}, grantTypes: [client_credentials], scopes: [badges]}\n";
    [
        MANIFESTS.replacen("  displayName: Harbour Works\n", admits, 1),
        server(
            "tickets",
            &format!(
                "  identifier: {TICKETS}
  alternateIdentifiers: ['urn:tickets']
  scopes: [{{name: tickets.read}}, {{name: tickets.write}}]
  clients: {{names: [{{namespace: elsewhere, name: named}}]}}
  accessToken: {{lifetime: 1m, signingAlg: ES256, type: JWT}}"
            ),
        ),
        server("plain", "  identifier: https://plain.test"),
        client("named"),
        client("stranger").split("---\napiVersion: v1").next().expect("a client").to_owned(),
    ]
    .concat()
}

async fn world() -> World {
    World { app: TestApp::start(&manifests()).await, http: reqwest::Client::new() }
}

async fn ask(world: &World, client: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .extend_pairs(more)
        .finish();
    let pair =
        format!("{}:{}", super::browser::form_encode(client), super::browser::form_encode(SECRET));
    let header = format!("Basic {}", base64_of(&pair));
    let (status, _, answer) = world.post(&[("authorization", &header)], &form).await;
    (status, answer)
}

fn base64_of(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

/// The JWT of a response.
fn token(answer: &(u16, Value)) -> UnverifiedJwt {
    assert_eq!(answer.0, 200, "{}", answer.1);
    UnverifiedJwt::read(text(&answer.1, "access_token")).expect("a JWT")
}

#[tokio::test]
async fn a_token_is_for_the_resource_that_is_asked_for() {
    let world = world().await;
    for resource in [TICKETS, "urn:tickets"] {
        let answer = ask(&world, "default.web", &[("resource", resource)]).await;
        let jwt = token(&answer);
        assert_eq!(jwt.claims["aud"], TICKETS);
        assert_eq!(jwt.claims["scope"], "tickets.read tickets.write");
        assert_eq!(
            (&jwt.claims["client_id"], &jwt.claims["sub"]),
            (&json!("default.web"), &json!("default.web"))
        );
        assert_eq!((jwt.algorithm.as_str(), jwt.typ.as_deref()), ("ES256", Some("JWT")));
        let lifetime = jwt.time("exp").zip(jwt.time("iat")).map(|(exp, iat)| exp - iat);
        assert_eq!((lifetime, &answer.1["expires_in"]), (Some(60), &json!(60)));
    }
    let narrowed = [("resource", TICKETS), ("scope", "tickets.read badges")];
    assert_eq!(token(&ask(&world, "default.web", &narrowed).await).claims["scope"], "tickets.read");
    let own = token(&ask(&world, "default.web", &[("scope", "badges")]).await);
    assert_eq!(own.claims["aud"], world.app.issuer("shop"));
    // A scope of the API is only in tokens for it.
    for scope in ["tickets.read", "tickets.read tickets.write"] {
        let refused = ask(&world, "default.web", &[("scope", scope)]).await;
        assert_error(&refused, 400, "invalid_scope");
    }
    let plain = token(&ask(&world, "default.web", &[("resource", "https://plain.test")]).await);
    assert_eq!(
        (&plain.claims["aud"], plain.claims.get("scope")),
        (&json!("https://plain.test"), None)
    );
}

#[tokio::test]
async fn unknown_resources_and_several_are_refused() {
    let world = world().await;
    let issuer = world.app.issuer("shop");
    for resources in [
        &["https://unknown.test"][..],
        &["https://tickets.test/api/"],
        &["https://TICKETS.test/api"],
        &[TICKETS, "https://plain.test"],
        &[TICKETS, &issuer],
    ] {
        let resources: Vec<_> = resources.iter().map(|it| ("resource", *it)).collect();
        let refused = ask(&world, "default.web", &resources).await;
        assert_error(&refused, 400, "invalid_target");
    }
    // RFC 9396 §5: a token without the limits that were asked for would allow too much.
    let details = [("resource", TICKETS), ("authorization_details", r#"[{"type":"payment"}]"#)];
    let refused = ask(&world, "default.web", &details).await;
    assert_error(&refused, 400, "invalid_authorization_details");
    let twice = [("resource", TICKETS), ("resource", "urn:tickets")];
    assert_eq!(token(&ask(&world, "default.web", &twice).await).claims["aud"], TICKETS);
}

#[tokio::test]
async fn only_admitted_clients_get_tokens() {
    let world = world().await;
    let resource = [("resource", TICKETS)];
    assert_eq!(token(&ask(&world, "elsewhere.named", &resource).await).claims["aud"], TICKETS);
    let refused = ask(&world, "elsewhere.stranger", &resource).await;
    assert_error(&refused, 400, "invalid_target");
    let all = "clients: {namespaces: {from: All}, names:";
    world.app.serve(&manifests().replace("  clients: {names:", &format!("  {all}")));
    assert_eq!(token(&ask(&world, "elsewhere.stranger", &resource).await).claims["aud"], TICKETS);
}

#[tokio::test]
async fn its_tokens_are_not_for_the_issuer() {
    let world = world().await;
    let answer = ask(&world, "default.web", &[("resource", TICKETS)]).await;
    let url = format!("{}/oauth/userinfo", world.app.issuer("shop"));
    let refused = world.http.get(url).bearer_auth(text(&answer.1, "access_token")).send().await;
    assert_eq!(refused.expect("a response").status(), 401);
}

#[tokio::test]
async fn identifiers_belong_to_one_object() {
    let world = world().await;
    let reasons = |more: &str, name: &str| {
        world.app.serve_with_problems(&(manifests() + more));
        let snapshot = world.app.app.registry.snapshot();
        let object = ObjectRef::new(ManagedKind::ResourceServer, ObjectKey::new("default", name));
        let verdict = snapshot.verdicts().get(&object).expect("judged");
        verdict.problems.iter().map(|it| it.reason.as_str().to_owned()).collect::<Vec<_>>()
    };
    for (identifier, expected) in [
        (TICKETS.to_owned(), "IdentifierConflict"),
        ("urn:tickets".to_owned(), "IdentifierConflict"),
        (world.app.issuer("shop"), "Invalid"),
        ("tickets".to_owned(), "Invalid"),
        ("https://a.test#b".to_owned(), "Invalid"),
    ] {
        // Names decide in `dev`: `z` comes after the others.
        let other = server("z", &format!("  identifier: '{identifier}'"));
        assert_eq!(reasons(&other, "z"), [expected], "{identifier}");
    }
    let of_client = server("z", "  identifier: 'urn:app'")
        + client("x")
            .replace(
                "namespace: elsewhere}\nspec:\n  tenantRef: {name: shop, namespace: default}",
                "namespace: default}\nspec:\n  clientId: 'urn:app'\n  tenantRef: {name: shop}",
            )
            .split("---\napiVersion: v1")
            .next()
            .expect("a client");
    assert_eq!(reasons(&of_client, "z"), ["IdentifierConflict"]);
}
