//! Tokens bound to a key by DPoP (RFC 9449), and attacks on them.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lanyard::{
    identity::RecordMaker,
    model::{TenantId, Timestamp},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    browser::{Application, VERIFIER, claims, form_encode},
    world::{MANIFESTS, SignedIn, World, assert_error, read, text},
};
use crate::support::dpop::{DpopKey, claims as proof_claims};

impl World {
    fn time(&self) -> Timestamp {
        use lanyard::model::Clock;
        self.app.clock.now()
    }

    /// A proof for the token endpoint.
    fn token_proof(&self, application: &Application, key: &DpopKey) -> String {
        key.proof("POST", application.endpoint("token_endpoint"), self.time())
    }

    /// A token request with these proofs, at the replica with this port.
    async fn token_at(
        &self,
        port: u16,
        application: &Application,
        parameters: &[(&str, &str)],
        proofs: &[&str],
    ) -> (u16, Value) {
        let endpoint = Url::parse(application.endpoint("token_endpoint")).expect("a URL");
        let mut target = endpoint.clone();
        target.set_port(Some(port)).expect("an http URL");
        let mut request = self
            .http
            .post(target)
            .header("host", &endpoint[url::Position::BeforeHost..url::Position::AfterPort]);
        let mut body = parameters.to_vec();
        match &application.client_secret {
            Some(secret) => {
                let secret = Some(form_encode(secret));
                request = request.basic_auth(form_encode(&application.client_id), secret);
            }
            None => body.push(("client_id", &application.client_id)),
        }
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        let (status, _, answer) = read(request.form(&body)).await;
        (status, answer)
    }

    async fn token(
        &self,
        application: &Application,
        parameters: &[(&str, &str)],
        proofs: &[&str],
    ) -> (u16, Value) {
        self.token_at(self.app.address.port(), application, parameters, proofs).await
    }

    async fn redeem(&self, application: &Application, code: &str, proofs: &[&str]) -> (u16, Value) {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &application.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.token(application, &parameters, proofs).await
    }

    async fn refresh(
        &self,
        application: &Application,
        tokens: &Value,
        key: Option<&DpopKey>,
    ) -> (u16, Value) {
        let proof = key.map(|key| self.token_proof(application, key));
        let parameters =
            [("grant_type", "refresh_token"), ("refresh_token", text(tokens, "refresh_token"))];
        self.token(application, &parameters, proof.as_deref().as_slice()).await
    }

    /// The tokens of a new grant, bound to a key.
    async fn bound(&self, alice: &SignedIn, name: &str, key: &DpopKey) -> (Application, Value) {
        let application = self.application(name).await;
        let code = alice.code(&application, "openid profile offline_access").await;
        let proof = self.token_proof(&application, key);
        let (status, tokens) = self.redeem(&application, &code, &[&proof]).await;
        assert_eq!((status, &tokens["token_type"]), (200, &json!("DPoP")), "{tokens}");
        let bound_to = &claims(text(&tokens, "access_token"))["cnf"];
        assert_eq!(*bound_to, json!({ "jkt": key.thumbprint() }));
        (application, tokens)
    }

    /// Status, challenges and body of a userinfo request.
    async fn show_token(
        &self,
        application: &Application,
        authorization: &str,
        proof: Option<&str>,
    ) -> (u16, String, Value) {
        let request = self.http.get(application.endpoint("userinfo_endpoint"));
        let mut request = request.header("authorization", authorization);
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let (status, headers, answer) = read(request).await;
        let challenges = headers.get_all("www-authenticate").iter();
        let challenges = challenges.map(|it| it.to_str().expect("text")).collect::<Vec<_>>();
        (status, challenges.join("\n"), answer)
    }
}

/// An API whose tokens are bound, and the client as which it introspects.
const BOUND_API: &str = "
---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {name: bound}
spec:
  tenantRef: {name: shop}
  identifier: https://bound.test/api
  scopes: [{name: read}]
  tokenBinding: DPoP
  introspection: {clientRef: {name: web}}
";
const BOUND: &str = "https://bound.test/api";

const CREDENTIALS: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "badges")];

