//! Client authentication by tokens of ServiceAccounts of the cluster (`serviceAccountRef`).

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use lanyard::model::{
    Clock, ClusterDocument, ClusterTokenError, ClusterTokens, ManagedKind, ObjectKey, ObjectRef,
    Secret,
};
use serde_json::{Value, json};

use super::{
    assertions::ask,
    publisher::signed,
    world::{MANIFESTS, World, assert_error, text},
};

const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";
const ELSEWHERE: &str = "https://elsewhere.test/keys";

/// The API server of the tests.
#[derive(Debug)]
struct FakeCluster {
    issuer: Mutex<String>,
    keys: Mutex<String>,
    fault: Mutex<Option<ClusterTokenError>>,
    fetches: AtomicUsize,
    reviews: AtomicUsize,
    /// Tokens whose Pods are gone.
    gone: Mutex<Vec<String>>,
}

#[async_trait]
impl ClusterTokens for FakeCluster {
    async fn discovery(&self) -> Result<ClusterDocument, ClusterTokenError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let issuer = self.issuer.lock().expect("whole").clone();
        let body = json!({ "issuer": issuer, "jwks_uri": ELSEWHERE }).to_string().into();
        Ok(ClusterDocument { body, max_age: None })
    }

    async fn keys(&self) -> Result<ClusterDocument, ClusterTokenError> {
        if let Some(fault) = self.fault.lock().expect("whole").clone() {
            return Err(fault);
        }
        let body = format!(r#"{{"keys":[{}]}}"#, self.keys.lock().expect("whole"));
        Ok(ClusterDocument { body: body.into(), max_age: Some(Duration::from_hours(1)) })
    }

    async fn review(
        &self,
        token: &Secret<String>,
        audience: &str,
    ) -> Result<bool, ClusterTokenError> {
        self.reviews.fetch_add(1, Ordering::SeqCst);
        assert!(audience.ends_with("/default/shop"), "{audience}");
        Ok(!self.gone.lock().expect("whole").contains(token.expose()))
    }
}

fn client(name: &str, namespace: &str, credential: &str) -> String {
    format!(
        "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  tenantRef: {{name: shop, namespace: default}}
  grantTypes: [client_credentials]
  scopes: [badges]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
  - {credential}"
    )
}

/// A tenant that admits clients of all namespaces, and clients in some.
fn manifests() -> String {
    let admits = "  displayName: Harbour Works\n  clients: {namespaces: {from: All}, grantTypes: [client_credentials], scopes: [badges]}\n";
    let named = |subject: &str| format!("{{issuer: '{CLUSTER}', subject: '{subject}'}}");
    [
        MANIFESTS.replacen("  displayName: Harbour Works\n", admits, 1),
        client("billing", "pay", "{serviceAccountRef: {name: billing}}"),
        client("reviewed", "pay", "{serviceAccountRef: {name: reviewed, validate: TokenReview}}"),
        client("one", "pay", "{serviceAccountRef: {name: shared}}"),
        client("two", "pay", "{serviceAccountRef: {name: shared}, audience: two}"),
        client("billing", "other", "{serviceAccountRef: {name: billing}}"),
        // Names the cluster as if it were another one.
        client("thief", "default", &named("system:serviceaccount:pay:billing")),
        // The same with its keys, so that nothing has to be fetched.
        client("inline", "default", &format!("{{issuer: '{CLUSTER}', jwks: {{keys: [{KEY}]}}, subject: 'system:serviceaccount:pay:reporting'}}")),
    ]
    .concat()
}

async fn world() -> (World, Arc<FakeCluster>) {
    let world = World::new().await;
    world.app.serve(&manifests());
    let cluster = Arc::new(FakeCluster {
        issuer: Mutex::new(CLUSTER.to_owned()),
        keys: Mutex::new(KEY.to_owned()),
        fault: Mutex::default(),
        fetches: AtomicUsize::new(0),
        reviews: AtomicUsize::new(0),
        gone: Mutex::default(),
    });
    world.app.app.accounts.cluster_tokens.set_source(Arc::<FakeCluster>::clone(&cluster) as _);
    (world, cluster)
}

/// The claims of a projected token of an hour.
fn claims(world: &World, namespace: &str, account: &str) -> Value {
    let now = world.app.clock.now().secs();
    json!({
        "iss": CLUSTER, "sub": format!("system:serviceaccount:{namespace}:{account}"),
        "aud": [world.app.issuer("shop")], "iat": now, "nbf": now, "exp": now + 3600, "jti": "a",
        "kubernetes.io": {
            "namespace": namespace, "pod": {"name": "billing-0", "uid": "b"},
            "serviceaccount": {"name": account, "uid": "c"},
        },
    })
}

