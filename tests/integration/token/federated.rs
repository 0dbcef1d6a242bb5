//! Client authentication by assertions of other issuers (RFC 7523 §2.2).

use std::time::Duration;

use lanyard::model::{Clock, ManagedKind, ObjectKey, ObjectRef};
use serde_json::{Value, json};

use super::{
    assertions::{TYPE, ask},
    publisher::signed,
    world::{MANIFESTS, World, assert_error, text},
};

/// The public half of the key that signs, which each issuer here has.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// Another key with the same ID.
const OTHER_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"one","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;
const CI: &str = "https://token.actions.test";
const CI_METADATA: &str = "https://token.actions.test/.well-known/openid-configuration";
const CI_KEYS: &str = "https://token.actions.test/.well-known/jwks";
const CLUSTER: &str = "https://kubernetes.other.test";
const SPIFFE_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
const MAIN: &str = "repo:acme/shop:ref:refs/heads/main";
const BILLING: &str = "system:serviceaccount:shop:billing";

/// No parameters besides the assertion.
const NO_NAME: &[(&str, &str)] = &[];

/// An API that the clients of the tenant's namespace may call.
const INVOICES: &str = "
---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {name: invoices}
spec:
  tenantRef: {name: shop}
  identifier: https://invoices.test/api
  scopes: [{name: invoices.read}]
";

/// Clients without a secret: of a CI job, of a Pod of another cluster, and of a SPIFFE identity.
fn manifests() -> String {
    let client = |name: &str, credentials: &str| {
        format!(
            "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: {name}}}
spec:
  tenantRef: {{name: shop}}
  grantTypes: [client_credentials, 'urn:ietf:params:oauth:grant-type:jwt-bearer']
  scopes: [badges]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
{credentials}"
        )
    };
    let keys = format!("{{keys: [{KEY}]}}");
    let spiffe = KEY.replace("\"kid\"", "\"use\":\"jwt-svid\",\"kid\"");
    [
        MANIFESTS.to_owned(),
        client("ci", &format!("  - {{issuer: {CI}, subject: '{MAIN}', claims: {{environment: production}}}}")),
        client("ci-any", &format!("  - {{issuer: {CI}, subjectPattern: 'repo:acme/*:ref:refs/heads/main'}}")),
        client("billing", &format!("  - {{issuer: {CLUSTER}, jwks: {keys}, subject: '{BILLING}'}}")),
        client("first", &format!("  - {{issuer: {CLUSTER}, jwks: {keys}, subject: shared}}")),
        client("second", &format!("  - {{issuer: {CLUSTER}, jwks: {keys}, subject: shared, audience: second}}")),
        client("svid", &format!("  - {{issuer: 'https://spire.test', jwks: {{keys: [{spiffe}]}}, subject: 'spiffe://acme.test/api'}}")),
        client("twice", &format!("  - {{issuer: {CLUSTER}, jwks: {keys}, subject: twice, audience: elsewhere}}\n  - {{issuer: {CLUSTER}, jwks: {keys}, subject: twice}}")),
        client("swapped", &format!("  - {{issuer: {CLUSTER}, jwks: {{keys: [{OTHER_KEY}]}}, subject: swapped}}")),
    ]
    .concat()
}