#[tokio::test]
async fn a_proof_binds_tokens_of_client_credentials() {
    // RFC 9449 §5, §6
    let world = World::new().await;
    let (web, key) = (world.application("web").await, DpopKey::new());
    let algorithms = &web.metadata["dpop_signing_alg_values_supported"];
    assert_eq!(*algorithms, json!(["ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256"]));
    let proof = world.token_proof(&web, &key);
    let (status, tokens) = world.token(&web, &CREDENTIALS, &[&proof]).await;
    assert_eq!((status, &tokens["token_type"]), (200, &json!("DPoP")), "{tokens}");
    let token = text(&tokens, "access_token");
    assert_eq!(claims(token)["cnf"], json!({ "jkt": key.thumbprint() }));
    let answer: Value =
        web.post("introspection_endpoint", &[("token", token)]).await.json().await.expect("JSON");
    assert_eq!((&answer["active"], &answer["token_type"]), (&json!(true), &json!("DPoP")));
    assert_eq!(answer["cnf"], json!({ "jkt": key.thumbprint() }));
    let (_, plain) = world.token(&web, &CREDENTIALS, &[]).await;
    assert_eq!(plain["token_type"], "Bearer");
    assert_eq!(claims(text(&plain, "access_token")).get("cnf"), None);
}

#[tokio::test]
async fn a_bound_token_is_worthless_without_its_key() {
    // RFC 9449 §7
    let world = World::new().await;
    let (alice, key) = (world.alice().await, DpopKey::new());
    let (web, tokens) = world.bound(&alice, "web", &key).await;
    let token = text(&tokens, "access_token");
    let url = web.endpoint("userinfo_endpoint").to_owned();
    let now = world.time();
    let (dpop, bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
    let proof = key.proof_with("GET", &url, now, token);
    let (status, _, user) = world.show_token(&web, &dpop, Some(&proof)).await;
    assert_eq!(status, 200, "{user}");
    let other = DpopKey::new();
    for (case, authorization, proof, error) in [
        ("a proof that was used", &dpop, Some(proof), "invalid_dpop_proof"),
        ("no proof", &dpop, None, "invalid_dpop_proof"),
        ("as a bearer token", &bearer, None, "invalid_token"),
        (
            "as one with a proof",
            &bearer,
            Some(key.proof_with("GET", &url, now, token)),
            "invalid_token",
        ),
        ("another key", &dpop, Some(other.proof_with("GET", &url, now, token)), "invalid_token"),
        (
            "another method",
            &dpop,
            Some(key.proof_with("POST", &url, now, token)),
            "invalid_dpop_proof",
        ),
        ("no ath", &dpop, Some(key.proof("GET", &url, now)), "invalid_dpop_proof"),
        ("another ath", &dpop, Some(key.proof_with("GET", &url, now, "x")), "invalid_dpop_proof"),
        (
            "another URL",
            &dpop,
            Some(key.proof_with("GET", web.endpoint("token_endpoint"), now, token)),
            "invalid_dpop_proof",
        ),
    ] {
        let (status, challenge, answer) =
            world.show_token(&web, authorization, proof.as_deref()).await;
        assert_eq!((status, text(&answer, "error")), (401, error), "{case}: {answer}");
        assert!(
            challenge.starts_with("DPoP ") && challenge.contains("algs=\"ES256 "),
            "{challenge}"
        );
    }
    let form = world.http.post(&url).form(&[("access_token", token)]);
    let (status, _, answer) = read(form).await;
    assert_eq!((status, text(&answer, "error")), (401, "invalid_token"));
    // A token that is not bound is refused with the scheme DPoP.
    let plain = alice.tokens(&web, "openid").await;
    let plain = text(&plain, "access_token");
    let proof = key.proof_with("GET", &url, world.time(), plain);
    let (status, _, answer) = world.show_token(&web, &format!("DPoP {plain}"), Some(&proof)).await;
    assert_eq!((status, text(&answer, "error")), (401, "invalid_token"));
    assert_eq!(world.show_token(&web, &format!("Bearer {plain}"), None).await.0, 200);
    // Without a token, both schemes are offered.
    let (_, headers, _) = read(world.http.get(&url)).await;
    assert_eq!(headers.get_all("www-authenticate").iter().count(), 2);
}

#[tokio::test]
async fn wrong_proofs_are_refused_and_spend_nothing() {
    // RFC 9449 §4.3
    let world = World::new().await;
    let (alice, key, other) = (world.alice().await, DpopKey::new(), DpopKey::new());
    let web = &alice.web;
    let (url, now) = (web.endpoint("token_endpoint").to_owned(), world.time());
    let code = alice.code(web, "openid").await;
    let (header, fine) = (key.header(), proof_claims("POST", &url, now));
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let at = |seconds: i64| {
        let mut claims = proof_claims("POST", &url, now);
        claims["iat"] = json!(now.secs() + seconds);
        key.sign(&header, &claims)
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&with("alg", json!("none"))), part(&fine));
    let secret = {
        let mut hmac = Header::new(Algorithm::HS256);
        hmac.typ = Some("dpop+jwt".to_owned());
        encode(&hmac, &fine, &EncodingKey::from_secret(b"secret")).expect("signed")
    };
    let mut private = key.jwk();
    private["d"] = json!("AAAA");
    for (case, proof) in [
        ("another URL", key.proof("POST", web.endpoint("userinfo_endpoint"), now)),
        ("another host", key.proof("POST", "https://evil.test/oauth/token", now)),
        ("another method", key.proof("GET", &url, now)),
        ("a clock that is ahead", at(61)),
        ("a clock that is behind", at(-120)),
        ("unsigned", unsigned),
        ("signed with a secret", secret),
        ("a private key", key.sign(&with("jwk", private), &fine)),
        ("a symmetric key", key.sign(&with("jwk", json!({ "kty": "oct", "k": "AAAA" })), &fine)),
        ("the key of another client", key.sign(&with("jwk", other.jwk()), &fine)),
        ("another type of JWT", key.sign(&with("typ", json!("JWT")), &fine)),
        ("another algorithm", key.sign(&with("alg", json!("RS256")), &fine)),
        ("no JWT", "nonsense".to_owned()),
    ] {
        let answer = world.redeem(web, &code, &[&proof]).await;
        assert_eq!(answer.1["error"], "invalid_dpop_proof", "{case}: {answer:?}");
        assert_error(&answer, 400, "invalid_dpop_proof");
    }
    let (one, two) = (world.token_proof(web, &key), world.token_proof(web, &key));
    assert_error(&world.redeem(web, &code, &[&one, &two]).await, 400, "invalid_dpop_proof");
    let (status, tokens) = world.redeem(web, &code, &[&one]).await;
    assert_eq!(status, 200, "{tokens}");
}

