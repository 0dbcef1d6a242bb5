//! The cost of identity providers, on one core.
//!
//! Guides: a sign-in at a provider, from the authorization request to the code, costs less than 3 ms
//! with the verification of one EdDSA signature; a decision by a CEL rule costs less than 20 µs.
//! The provider's answers are in memory, so no network and no TLS is measured.

#[path = "../tests/support/app.rs"]
#[expect(dead_code, reason = "a part of the tests' server is used")]
mod app;
#[path = "../tests/support/publisher.rs"]
#[expect(dead_code, reason = "signatures are used, and no server")]
mod publisher;

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use lanyard::{
    model::{Clock, TenantId},
    protocol::{
        access::may_enter,
        authentication::{Authentication, AuthenticationMethod},
    },
};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use self::app::TestApp;

const UPSTREAM: &str = "https://sso.acme.test";
const RULE: &str =
    "user.groups.exists(g, g.startsWith('k8s-')) && user.email.endsWith('@acme.test')";

const MANIFESTS: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: app}
spec:
  tenantRef: {name: main}
  redirectUris: [https://rp.test/cb]
  consent: Implied
  secretRef: {name: secret}
  access:
    rules: [{expression: "RULE"}]
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: grace}
spec:
  tenantRef: {name: main}
  username: grace
  email: grace@acme.test
  groups: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, k8s-users]
---
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: corp}
spec:
  tenantRef: {name: main}
  type: OIDC
  oidc:
    issuer: https://sso.acme.test
    clientId: lanyard
    clientSecretRef: {name: secret}
  emailDomains: [acme.test]
  claimMappings:
    username: {claim: preferred_username, prefix: "corp:"}
    groups: {claim: groups, include: ["k8s-*"]}
  claimValidationRules: [{claim: hd, requiredValue: acme.test}]
  userValidationRules: [{expression: "'k8s-users' in user.groups"}]
  admit: ByRules
---
apiVersion: v1
kind: Secret
metadata: {name: secret}
stringData: {client-secret: a-secret-of-at-least-thirty-two-characters}
"#;

fn world() -> (Runtime, TestApp) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let app = runtime.block_on(TestApp::start(&MANIFESTS.replace("RULE", RULE)));
    let metadata = json!({
        "issuer": UPSTREAM,
        "authorization_endpoint": format!("{UPSTREAM}/authorize"),
        "token_endpoint": format!("{UPSTREAM}/token"),
        "jwks_uri": format!("{UPSTREAM}/jwks"),
        "id_token_signing_alg_values_supported": ["EdDSA"],
    });
    let key = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "one", "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let discovery = format!("{UPSTREAM}/.well-known/openid-configuration");
    app.publish(&discovery, &metadata.to_string());
    app.publish(&format!("{UPSTREAM}/jwks"), &json!({ "keys": [key] }).to_string());
    (runtime, app)
}

/// The provider's token response for a person with this nonce.
fn publish_tokens(app: &TestApp, nonce: &str) {
    let now = app.clock.now().secs();
    let groups = (0..20).map(|at| format!("k8s-group-{at}"));
    let groups: Vec<String> = groups.chain(["k8s-users".to_owned()]).collect();
    let id_token = publisher::signed(&json!({
        "iss": UPSTREAM, "aud": "lanyard", "sub": "1", "nonce": nonce, "iat": now, "exp": now + 300,
        "preferred_username": "ada", "name": "Ada Lovelace", "email": "ada@acme.test",
        "email_verified": true, "hd": "acme.test", "groups": groups,
    }));
    let response = json!({ "token_type": "Bearer", "access_token": "x", "id_token": id_token });
    app.publish(&format!("{UPSTREAM}/token"), &response.to_string());
}

/// Follows a URL of the server; returns the time that it took, where it leads, and its headers.
async fn follow(app: &TestApp, url: &str, cookies: &str) -> (Duration, Url, HeaderMap) {
    let request = Request::builder()
        .uri(url.strip_prefix(&app.origin).unwrap_or(url))
        .header("host", app.address.to_string())
        .header("user-agent", "bench/1.0")
        .header("cookie", cookies)
        .body(Full::new(Bytes::new()))
        .expect("a request");
    let begun = Instant::now();
    let answer = app.app.answer(request, std::net::IpAddr::from([127, 0, 0, 1])).await;
    let took = begun.elapsed();
    let status = answer.status();
    assert!(matches!(status, StatusCode::FOUND | StatusCode::SEE_OTHER), "{status} at {url}");
    let headers = answer.headers().clone();
    let location = headers["location"].to_str().expect("text");
    let base = Url::parse(&app.origin).expect("a URL");
    (took, base.join(location).expect("a URL"), headers)
}

/// A whole sign-in of a person whose browser has no cookies; returns the time of the server.
async fn sign_in(app: &TestApp) -> Duration {
    let issuer = app.issuer("main");
    let mut url = Url::parse_with_params(
        &format!("{issuer}/oauth/authorize"),
        [
            ("response_type", "code"),
            ("client_id", "default.app"),
            ("redirect_uri", "https://rp.test/cb"),
            ("scope", "openid profile email groups"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("identity_provider", "corp"),
        ],
    )
    .expect("a URL");
    let (mut cookies, mut whole) = (BTreeMap::new(), Duration::ZERO);
    while url.as_str().starts_with(&app.origin) {
        let sent = cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let sent = sent.collect::<Vec<String>>().join("; ");
        let (took, next, headers) = follow(app, url.as_str(), &sent).await;
        whole += took;
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text").split(';').next().expect("a part");
            let (name, value) = cookie.split_once('=').expect("a pair");
            cookies.insert(name.to_owned(), value.to_owned());
        }
        url = next;
        if url.as_str().starts_with(UPSTREAM) {
            let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
            publish_tokens(app, &request["nonce"]);
            let answer = [("code", "a-code"), ("state", &request["state"])];
            url =
                Url::parse_with_params(&format!("{issuer}/callback/corp"), answer).expect("a URL");
        }
    }
    assert!(url.query_pairs().any(|(name, _)| name == "code"), "no sign-in: {url}");
    whole
}

fn upstream_sign_in(criterion: &mut Criterion) {
    let (runtime, app) = world();
    criterion.bench_function("sign-in at an identity provider", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| runtime.block_on(sign_in(&app))).sum());
    });
}

fn access(criterion: &mut Criterion) {
    let (_runtime, app) = world();
    let snapshot = app.app.registry.snapshot();
    let served = snapshot.tenant(&TenantId::new("default", "main")).expect("served");
    let (client, account) = (
        served.declared_client("default.app").expect("served"),
        served.account_by_username("grace").expect("served"),
    );
    let password = AuthenticationMethod::password();
    let proven = Authentication::by(password, account.subject.clone(), app.clock.now());
    assert_eq!(may_enter(account, client, &served.tenant, &proven), Ok(()));
    criterion.bench_function("access decision with a CEL rule", |bencher| {
        bencher.iter(|| black_box(may_enter(black_box(account), client, &served.tenant, &proven)));
    });
}

criterion_group!(identity_providers, upstream_sign_in, access);
criterion_main!(identity_providers);
