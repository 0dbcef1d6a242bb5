//! Requests through the whole handler, in process, compared with the signatures that they contain.
//!
//! Guides, on one core: `client_credentials` costs its signature and 40 µs at most; discovery less
//! than 10 µs; with the token of another issuer, `client_credentials` reaches 80 % of its rate. RS256 is signed on another thread, so its figures contain two thread switches.

#[path = "../tests/support/app.rs"]
#[expect(dead_code, reason = "a part of the tests' server is used")]
mod app;
#[path = "../tests/support/publisher.rs"]
#[expect(dead_code, reason = "only the signature is used")]
mod publisher;

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::{Request, StatusCode};
use http_body_util::Full;
use lanyard::{
    keys::JwtType,
    model::{AccessTokenType, Clock, TenantId},
};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use self::app::TestApp;

const TYPE: JwtType = JwtType::AccessToken(AccessTokenType::AtJwt);

const MANIFESTS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: rs256}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: es256}
spec: {signing: {algorithms: [ES256, RS256]}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: app-rs256}
spec:
  tenantRef: {name: rs256}
  grantTypes: [client_credentials]
  scopes: [email, profile]
  tokenEndpointAuthMethod: client_secret_post
  secretRef: {name: app-secret}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: app-es256}
spec:
  tenantRef: {name: es256}
  grantTypes: [client_credentials]
  scopes: [email, profile]
  tokenEndpointAuthMethod: client_secret_post
  secretRef: {name: app-secret}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: job}
spec:
  tenantRef: {name: es256}
  grantTypes: [client_credentials]
  scopes: [email, profile]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
  - issuer: https://ci.test
    subject: repo:acme/shop
    jwks: {keys: [{kty: OKP, crv: Ed25519, kid: one, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}
---
apiVersion: v1
kind: Secret
metadata: {name: app-secret}
stringData: {client-secret: a-secret-of-at-least-thirty-two-characters}
";

const ALGORITHMS: [&str; 2] = ["rs256", "es256"];

fn world() -> (Runtime, TestApp) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let app = runtime.block_on(TestApp::start(MANIFESTS));
    (runtime, app)
}

fn ask(app: &TestApp, method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", app.address.to_string())
        .header("user-agent", "bench/1.0")
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .expect("a request")
}

async fn answer(app: &TestApp, request: Request<Full<Bytes>>) {
    let answer = app.app.answer(request, std::net::IpAddr::from([127, 0, 0, 1])).await;
    assert_eq!(answer.status(), StatusCode::OK);
    black_box(answer);
}

/// Signatures over the claims of an ordinary access token.
fn signatures(criterion: &mut Criterion) {
    let (runtime, app) = world();
    let (claims, now) = (vec![b'x'; 400], app.app.now());
    let mut group = criterion.benchmark_group("sign");
    for name in ALGORITHMS {
        let snapshot = app.app.registry.snapshot();
        let tenant = snapshot.tenant(&TenantId::new("default", name)).expect("served");
        let key = tenant.signing_key(now).expect("a key");
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                let signed = app.app.accounts.signer.sign(key, TYPE, claims.clone());
                black_box(runtime.block_on(signed).expect("a token"))
            });
        });
    }
}

/// The token endpoint: parse, authenticate, decide, sign, render.
fn client_credentials(criterion: &mut Criterion) {
    let (runtime, app) = world();
    let mut group = criterion.benchmark_group("client_credentials");
    for name in ALGORITHMS {
        let path = format!("/default/{name}/oauth/token");
        let body = format!(
            "grant_type=client_credentials&client_id=default.app-{name}\
             &client_secret=a-secret-of-at-least-thirty-two-characters&scope=email"
        );
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| runtime.block_on(answer(&app, ask(&app, "POST", &path, &body))));
        });
    }
}

/// The token endpoint for the token of another issuer, whose signature is verified once.
fn federated_client_credentials(criterion: &mut Criterion) {
    let (runtime, app) = world();
    let exp = app.clock.now().secs() + 3600;
    let assertion = publisher::signed(&json!({
        "iss": "https://ci.test", "sub": "repo:acme/shop", "aud": app.issuer("es256"), "exp": exp,
    }));
    let body = format!(
        "grant_type=client_credentials&client_id=default.job&scope=email&client_assertion={assertion}\
         &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    criterion.bench_function("federated_client_credentials/es256", |bencher| {
        let path = "/default/es256/oauth/token";
        bencher.iter(|| runtime.block_on(answer(&app, ask(&app, "POST", path, &body))));
    });
}

/// Discovery and JWKS, which are prepared bytes.
fn discovery(criterion: &mut Criterion) {
    let (runtime, app) = world();
    let mut group = criterion.benchmark_group("discovery");
    for (name, path) in [("metadata", ".well-known/openid-configuration"), ("jwks", "oauth/jwks")] {
        let path = format!("/default/rs256/{path}");
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| runtime.block_on(answer(&app, ask(&app, "GET", &path, ""))));
        });
    }
}

criterion_group!(requests, signatures, client_credentials, federated_client_credentials, discovery);
criterion_main!(requests);