async fn world() -> World {
    let world = World::new().await;
    world.app.serve(&manifests());
    world.app.publish(CI_METADATA, &json!({ "issuer": CI, "jwks_uri": CI_KEYS }).to_string());
    world.app.publish(CI_KEYS, &format!(r#"{{"keys":[{KEY}]}}"#));
    world
}

/// Claims of a token of ten minutes.
fn claims(world: &World, issuer: &str, subject: &str) -> Value {
    let now = world.app.clock.now().secs();
    json!({
        "iss": issuer, "sub": subject, "aud": [world.app.issuer("shop")],
        "iat": now, "nbf": now, "exp": now + 600,
    })
}

fn of_job(world: &World) -> Value {
    let mut claims = claims(world, CI, MAIN);
    claims["environment"] = json!("production");
    claims
}

/// The subject of the token that a response contains.
fn subject(answer: &(u16, Value)) -> String {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let token = text(&answer.1, "access_token");
    let claims = lanyard::protocol::jwt::UnverifiedJwt::read(token).expect("a JWT").claims;
    assert_eq!(claims["client_id"], claims["sub"], "its own token");
    claims["sub"].as_str().expect("a subject").to_owned()
}

#[tokio::test]
async fn a_pod_of_another_cluster_presents_its_token_again_and_again() {
    let world = world().await;
    let token = signed(&claims(&world, CLUSTER, BILLING));
    for _ in 0..3 {
        assert_eq!(subject(&ask(&world, &token, &[]).await), "default.billing");
    }
    let named = ask(&world, &token, &[("client_id", "default.billing")]).await;
    assert_eq!(subject(&named), "default.billing");
    world.wait(601);
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn the_keys_of_a_ci_service_are_discovered() {
    let world = world().await;
    let token = signed(&of_job(&world));
    assert_eq!(subject(&ask(&world, &token, &[]).await), "default.ci");
    // A pattern needs the name of the client.
    let any = [("client_id", "default.ci-any")];
    assert_eq!(subject(&ask(&world, &token, &any).await), "default.ci-any");
    for subject in ["repo:acme/a/b:ref:refs/heads/main", "repo:acme/shop:ref:refs/heads/dev"] {
        let other = signed(&claims(&world, CI, subject));
        assert_error(&ask(&world, &other, &any).await, 401, "invalid_client");
    }
    assert_eq!(world.app.fetches(CI_METADATA), 1, "cached");
    assert_eq!(world.app.fetches(CI_KEYS), 1, "cached");
}

#[tokio::test]
async fn keys_that_an_issuer_replaces_are_fetched_again() {
    let world = world().await;
    world.app.publish(CI_KEYS, &format!(r#"{{"keys":[{}]}}"#, KEY.replace("one", "old")));
    let token = signed(&of_job(&world));
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
    world.app.publish(CI_KEYS, &format!(r#"{{"keys":[{KEY}]}}"#));
    assert_eq!(subject(&ask(&world, &token, &[]).await), "default.ci");
    // The last known keys serve while the issuer does not answer.
    world.app.publish_with_status(CI_KEYS, 500, "");
    world.wait(660);
    let later = signed(&of_job(&world));
    assert_eq!(subject(&ask(&world, &later, &[]).await), "default.ci");
}

#[tokio::test]
async fn strangers_cause_few_fetches() {
    let world = world().await;
    let forged = signed(&of_job(&world));
    world.app.publish(CI_KEYS, &format!(r#"{{"keys":[{}]}}"#, OTHER_KEY.replace("one", "other")));
    for _ in 0..20 {
        assert_error(&ask(&world, &forged, &[]).await, 401, "invalid_client");
    }
    assert_eq!(world.app.fetches(CI_KEYS), 4, "at most four in a minute");
    // An identity that no client trusts causes none.
    let stranger = signed(&claims(&world, "https://stranger.test", "a"));
    assert_error(&ask(&world, &stranger, &[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn hostile_discovery_documents_and_keys_are_refused() {
    let huge = format!(r#"{{"keys":[{KEY}],"x":"{}"}}"#, "x".repeat(70 * 1024));
    let many = vec![OTHER_KEY; 200].join(",");
    let last = format!(r#"{{"keys":[{many},{KEY}]}}"#);
    for (metadata, keys) in [
        (json!({ "issuer": "https://evil.test", "jwks_uri": CI_KEYS }).to_string(), None),
        (json!({ "issuer": CI, "jwks_uri": "http://token.actions.test/keys" }).to_string(), None),
        (json!({ "issuer": CI }).to_string(), None),
        ("not JSON".to_owned(), None),
        ("x".repeat(70 * 1024), None),
        (json!({ "issuer": CI, "jwks_uri": CI_KEYS }).to_string(), Some(huge)),
        (json!({ "issuer": CI, "jwks_uri": CI_KEYS }).to_string(), Some(last)),
    ] {
        let world = world().await;
        world.app.publish(CI_METADATA, &metadata);
        if let Some(keys) = keys {
            world.app.publish(CI_KEYS, &keys);
        }
        let token = signed(&of_job(&world));
        assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn two_clients_with_one_identity_need_a_client_id() {
    let world = world().await;
    let token = signed(&claims(&world, CLUSTER, "shared"));
    let unnamed = ask(&world, &token, &[]).await;
    assert_error(&unnamed, 401, "invalid_client");
    assert!(text(&unnamed.1, "error_description").contains("no client_id"), "{}", unnamed.1);
    let first = ask(&world, &token, &[("client_id", "default.first")]).await;
    assert_eq!(subject(&first), "default.first");
    // The other client requires another audience.
    let second = [("client_id", "default.second")];
    assert_error(&ask(&world, &token, &second).await, 401, "invalid_client");
    let mut own = claims(&world, CLUSTER, "shared");
    own["aud"] = json!("second");
    assert_eq!(subject(&ask(&world, &signed(&own), &second).await), "default.second");
}

#[tokio::test]
async fn misdirected_and_foreign_tokens_are_refused() {
    let world = world().await;
    let good = of_job(&world);
    let now = world.app.clock.now().secs();
    let issuer = world.app.issuer("shop");
    for (name, value) in [
        ("aud", json!("https://elsewhere.test")),
        ("aud", json!([issuer, "https://elsewhere.test"])),
        ("aud", json!(format!("{issuer}/oauth/token"))),
        ("aud", Value::Null),
        ("exp", json!(now - 1)),
        ("exp", json!(now + 90_000)),
        ("exp", Value::Null),
        ("nbf", json!(now + 120)),
        ("environment", json!("staging")),
        ("iss", json!("https://token.actions.test/")),
        ("sub", json!("repo:acme/shop:ref:refs/heads/dev")),
        // Claims of people's ID tokens.
        ("nonce", json!("n")),
        ("auth_time", json!(now)),
        ("sid", json!("s")),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        for client in [NO_NAME, &[("client_id", "default.ci")]] {
            assert_error(&ask(&world, &signed(&claims), client).await, 401, "invalid_client");
        }
    }
    for client in ["default.billing", "default.web", "default.signs-with-key", "default.nobody"] {
        let other = ask(&world, &signed(&good), &[("client_id", client)]).await;
        assert_error(&other, 401, "invalid_client");
    }
    let swapped = signed(&claims(&world, CLUSTER, "swapped"));
    assert_error(&ask(&world, &swapped, &[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn a_federated_client_has_no_other_way() {
    let world = world().await;
    // An assertion that the client would sign itself, with a key of the issuer that it trusts.
    let own = signed(&super::assertions::claims(&world, "default.billing"));
    assert_error(&ask(&world, &own, &[]).await, 401, "invalid_client");
    let body = "grant_type=client_credentials&client_id=default.billing";
    for more in ["", "&client_secret=x"] {
        let (status, _, answer) = world.post(&[], &format!("{body}{more}")).await;
        assert_error(&(status, answer), 401, "invalid_client");
    }
}

#[tokio::test]
async fn algorithms_are_not_confused() {
    // RFC 8725 §2.1
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let world = world().await;
    let claims = claims(&world, CLUSTER, BILLING);
    let key = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("a key");
    let mut forged = Vec::new();
    for secret in [&*key, KEY.as_bytes()] {
        let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(secret);
        forged.push(encode(&header, &claims, &key).expect("signed"));
    }
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let good = signed(&claims);
    let signature = good.rsplit_once('.').expect("a signature").1;
    for (alg, signature) in [("none", ""), ("RS256", signature), ("ES256", signature)] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "kid": "one" }).to_string());
        forged.push(format!("{header}.{payload}.{signature}"));
    }
    for token in &forged {
        for client in [NO_NAME, &[("client_id", "default.billing")]] {
            let refused = ask(&world, token, client).await;
            assert_eq!(refused.1.get("access_token"), None, "{token}");
            assert!([400, 401].contains(&refused.0), "{refused:?}");
        }
    }
    assert_eq!(ask(&world, &good, &[]).await.0, 200);
}

#[tokio::test]
async fn tokens_of_the_tenant_itself_do_not_authenticate_clients() {
    let world = world().await;
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid").await;
    for token in ["id_token", "access_token"] {
        for client in [NO_NAME, &[("client_id", "default.ci-any")]] {
            let refused = ask(&world, text(&tokens, token), client).await;
            assert_error(&refused, 401, "invalid_client");
        }
    }
}

#[tokio::test]
async fn a_spiffe_identity_authenticates_by_its_document() {
    let world = world().await;
    let with_type = |token: String, form: &'static str, client: bool| {
        let world = &world;
        async move {
            let mut body = form_urlencoded::Serializer::new(String::new());
            body.append_pair("grant_type", "client_credentials")
                .append_pair("client_assertion_type", form)
                .append_pair("client_assertion", &token);
            if client {
                body.append_pair("client_id", "default.svid");
            }
            let (status, _, answer) = world.post(&[], &body.finish()).await;
            (status, answer)
        }
    };
    let mut document = claims(&world, "x", "spiffe://acme.test/api");
    document.as_object_mut().expect("claims").remove("iss");
    let token = signed(&document);
    assert_eq!(subject(&with_type(token.clone(), SPIFFE_TYPE, true).await), "default.svid");
    // Without `iss`, only its name finds the client.
    assert_error(&with_type(token.clone(), SPIFFE_TYPE, false).await, 401, "invalid_client");
    document["iss"] = json!("https://spire.test");
    let named = signed(&document);
    assert_eq!(subject(&with_type(named.clone(), SPIFFE_TYPE, false).await), "default.svid");
    // Keys of a SPIFFE bundle sign nothing else.
    assert_error(&with_type(named, TYPE, true).await, 401, "invalid_client");
    document["sub"] = json!("spiffe://acme.test/other");
    assert_error(&with_type(signed(&document), SPIFFE_TYPE, true).await, 401, "invalid_client");
}

#[tokio::test]
async fn verified_tokens_are_forgotten_with_the_client() {
    let world = world().await;
    let token = signed(&claims(&world, CLUSTER, BILLING));
    assert_eq!(ask(&world, &token, &[]).await.0, 200);
    world.app.serve(&manifests().replace(BILLING, "system:serviceaccount:shop:other"));
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
    world.app.serve(&manifests().replace(KEY, OTHER_KEY));
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
    world.app.serve(&manifests());
    assert_eq!(ask(&world, &token, &[]).await.0, 200);
    world.app.clock.advance(Duration::from_hours(1));
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
}

/// The manifests with a tenant that admits clients of another namespace, and with such clients.
fn with_clients_elsewhere(clients: &[(&str, String)]) -> String {
    let admits = "  displayName: Harbour Works\n  clients: {namespaces: {from: All}, grantTypes: [client_credentials], scopes: [badges]}\n";
    let mut all = manifests().replacen("  displayName: Harbour Works\n", admits, 1);
    for (name, credential) in clients {
        let client = format!(
            "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: {name}, namespace: elsewhere}}
spec:
  tenantRef: {{name: shop, namespace: default}}
  grantTypes: [client_credentials]
  scopes: [badges]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
  - {credential}"
        );
        all.push_str(&client);
    }
    all
}

#[tokio::test]
async fn a_client_elsewhere_neither_breaks_nor_takes_over_an_identity() {
    let world = world().await;
    let keys = format!("{{keys: [{KEY}]}}");
    let trusting =
        |subject: &str| format!("{{issuer: {CLUSTER}, jwks: {keys}, subject: '{subject}'}}");
    let any = "{issuer: CI, subject: 'repo:acme/other:ref:refs/heads/main'}".replace("CI", CI);
    world.app.serve(&with_clients_elsewhere(&[
        ("same", trusting(BILLING)),
        ("own", trusting("elsewhere")),
        ("of-pattern", any),
    ]));
    let token = signed(&claims(&world, CLUSTER, BILLING));
    assert_eq!(subject(&ask(&world, &token, &[]).await), "default.billing", "as before");
    // With its `client_id` the client gets tokens, for itself only.
    let named = ask(&world, &token, &[("client_id", "elsewhere.same")]).await;
    assert_eq!(subject(&named), "elsewhere.same");
    // `default.ci-any` trusts this subject by a pattern, and is never found without its name.
    let job = signed(&claims(&world, CI, "repo:acme/other:ref:refs/heads/main"));
    for token in [&job, &signed(&claims(&world, CLUSTER, "elsewhere"))] {
        let refused = ask(&world, token, &[]).await;
        assert_error(&refused, 401, "invalid_client");
        let told = text(&refused.1, "error_description");
        assert!(told.contains("no client_id; send the one of the client"), "{told}");
    }
    assert_eq!(
        subject(&ask(&world, &job, &[("client_id", "default.ci-any")]).await),
        "default.ci-any"
    );
}

#[tokio::test]
async fn a_host_inside_the_network_serves_only_those_who_may_name_it() {
    const INSIDE: &str = "https://ci.inside.test";
    let world = world().await;
    let credential = format!("{{issuer: '{INSIDE}', subject: a}}");
    let own = credential.clone();
    let all = with_clients_elsewhere(&[("probe", credential)])
        + &format!(
            "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: inside}}
spec:
  tenantRef: {{name: shop}}
  grantTypes: [client_credentials]
  scopes: [badges]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
  - {own}"
        );
    world.app.serve(&all);
    let (metadata, jwks) =
        (format!("{INSIDE}/.well-known/openid-configuration"), format!("{INSIDE}/keys"));
    world.app.publish_inside(&metadata, &json!({ "issuer": INSIDE, "jwks_uri": jwks }).to_string());
    world.app.publish_inside(&jwks, &format!(r#"{{"keys":[{KEY}]}}"#));
    let token = signed(&claims(&world, INSIDE, "a"));
    for _ in 0..2 {
        let own = ask(&world, &token, &[("client_id", "default.inside")]).await;
        assert_eq!(subject(&own), "default.inside");
        let elsewhere = ask(&world, &token, &[("client_id", "elsewhere.probe")]).await;
        assert_error(&elsewhere, 401, "invalid_client");
    }
    assert_eq!(world.app.fetches(&jwks), 1);
}

#[tokio::test]
async fn a_client_with_many_key_sets_tries_few_of_them() {
    let world = world().await;
    // Each of these sets has one key, which is not the right one, and another ID.
    let other = |number: usize| {
        let keys = OTHER_KEY.replace("\"one\"", "\"two\"");
        format!("  - {{issuer: {CLUSTER}, jwks: {{keys: [{keys}], n: {number}}}, subject: many}}\n")
    };
    let last = format!("  - {{issuer: {CLUSTER}, jwks: {{keys: [{KEY}]}}, subject: many}}");
    for (others, status) in [(2, 200), (3, 401), (15, 401)] {
        let credentials: String = (0..others).map(other).collect();
        let client = format!(
            "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: many}}
spec:
  tenantRef: {{name: shop}}
  grantTypes: [client_credentials]
  scopes: [badges]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
{credentials}{last}"
        );
        world.app.serve(&(manifests() + &client));
        let token = signed(&claims(&world, CLUSTER, "many"));
        let answer = ask(&world, &token, &[("client_id", "default.many")]).await;
        assert_eq!(answer.0, status, "{others}: {}", answer.1);
    }
    // Credentials with the same keys count as one.
    let token = signed(&claims(&world, CLUSTER, "twice"));
    assert_eq!(subject(&ask(&world, &token, &[]).await), "default.twice");
}

#[tokio::test]
async fn issuers_of_this_installation_are_refused() {
    let world = world().await;
    for (tenant, refused) in [("shop", true), ("other", true), ("nobody", false)] {
        let issuer = world.app.issuer(tenant);
        world.app.serve_with_problems(&manifests().replace(CLUSTER, &issuer));
        let snapshot = world.app.app.registry.snapshot();
        let object = ObjectRef::new(ManagedKind::OidcClient, ObjectKey::new("default", "billing"));
        let verdict = snapshot.verdicts().get(&object).expect("judged");
        let fields: Vec<_> = verdict.problems.iter().map(|it| it.field.clone()).collect();
        let expected: &[&str] =
            if refused { &["spec.federatedCredentials[0].issuer"] } else { &[] };
        assert_eq!(fields, expected, "{tenant}: {:?}", verdict.problems);
        assert_eq!(verdict.served(), !refused);
    }
}

/// Sends an assertion as the grant (RFC 7523 §2.1).
async fn grant(world: &World, assertion: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    form.append_pair("assertion", assertion).extend_pairs(more);
    let (status, _, answer) = world.post(&[], &form.finish()).await;
    (status, answer)
}

#[tokio::test]
async fn an_assertion_as_a_grant_gives_a_token_for_its_own_client() {
    // RFC 7523 §2.1, §3.1
    let world = world().await;
    let claims = claims(&world, CLUSTER, BILLING);
    let token = signed(&claims);
    for more in [&[][..], &[("client_id", "default.billing")], &[("scope", "badges")]] {
        let answer = grant(&world, &token, more).await;
        assert_eq!(subject(&answer), "default.billing");
        let names = ["refresh_token", "id_token", "issued_token_type"];
        assert!(names.iter().all(|name| answer.1.get(name).is_none()), "{}", answer.1);
        assert_eq!(answer.1["scope"], "badges");
    }
    assert_error(&grant(&world, &token, &[("scope", "openid")]).await, 400, "invalid_scope");
    assert_error(&grant(&world, &token, &[("resource", "urn:a")]).await, 400, "invalid_target");
    // The assertion of one client gives no token of another client, even if the request names that one.
    for other in ["default.first", "default.web", "default.spa", "default.nobody"] {
        let answer = grant(&world, &token, &[("client_id", other)]).await;
        assert_error(&answer, 400, "invalid_grant");
    }
    let mut other = claims.clone();
    other["aud"] = json!("https://elsewhere.test");
    assert_error(&grant(&world, &signed(&other), &[]).await, 400, "invalid_grant");
    assert_eq!(world.app.audit.of("client_authentication_failed").len(), 5);
    world.wait(601);
    assert_error(&grant(&world, &token, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn the_token_of_an_assertion_does_not_outlive_it() {
    // RFC 7521 §4.1
    let world = world().await;
    let claims = claims(&world, CLUSTER, BILLING);
    world.wait(400);
    let (status, answer) = grant(&world, &signed(&claims), &[]).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(200)), "{answer}");
    let token = super::browser::claims(text(&answer, "access_token"));
    assert_eq!(token["exp"], claims["exp"]);
    // A longer assertion gives no longer token.
    let mut longer = claims.clone();
    longer["exp"] = json!(claims["exp"].as_i64().expect("a time") + 36_000);
    let (_, longer) = grant(&world, &signed(&longer), &[]).await;
    let (_, usual) = ask(&world, &signed(&claims), &[]).await;
    assert_eq!(longer["expires_in"], usual["expires_in"]);
    assert_ne!(
        usual["expires_in"],
        json!(200),
        "an assertion that only authenticates bounds nothing"
    );
}

#[tokio::test]
async fn a_federated_client_gets_a_token_for_a_resource() {
    // RFC 8707 §2.2
    let world = world().await;
    world.app.serve(&(manifests() + INVOICES));
    let assertion = signed(&claims(&world, CLUSTER, BILLING));
    let resource = [("resource", "https://invoices.test/api")];
    for answer in
        [ask(&world, &assertion, &resource).await, grant(&world, &assertion, &resource).await]
    {
        assert_eq!(subject(&answer), "default.billing");
        let token = super::browser::claims(text(&answer.1, "access_token"));
        assert_eq!(
            (&token["aud"], &token["scope"]),
            (&json!("https://invoices.test/api"), &json!("invoices.read"))
        );
    }
}

#[tokio::test]
async fn only_assertions_of_other_issuers_are_grants() {
    let world = world().await;
    let token = signed(&claims(&world, CLUSTER, BILLING));
    // An assertion that a client signs itself, a token of the tenant, and other texts.
    let id = "default.signs-with-key";
    let own = signed(&claims(&world, id, id));
    let (_, tokens) = ask(&world, &token, &[]).await;
    for wrong in [own.as_str(), text(&tokens, "access_token"), "a.b.c", "assertion"] {
        assert_error(&grant(&world, wrong, &[]).await, 400, "invalid_grant");
        let named = [("client_id", id)];
        assert_error(&grant(&world, wrong, &named).await, 400, "invalid_grant");
    }
    assert_error(&grant(&world, "", &[]).await, 400, "invalid_request");
    // One set of credentials in a request (RFC 6749 §2.3).
    for more in [
        [("client_secret", "a"), ("client_id", "default.web")],
        [("client_assertion", &*token), ("client_assertion_type", TYPE)],
    ] {
        assert_error(&grant(&world, &token, &more).await, 400, "invalid_request");
    }
    // The assertion counts at the token endpoint only, and a client needs the grant type.
    let url = format!("{}/oauth/introspect", world.app.issuer("shop"));
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", &token),
        ("token", &token),
    ];
    let answer = world.http.post(url).form(&form).send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    let grants = "[client_credentials, 'urn:ietf:params:oauth:grant-type:jwt-bearer']";
    world.app.serve(&manifests().replace(grants, "[client_credentials]"));
    assert_error(&grant(&world, &token, &[]).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn metadata_lists_the_grant_type_where_a_client_has_it() {
    let world = world().await;
    let name = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    for (client, has) in [("web", true), ("web-elsewhere", false)] {
        let metadata = world.application(client).await.metadata;
        let all = metadata["grant_types_supported"].as_array().expect("a list");
        assert_eq!(all.contains(&json!(name)), has, "{client}: {all:?}");
    }
    world.app.serve(MANIFESTS);
    let without = world.application("web").await.metadata;
    let all = without["grant_types_supported"].as_array().expect("a list");
    assert!(!all.contains(&json!(name)), "{all:?}");
}