#[tokio::test]
async fn a_proof_counts_once_at_all_replicas_and_only_for_a_proven_client() {
    // RFC 9449 §11.1
    let world = World::new().await;
    let (mut web, key) = (world.application("web").await, DpopKey::new());
    let other = world.app.start_replica();
    let proof = world.token_proof(&web, &key);
    let right = web.client_secret.replace("wrong".to_owned());
    assert_error(&world.token(&web, &CREDENTIALS, &[&proof]).await, 401, "invalid_client");
    web.client_secret = right;
    let wrong_scope = [CREDENTIALS[0], ("scope", "unknown")];
    assert_error(&world.token(&web, &wrong_scope, &[&proof]).await, 400, "invalid_scope");
    assert_eq!(world.token(&web, &CREDENTIALS, &[&proof]).await.0, 200);
    for port in [world.app.address.port(), other.address.port()] {
        let answer = world.token_at(port, &web, &CREDENTIALS, &[&proof]).await;
        assert_error(&answer, 400, "invalid_dpop_proof");
    }
    world.wait(119);
    assert_error(&world.token(&web, &CREDENTIALS, &[&proof]).await, 400, "invalid_dpop_proof");
    world.wait(3);
    assert_error(&world.token(&web, &CREDENTIALS, &[&proof]).await, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_code_is_bound_by_the_authorization_request() {
    // RFC 9449 §10, §10.1
    let world = World::new().await;
    let (alice, key, other) = (world.alice().await, DpopKey::new(), DpopKey::new());
    let thumbprint = key.thumbprint();
    for name in ["web", "spa"] {
        let application = world.application(name).await;
        let direct =
            application.authorize_url("openid", &[("prompt", "none"), ("dpop_jkt", &thumbprint)]);
        let pushed = push(&world, &application, &key).await;
        for url in [direct, pushed] {
            let code = alice.browser.open(&url).await.answer().remove("code").expect("a code");
            let stolen = world.token_proof(&application, &other);
            let answer = world.redeem(&application, &code, &[&stolen]).await;
            assert_error(&answer, 400, "invalid_grant");
            let answer = world.redeem(&application, &code, &[]).await;
            assert_error(&answer, 400, "invalid_dpop_proof");
            let own = world.token_proof(&application, &key);
            let (status, tokens) = world.redeem(&application, &code, &[&own]).await;
            assert_eq!(status, 200, "{name}: {tokens}");
            // A thief with another key does not revoke the grant either.
            let again = world.token_proof(&application, &other);
            let answer = world.redeem(&application, &code, &[&again]).await;
            assert_error(&answer, 400, "invalid_grant");
            let token = text(&tokens, "access_token");
            let url = application.endpoint("userinfo_endpoint");
            let proof = key.proof_with("GET", url, world.time(), token);
            let user = world.show_token(&application, &format!("DPoP {token}"), Some(&proof)).await;
            assert_eq!(user.0, 200, "{user:?}");
        }
    }
    let malformed = alice.web.authorize_url("openid", &[("dpop_jkt", "short")]);
    assert_eq!(alice.browser.open(&malformed).await.answer()["error"], "invalid_request");
}

/// Pushes a request with a proof; returns the URL that the browser opens.
async fn push(world: &World, application: &Application, key: &DpopKey) -> String {
    let endpoint = application.endpoint("pushed_authorization_request_endpoint").to_owned();
    let url = application.authorize_url("openid", &[("prompt", "none")]);
    let url = Url::parse(&url).expect("a URL");
    let parameters: Vec<_> = url.query_pairs().into_owned().collect();
    let send = |more: Vec<(String, String)>, proof: String| {
        let mut request = world.http.post(&endpoint).header("dpop", proof);
        if let Some(secret) = &application.client_secret {
            request = request.basic_auth(&application.client_id, Some(form_encode(secret)));
        }
        read(request.form(&[parameters.clone(), more].concat()))
    };
    let other = vec![("dpop_jkt".to_owned(), DpopKey::new().thumbprint())];
    let proof = || key.proof("POST", &endpoint, world.time());
    let (status, _, answer) = send(other, proof()).await;
    assert_eq!((status, text(&answer, "error")), (400, "invalid_dpop_proof"));
    let elsewhere = key.proof("POST", application.endpoint("token_endpoint"), world.time());
    let (status, _, answer) = send(Vec::new(), elsewhere).await;
    assert_eq!((status, text(&answer, "error")), (400, "invalid_dpop_proof"));
    let same = vec![("dpop_jkt".to_owned(), key.thumbprint())];
    let (status, _, answer) = send(same, proof()).await;
    assert_eq!(status, 201, "{answer}");
    let mut url = Url::parse(application.endpoint("authorization_endpoint")).expect("a URL");
    url.query_pairs_mut()
        .append_pair("client_id", &application.client_id)
        .append_pair("request_uri", text(&answer, "request_uri"));
    url.into()
}

#[tokio::test]
async fn refresh_tokens_of_public_clients_are_bound_to_their_key() {
    // RFC 9449 §5
    let world = World::new().await;
    let (alice, key, other) = (world.alice().await, DpopKey::new(), DpopKey::new());
    let (spa, tokens) = world.bound(&alice, "spa", &key).await;
    let answer = world.refresh(&spa, &tokens, Some(&other)).await;
    assert_error(&answer, 400, "invalid_grant");
    assert_error(&world.refresh(&spa, &tokens, None).await, 400, "invalid_dpop_proof");
    let (status, next) = world.refresh(&spa, &tokens, Some(&key)).await;
    assert_eq!((status, &next["token_type"]), (200, &json!("DPoP")), "{next}");
    assert_eq!(claims(text(&next, "access_token"))["cnf"]["jkt"], key.thumbprint());
    // A superseded token with another key revokes nothing.
    world.wait(31);
    let answer = world.refresh(&spa, &tokens, Some(&other)).await;
    assert_error(&answer, 400, "invalid_grant");
    let (status, next) = world.refresh(&spa, &next, Some(&key)).await;
    assert_eq!(status, 200, "{next}");
    // A grant that is not bound is bound from the first proof on.
    let plain = alice.tokens(&spa, "openid offline_access").await;
    let (status, bound) = world.refresh(&spa, &plain, Some(&key)).await;
    assert_eq!(status, 200, "{bound}");
    assert_error(&world.refresh(&spa, &bound, None).await, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn confidential_clients_may_change_their_key_but_not_do_without() {
    // RFC 9449 §5
    let world = World::new().await;
    let (alice, key, other) = (world.alice().await, DpopKey::new(), DpopKey::new());
    let (web, tokens) = world.bound(&alice, "web", &key).await;
    assert_error(&world.refresh(&web, &tokens, None).await, 400, "invalid_dpop_proof");
    let (status, next) = world.refresh(&web, &tokens, Some(&other)).await;
    assert_eq!(status, 200, "{next}");
    assert_eq!(claims(text(&next, "access_token"))["cnf"]["jkt"], other.thumbprint());
    assert_error(&world.refresh(&web, &next, None).await, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn the_revocation_of_a_bound_token_takes_no_proof() {
    // RFC 7009 §2.1: the caller may hold no key.
    let world = World::new().await;
    let (alice, key) = (world.alice().await, DpopKey::new());
    for (name, kind) in [("web", "access_token"), ("spa", "refresh_token")] {
        let (application, tokens) = world.bound(&alice, name, &key).await;
        let token = text(&tokens, "access_token");
        let authorization = format!("DPoP {token}");
        let show = async || {
            let url = application.endpoint("userinfo_endpoint");
            let proof = key.proof_with("GET", url, world.time(), token);
            world.show_token(&application, &authorization, Some(&proof)).await.0
        };
        assert_eq!(show().await, 200, "{name}");
        let form = [("token", text(&tokens, kind))];
        let answer = application.post("revocation_endpoint", &form).await;
        assert_eq!(answer.status(), 200, "{name}");
        assert_eq!(show().await, 401, "{name}: it is revoked");
    }
}

#[tokio::test]
async fn a_client_can_require_proofs() {
    // RFC 9449 §5.2
    let world = World::new().await;
    let name = "metadata: {name: web}\nspec:\n";
    world.change(name, &format!("{name}  dpopBoundAccessTokens: true\n"));
    let (web, key) = (world.application("web").await, DpopKey::new());
    assert_error(&world.token(&web, &CREDENTIALS, &[]).await, 400, "invalid_dpop_proof");
    let proof = world.token_proof(&web, &key);
    assert_eq!(world.token(&web, &CREDENTIALS, &[&proof]).await.0, 200);
}

#[tokio::test]
async fn proofs_may_name_the_address_inside_the_cluster() {
    let world = World::new().await;
    let (alice, key) = (world.alice().await, DpopKey::new());
    let port = world.app.address.port();
    let inside = format!("http://lanyard.sso.svc:{port}/default/shop");
    let client = reqwest::Client::builder()
        .resolve("lanyard.sso.svc", world.app.address)
        .build()
        .expect("a client");
    let (_, tokens) = world.bound(&alice, "web", &key).await;
    let token = text(&tokens, "access_token");
    let url = format!("{inside}/oauth/userinfo");
    let document: Value = client
        .get(format!("{inside}/.well-known/openid-configuration"))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(document["userinfo_endpoint"], url);
    let proof = key.proof_with("GET", &url, world.time(), token);
    let request = client.get(&url).header("authorization", format!("DPoP {token}"));
    let (status, _, user) = read(request.header("dpop", proof)).await;
    assert_eq!(status, 200, "{user}");
}

#[tokio::test]
async fn tokens_for_a_resource_server_that_requires_it_are_bound() {
    // RFC 9449 §5
    let world = World::new().await;
    let bearer = BOUND_API.replace("  tokenBinding: DPoP\n", "");
    world.app.serve(&format!("{MANIFESTS}{bearer}"));
    let key = DpopKey::new();
    let (web, alice) = (world.application("web").await, world.alice().await);
    let credentials = [("grant_type", "client_credentials"), ("resource", BOUND)];
    let (_, earlier) = world.token(&web, &credentials, &[]).await;
    let is_active = async |token: &str| {
        let answer = web.post("introspection_endpoint", &[("token", token)]).await;
        answer.json::<Value>().await.expect("JSON")
    };
    let earlier = text(&earlier, "access_token");
    assert_eq!(is_active(earlier).await["active"], true);
    world.app.serve(&format!("{MANIFESTS}{BOUND_API}"));
    assert_eq!(is_active(earlier).await, json!({ "active": false }), "from before the setting");
    assert_error(&world.token(&web, &credentials, &[]).await, 400, "invalid_dpop_proof");
    let proof = world.token_proof(&web, &key);
    let (status, tokens) = world.token(&web, &credentials, &[&proof]).await;
    assert_eq!((status, &tokens["token_type"]), (200, &json!("DPoP")), "{tokens}");
    let shown = is_active(text(&tokens, "access_token")).await;
    assert_eq!(shown["cnf"], json!({ "jkt": key.thumbprint() }), "{shown}");

    // With a code or refresh token: a refusal uses up neither.
    let more = [("resource", BOUND), ("prompt", "none")];
    let url = web.authorize_url("openid read offline_access", &more);
    let code = alice.browser.open(&url).await.answer().remove("code").expect("a code");
    assert_error(&world.redeem(&web, &code, &[]).await, 400, "invalid_dpop_proof");
    let proof = world.token_proof(&web, &key);
    let (status, tokens) = world.redeem(&web, &code, &[&proof]).await;
    assert_eq!(status, 200, "{tokens}");
    let bound = &claims(text(&tokens, "access_token"));
    assert_eq!((&bound["aud"], &bound["cnf"]["jkt"]), (&json!(BOUND), &json!(key.thumbprint())));
    assert_error(&world.refresh(&web, &tokens, None).await, 400, "invalid_dpop_proof");
    assert_eq!(world.refresh(&web, &tokens, Some(&key)).await.0, 200);
}

#[tokio::test]
async fn the_authorization_endpoint_issues_no_token_that_has_to_be_bound() {
    // RFC 9449 §5
    let world = World::new().await;
    let implicit = MANIFESTS.replacen(
        "grantTypes: [authorization_code, refresh_token, client_credentials]",
        "grantTypes: [authorization_code, refresh_token, client_credentials, implicit]",
        1,
    );
    world.app.serve(&format!("{implicit}{BOUND_API}"));
    let (web, alice) = (world.application("web").await, world.alice().await);
    for (resource, error) in [(BOUND, Some("invalid_request")), ("", None)] {
        let more = [("resource", resource), ("response_type", "id_token token")];
        let page = alice.browser.open(&web.authorize_url("openid", &more)).await;
        assert_eq!(page.answer().get("error").map(String::as_str), error, "{resource}");
    }
}

/// Each proof is remembered until it expires, and a person can make any number.
#[tokio::test]
async fn the_proofs_of_a_person_have_a_budget_of_their_own() {
    let world = World::new().await;
    let (alice, key) = (world.alice().await, DpopKey::new());
    let (web, tokens) = world.bound(&alice, "web", &key).await;
    let token = text(&tokens, "access_token");
    let url = web.endpoint("userinfo_endpoint").to_owned();
    let budget = &world.app.app.accounts.proof_budget;
    let tenant = TenantId::new("default", "shop");
    let subject = world.app.subject("shop", "alice");
    let of_alice = (&tenant, RecordMaker::Person(&subject));
    let now = world.time();
    while budget.take(of_alice, Duration::from_mins(1), now).is_ok() {}
    let dpop = format!("DPoP {token}");
    let proof = key.proof_with("GET", &url, world.time(), token);
    let (status, _, answer) = world.show_token(&web, &dpop, Some(&proof)).await;
    assert_eq!((status, text(&answer, "error")), (429, "temporarily_unavailable"), "{answer}");
    // Clients that act for themselves have a budget of their own.
    let proof = world.token_proof(&web, &key);
    assert_eq!(world.token(&web, &CREDENTIALS, &[&proof]).await.0, 200);
    world.wait(61);
    let proof = key.proof_with("GET", &url, world.time(), token);
    assert_eq!(world.show_token(&web, &dpop, Some(&proof)).await.0, 200);
}
