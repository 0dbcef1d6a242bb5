//! Bound tokens at the sample API: DPoP proofs (RFC 9449 §7), and certificates, which it does not see (RFC 8705 §3).

use lanyard::model::{Clock as _, SystemClock, Timestamp, sha256_base64url};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{Api, has_node, json_at, parameter, start, text};
use crate::support::{
    browser::Application,
    dev::Dev,
    dpop::{DpopKey, claims},
    ports::free_port,
};

/// A change of a proof's header and claims.
type Change = fn(&mut Value, &mut Value);

fn now() -> Timestamp {
    SystemClock.now()
}

fn refused(error: &str) -> (u16, Option<String>) {
    (401, Some(error.to_owned()))
}

/// The status of a call with the scheme DPoP, with the error of the challenge.
async fn judge(api: &Api, token: &str, proofs: &[&str]) -> (u16, Option<String>) {
    let mut request = reqwest::Client::new().get(&api.resource);
    request = request.header("authorization", format!("DPoP {token}"));
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    let response = request.send().await.expect("an answer");
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge.map(|value| value.to_str().expect("ASCII"));
    assert!(challenge.is_none_or(|it| it.starts_with("DPoP ")), "{challenge:?}");
    let error = challenge.and_then(|challenge| parameter(challenge, "error"));
    (response.status().as_u16(), error)
}

/// A token of Lanyard for the program `reporter`, bound to a key.
async fn bound_token(dev: &Dev, (api, issuer): (&Api, &str), key: &DpopKey) -> String {
    let secret = dev.client_secret("reporter");
    let reporter = Application::discover(issuer, "default.reporter", Some(&secret), "").await;
    let endpoint = reporter.endpoint("token_endpoint");
    let request = reqwest::Client::new()
        .post(endpoint)
        .basic_auth(&reporter.client_id, Some(&secret))
        .header("dpop", key.proof("POST", endpoint, now()))
        .form(&[("grant_type", "client_credentials"), ("resource", &*api.resource)]);
    let tokens: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(tokens["token_type"], "DPoP", "{tokens}");
    text(&tokens, "access_token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_counts_with_a_proof_of_its_key_once() {
    // RFC 9449 §7
    if !has_node() {
        return;
    }
    let (dev, api, issuer) = start().await;
    let (key, other) = (DpopKey::new(), DpopKey::new());
    let token = bound_token(&dev, (&api, &*issuer), &key).await;
    let proof = |key: &DpopKey| key.proof_with("GET", &api.resource, now(), &token);
    let first = proof(&key);
    assert_eq!(judge(&api, &token, &[&first]).await, (200, None));
    assert_eq!(judge(&api, &token, &[&first]).await, refused("invalid_dpop_proof"), "again");
    assert_eq!(judge(&api, &token, &[]).await, refused("invalid_dpop_proof"));
    let two = [proof(&key), proof(&key)];
    assert_eq!(judge(&api, &token, &[&two[0], &two[1]]).await, refused("invalid_dpop_proof"));
    assert_eq!(judge(&api, &token, &[&two[0]]).await, (200, None), "a refused proof is not used");
    assert_eq!(judge(&api, &token, &[&proof(&other)]).await, refused("invalid_token"));
    // RFC 9449 §7.2: no downgrade to a bearer token.
    assert_eq!(api.judge(&token).await, refused("invalid_token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_for_another_request_is_refused() {
    // RFC 9449 §4.3
    if !has_node() {
        return;
    }
    let (dev, api, issuer) = start().await;
    let key = DpopKey::new();
    let token = bound_token(&dev, (&api, &*issuer), &key).await;
    let changed = |change: Change| {
        let (mut header, mut proof) = (key.header(), claims("GET", &api.resource, now()));
        proof["ath"] = json!(sha256_base64url(&token));
        change(&mut header, &mut proof);
        key.sign(&header, &proof)
    };
    let unchanged = changed(|_, _| ());
    assert_eq!(judge(&api, &token, &[&unchanged]).await, (200, None));
    let bounded = changed(|_, proof| {
        proof["nbf"] = json!(now().secs());
        proof["exp"] = json!(now().secs() + 60);
    });
    assert_eq!(judge(&api, &token, &[&bounded]).await, (200, None));
    let changes: [(&str, Change); 15] = [
        ("htm", |_, proof| proof["htm"] = json!("POST")),
        ("htu", |_, proof| proof["htu"] = json!("http://localhost:8091/invoices")),
        ("old", |_, proof| proof["iat"] = json!(now().secs() - 130)),
        ("early", |_, proof| proof["iat"] = json!(now().secs() + 90)),
        ("not valid yet", |_, proof| proof["nbf"] = json!(now().secs() + 90)),
        ("nbf", |_, proof| proof["nbf"] = Value::Null),
        ("expired", |_, proof| proof["exp"] = json!(now().secs() - 1)),
        ("exp", |_, proof| proof["exp"] = json!("never")),
        ("ath", |_, proof| proof["ath"] = json!(sha256_base64url("another token"))),
        ("jti", |_, proof| proof["jti"] = Value::Null),
        ("typ", |header, _| header["typ"] = json!("JWT")),
        ("alg", |header, _| header["alg"] = json!("HS256")),
        ("alg of other keys", |header, _| header["alg"] = json!("RS256")),
        ("no jwk", |header, _| header["jwk"] = Value::Null),
        ("private key", |header, _| header["jwk"]["d"] = json!("secret")),
    ];
    for (name, change) in changes {
        let proof = changed(change);
        assert_eq!(judge(&api, &token, &[&proof]).await, refused("invalid_dpop_proof"), "{name}");
    }
    let mut proof = claims("GET", &api.resource, now());
    proof["ath"] = json!(sha256_base64url(&token));
    let forged = DpopKey::new().sign(&key.header(), &proof);
    assert_eq!(judge(&api, &token, &[&forged]).await, refused("invalid_dpop_proof"));
}

/// An issuer that binds tokens as a test wants it.
struct ScriptedIssuer {
    url: String,
    key: DpopKey,
}

impl ScriptedIssuer {
    /// Serves metadata and keys, in one document.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let key = DpopKey::new();
        let mut jwk = key.jwk();
        for (name, value) in [("kid", "one"), ("use", "sig"), ("alg", "ES256")] {
            jwk[name] = json!(value);
        }
        let document = json!({ "issuer": url, "jwks_uri": format!("{url}/jwks"), "keys": [jwk] });
        let document = document.to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 2048]).await;
                let length = document.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{document}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, key }
    }

    /// An access token for an API with these members of `cnf`, or without it.
    fn token(&self, resource: &str, cnf: Option<Value>) -> String {
        let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "one" });
        let mut content = json!({
            "iss": self.url, "aud": resource, "exp": now().secs() + 300, "sub": "reporter",
            "client_id": "reporter", "scope": "tickets.read",
        });
        if let Some(cnf) = cnf {
            content["cnf"] = cnf;
        }
        self.key.sign(&header, &content)
    }
}