/// The client that a response has a token for.
fn client_in_answer(answer: &(u16, Value)) -> String {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let token = text(&answer.1, "access_token");
    let claims = lanyard::protocol::jwt::UnverifiedJwt::read(token).expect("a JWT").claims;
    claims["client_id"].as_str().expect("a client").to_owned()
}

#[tokio::test]
async fn a_pod_gets_a_token_with_its_service_account_token_alone() {
    let (world, cluster) = world().await;
    let token = signed(&claims(&world, "pay", "billing"));
    for _ in 0..3 {
        assert_eq!(client_in_answer(&ask(&world, &token, &[]).await), "pay.billing");
    }
    let named = ask(&world, &token, &[("client_id", "pay.billing")]).await;
    assert_eq!(client_in_answer(&named), "pay.billing");
    // An equal name in another namespace is another ServiceAccount.
    let other = signed(&claims(&world, "other", "billing"));
    assert_eq!(client_in_answer(&ask(&world, &other, &[]).await), "other.billing");
    assert_error(
        &ask(&world, &other, &[("client_id", "pay.billing")]).await,
        401,
        "invalid_client",
    );
    assert_eq!(cluster.fetches.load(Ordering::SeqCst), 1);
    assert_eq!(world.app.fetches(ELSEWHERE), 0, "jwks_uri is never followed");
}

#[tokio::test]
async fn the_cluster_is_refused_as_a_named_issuer() {
    let (world, _) = world().await;
    let token = signed(&claims(&world, "pay", "billing"));
    let thief = ask(&world, &token, &[("client_id", "default.thief")]).await;
    assert_error(&thief, 401, "invalid_client");
    let causes = json!(world.app.audit.lines()).to_string();
    assert!(
        causes.contains("no serviceAccountRef of the client names that ServiceAccount"),
        "{causes}"
    );
    // The client of the same subject in the tenant's namespace takes nothing over either.
    assert_eq!(client_in_answer(&ask(&world, &token, &[]).await), "pay.billing");
}

#[tokio::test]
async fn the_cluster_is_refused_as_a_named_issuer_before_its_issuer_is_known() {
    let (world, cluster) = world().await;
    *cluster.fault.lock().expect("whole") = Some(ClusterTokenError::Forbidden("read keys"));
    let token = signed(&claims(&world, "pay", "reporting"));
    for named in [&[][..], &[("client_id", "default.inline")]] {
        assert_error(&ask(&world, &token, named).await, 401, "invalid_client");
    }
    let causes = json!(world.app.audit.lines()).to_string();
    assert!(causes.contains("whose issuer is not known yet"), "{causes}");
    *cluster.fault.lock().expect("whole") = None;
    world.wait(30);
    let known = ask(&world, &token, &[("client_id", "default.inline")]).await;
    assert_error(&known, 401, "invalid_client");
    // Where Lanyard has no cluster, the issuer is that of another one.
    let world = World::new().await;
    world.app.serve(&manifests());
    let token = signed(&claims(&world, "pay", "reporting"));
    let named = ask(&world, &token, &[("client_id", "default.inline")]).await;
    assert_eq!(client_in_answer(&named), "default.inline");
}

#[tokio::test]
async fn two_clients_of_a_service_account_need_a_client_id() {
    let (world, _) = world().await;
    let token = signed(&claims(&world, "pay", "shared"));
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
    assert_eq!(
        client_in_answer(&ask(&world, &token, &[("client_id", "pay.one")]).await),
        "pay.one"
    );
    assert_error(&ask(&world, &token, &[("client_id", "pay.two")]).await, 401, "invalid_client");
    let mut own = claims(&world, "pay", "shared");
    own["aud"] = json!(["two"]);
    assert_eq!(
        client_in_answer(&ask(&world, &signed(&own), &[("client_id", "pay.two")]).await),
        "pay.two"
    );
}

#[tokio::test]
async fn tokens_for_others_expired_ones_and_forged_ones_are_refused() {
    let (world, cluster) = world().await;
    let good = claims(&world, "pay", "billing");
    let now = world.app.clock.now().secs();
    for (name, value) in [
        ("aud", json!([CLUSTER])),
        ("aud", json!([world.app.issuer("shop"), CLUSTER])),
        ("exp", json!(now)),
        ("exp", json!(now + 90_000)),
        ("iss", json!("https://elsewhere.test")),
        ("sub", json!("system:serviceaccount:pay:default")),
        ("sub", json!("system:serviceaccount:pay:billing:x")),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        for named in [&[][..], &[("client_id", "pay.billing")]] {
            assert_error(&ask(&world, &signed(&claims), named).await, 401, "invalid_client");
        }
    }
    let forged = signed(&good).rsplit_once('.').expect("a JWT").0.to_owned() + ".AAAA";
    assert_error(&ask(&world, &forged, &[]).await, 401, "invalid_client");
    assert!(cluster.fetches.load(Ordering::SeqCst) <= 2, "strangers cause no fetches");
}