fn free_resource() -> String {
    format!("http://localhost:{}/tickets", free_port())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_bound_to_a_certificate_is_refused() {
    // RFC 8705 §3
    if !has_node() {
        return;
    }
    let issuer = ScriptedIssuer::start().await;
    let api = Api::start(free_resource(), &issuer.url);
    let key = DpopKey::new();
    let certificate = sha256_base64url("a certificate");
    let bearer = issuer.token(&api.resource, None);
    assert_eq!(api.judge(&bearer).await, (200, None));
    let proof = |token: &str| key.proof_with("GET", &api.resource, now(), token);
    assert_eq!(judge(&api, &bearer, &[&proof(&bearer)]).await, refused("invalid_token"));
    let bound = issuer.token(&api.resource, Some(json!({ "jkt": key.thumbprint() })));
    assert_eq!(judge(&api, &bound, &[&proof(&bound)]).await, (200, None));
    for cnf in [
        json!({ "x5t#S256": certificate }),
        json!({ "jkt": key.thumbprint(), "x5t#S256": certificate }),
        json!({}),
        Value::Null,
    ] {
        let token = issuer.token(&api.resource, Some(cnf.clone()));
        assert_eq!(api.judge(&token).await, refused("invalid_token"), "{cnf}");
        let answer = judge(&api, &token, &[&proof(&token)]).await;
        assert_eq!(answer, refused("invalid_token"), "{cnf}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_says_that_it_takes_proofs_or_requires_them() {
    // RFC 9728 §2, RFC 9449 §7.1
    if !has_node() {
        return;
    }
    let issuer = ScriptedIssuer::start().await;
    for required in [false, true] {
        let value = required.to_string();
        let api = Api::start_with(free_resource(), &issuer.url, &[("DPOP_REQUIRED", &*value)]);
        let answer = api.call(Method::GET, None).await;
        let found = answer.headers().get_all("www-authenticate").iter();
        let found: Vec<_> = found.map(|value| value.to_str().expect("ASCII")).collect();
        let schemes: Vec<_> = found.iter().filter_map(|it| it.split(' ').next()).collect();
        assert_eq!(schemes, if required { vec!["DPoP"] } else { vec!["Bearer", "DPoP"] });
        let last = found.last().expect("a challenge");
        assert!(parameter(last, "algs").is_some_and(|algs| algs.contains("ES256")), "{last}");
        let metadata = json_at(&parameter(last, "resource_metadata").expect("its address")).await;
        assert_eq!(metadata["dpop_bound_access_tokens_required"], required, "{metadata}");
        let algorithms = &metadata["dpop_signing_alg_values_supported"];
        assert!(algorithms.as_array().is_some_and(|all| all.contains(&json!("ES256"))));
        let unbound = issuer.token(&api.resource, None);
        let expected = if required { refused("invalid_token") } else { (200, None) };
        assert_eq!(api.judge(&unbound).await, expected);
    }
}