#[tokio::test]
async fn rotated_keys_and_a_changed_issuer_are_noticed() {
    let (world, cluster) = world().await;
    let old = KEY.replace("one", "old");
    *cluster.keys.lock().expect("whole") = old.clone();
    let token = signed(&claims(&world, "pay", "billing"));
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
    *cluster.keys.lock().expect("whole") = format!("{old},{KEY}");
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
    world.wait(30);
    assert_eq!(client_in_answer(&ask(&world, &token, &[]).await), "pay.billing");
    "https://new.test".clone_into(&mut cluster.issuer.lock().expect("whole"));
    world.wait(30);
    let mut renewed = claims(&world, "pay", "billing");
    renewed["iss"] = json!("https://new.test");
    assert_eq!(client_in_answer(&ask(&world, &signed(&renewed), &[]).await), "pay.billing");
    // Tokens of the old issuer fail until kubelets renew them.
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn the_last_keys_serve_for_as_long_as_the_api_server_said() {
    let (world, cluster) = world().await;
    let token = signed(&claims(&world, "pay", "billing"));
    assert_eq!(client_in_answer(&ask(&world, &token, &[]).await), "pay.billing");
    let fault = ClusterTokenError::Unavailable("it is down".to_owned());
    *cluster.fault.lock().expect("whole") = Some(fault);
    world.wait(3500);
    assert_eq!(client_in_answer(&ask(&world, &token, &[]).await), "pay.billing");
    world.wait(101);
    let later = signed(&claims(&world, "pay", "billing"));
    assert_error(&ask(&world, &later, &[]).await, 401, "invalid_client");
    let causes = json!(world.app.audit.lines()).to_string();
    assert!(causes.contains("the API server does not answer: it is down"), "{causes}");
    *cluster.fault.lock().expect("whole") = None;
    world.wait(30);
    assert_eq!(client_in_answer(&ask(&world, &later, &[]).await), "pay.billing");
}

#[tokio::test]
async fn a_reviewed_token_ends_with_its_pod() {
    let (world, cluster) = world().await;
    let token = signed(&claims(&world, "pay", "reviewed"));
    assert_eq!(client_in_answer(&ask(&world, &token, &[]).await), "pay.reviewed");
    cluster.gone.lock().expect("whole").push(token.clone());
    world.wait(9);
    assert_eq!(client_in_answer(&ask(&world, &token, &[]).await), "pay.reviewed", "for seconds");
    world.wait(1);
    let refused = ask(&world, &token, &[]).await;
    assert_error(&refused, 401, "invalid_client");
    assert!(text(&refused.1, "error_description").contains("is gone"), "{}", refused.1);
}

#[tokio::test]
async fn only_valid_tokens_are_reviewed() {
    let (world, cluster) = world().await;
    let good = claims(&world, "pay", "reviewed");
    let (token, other) = (signed(&good), signed(&claims(&world, "pay", "billing")));
    let (message, _) = token.rsplit_once('.').expect("a JWT");
    let (_, signature) = other.rsplit_once('.').expect("a JWT");
    let mut expired = good.clone();
    expired["exp"] = good["iat"].clone();
    for wrong in [format!("{message}.AAAA"), format!("{message}.{signature}"), signed(&expired)] {
        for named in [&[][..], &[("client_id", "pay.reviewed")]] {
            assert_error(&ask(&world, &wrong, named).await, 401, "invalid_client");
        }
    }
    assert_eq!(cluster.reviews.load(Ordering::SeqCst), 0, "a forged token costs no request");
    assert_eq!(client_in_answer(&ask(&world, &token, &[]).await), "pay.reviewed");
    assert_eq!(cluster.reviews.load(Ordering::SeqCst), 1);
    // Only a credential that asks for it has its tokens reviewed.
    assert_eq!(client_in_answer(&ask(&world, &other, &[]).await), "pay.billing");
    assert_eq!(cluster.reviews.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_a_cluster_the_object_has_a_warning() {
    let world = World::new().await;
    world.app.serve(&manifests());
    let token = signed(&claims(&world, "pay", "billing"));
    assert_error(&ask(&world, &token, &[]).await, 401, "invalid_client");
    let snapshot = world.app.app.registry.snapshot();
    let object = ObjectRef::new(ManagedKind::OidcClient, ObjectKey::new("pay", "billing"));
    let verdict = snapshot.verdicts().get(&object).expect("judged");
    let warned: Vec<_> = verdict.warnings.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(warned, ["NoCluster"]);
    assert!(verdict.served());
}
