//! The provider under the profiles, and clients that follow them.

use std::{sync::OnceLock, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign};
use lanyard::{
    keys::{KeyTimes, ParsedKeyCache, generate_key_record, write_key},
    model::{Clock, SigningAlgorithm, Timestamp},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    app::TestApp,
    browser::{Application, Browser, Page, VERIFIER, agree},
    dpop::DpopKey,
};

pub const ALICE: (&str, &str) = ("alice", "correct horse");
const MANIFESTS: &str = include_str!("manifests.yaml");
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The keys of a client: RSA, P-256 and Ed25519.
pub struct ClientKeys {
    keys: Vec<(Algorithm, EncodingKey)>,
    pub jwks: Value,
}

impl ClientKeys {
    fn new() -> Self {
        let at = Timestamp::from_secs(1_800_000_000);
        let times = KeyTimes { published_at: at, signs_from: at, retire_at: None };
        let made = [SigningAlgorithm::PS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA]
            .map(|algorithm| generate_key_record(algorithm, times).expect("a key"));
        let (ring, _) = ParsedKeyCache::default().ring(&made.iter().map(write_key).collect());
        let mut jwks = ring.jwks();
        for key in jwks["keys"].as_array_mut().expect("a list") {
            // Without `alg`, an RSA key can be used for RS256 too.
            let key = key.as_object_mut().expect("an object");
            key.remove("alg");
            key.remove("kid");
        }
        let pem = |index: usize| made[index].private_key.expose().as_bytes();
        let rsa = || EncodingKey::from_rsa_pem(pem(0)).expect("a key");
        let keys = vec![
            (Algorithm::PS256, rsa()),
            (Algorithm::RS256, rsa()),
            (Algorithm::PS384, rsa()),
            (Algorithm::ES256, EncodingKey::from_ec_pem(pem(1)).expect("a key")),
            (Algorithm::EdDSA, EncodingKey::from_ed_pem(pem(2)).expect("a key")),
        ];
        Self { keys, jwks }
    }

    /// The keys of the clients `app`, `signer` and `own`, and of the first client of a variant.
    pub fn of_app() -> &'static Self {
        static KEYS: OnceLock<ClientKeys> = OnceLock::new();
        KEYS.get_or_init(Self::new)
    }

    /// The keys of the client `other`, and of the second client of a variant.
    pub fn of_other() -> &'static Self {
        static KEYS: OnceLock<ClientKeys> = OnceLock::new();
        KEYS.get_or_init(Self::new)
    }

    /// A JWT with a header; `none` gives an unsigned one.
    pub fn sign(&self, mut header: Value, algorithm: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        header["alg"] = algorithm.into();
        let message = format!("{}.{}", part(&header), part(claims));
        if algorithm == "none" {
            return format!("{message}.");
        }
        let algorithm: Algorithm = algorithm.parse().expect("known");
        let key = self.keys.iter().find(|(it, _)| *it == algorithm).expect("a key");
        format!("{message}.{}", sign(message.as_bytes(), &key.1, algorithm).expect("signed"))
    }
}

/// The server under test, with a tenant that requires FAPI 2.0, and an HTTP client.
pub struct World {
    pub app: TestApp,
    pub http: reqwest::Client,
}

/// A client that follows the profile, with a DPoP key.
pub struct Party<'w> {
    pub world: &'w World,
    pub application: Application,
    pub keys: &'static ClientKeys,
    pub key: DpopKey,
    /// The client for requests other than those of the browser.
    pub http: reqwest::Client,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::start(&manifests()).await;
        Self { app, http: reqwest::Client::new() }
    }

    /// Serves the manifests with these replacements.
    pub fn change_all(&self, changes: &[(&str, &str)]) {
        let mut manifests = manifests();
        for (from, to) in changes {
            assert!(manifests.contains(from), "{from} is not in the manifests");
            manifests = manifests.replace(from, to);
        }
        self.app.serve(&manifests);
    }

    pub fn now(&self) -> i64 {
        self.app.clock.now().secs()
    }

    pub fn wait(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
    }

    pub async fn party(&self, tenant: &str, name: &str) -> Party<'_> {
        let (issuer, id) = (self.app.issuer(tenant), format!("default.{name}"));
        let application = Application::discover(&issuer, &id, None, "https://rp.test/cb").await;
        let keys = ClientKeys::of_app();
        let http = self.http.clone();
        Party { world: self, application, keys, key: DpopKey::new(), http }
    }
}

/// The manifests with the keys of the clients.
fn manifests() -> String {
    MANIFESTS
        .replace("jwks: KEYS", &format!("jwks: {}", ClientKeys::of_app().jwks))
        .replace("jwks: OTHER", &format!("jwks: {}", ClientKeys::of_other().jwks))
}

impl Party<'_> {
    pub fn id(&self) -> &str {
        &self.application.client_id
    }

    pub fn issuer(&self) -> &str {
        self.application.endpoint("issuer")
    }

    /// A client assertion with changed claims (RFC 7523 §3).
    pub fn assertion_with(&self, algorithm: &str, change: impl FnOnce(&mut Value)) -> String {
        let now = self.world.now();
        let jti = self.key.proof("", "", self.world.app.clock.now());
        let mut claims = json!({
            "iss": self.id(), "sub": self.id(), "aud": self.issuer(),
            "iat": now, "exp": now + 60, "jti": lanyard::model::sha256_base64url(jti),
        });
        change(&mut claims);
        self.keys.sign(json!({}), algorithm, &claims)
    }

    /// A DPoP proof for an endpoint.
    pub fn proof(&self, endpoint: &str) -> String {
        self.key.proof("POST", self.application.endpoint(endpoint), self.world.app.clock.now())
    }

    /// Posts a form with this assertion and these proofs; returns status and body.
    pub async fn send(
        &self,
        endpoint: &str,
        form: &[(&str, &str)],
        assertion: Option<&str>,
        proof: Option<&str>,
    ) -> (u16, Value) {
        let mut form = form.to_vec();
        if let Some(assertion) = assertion {
            form.extend([("client_assertion_type", ASSERTION), ("client_assertion", assertion)]);
        }
        let mut request = self.http.post(self.application.endpoint(endpoint)).form(&form);
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// Posts a form as the client does, without a proof.
    pub async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> (u16, Value) {
        self.send(endpoint, form, Some(&self.assertion_with("PS256", |_| {})), None).await
    }

    /// The parameters of an authorization request, with changes. An empty value removes one.
    pub fn parameters(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let scope = if self.id() == "default.signer" { "openid" } else { "openid offline_access" };
        let url = Url::parse(&self.application.authorize_url(scope, more)).expect("a URL");
        url.query_pairs().into_owned().collect()
    }

    /// Pushes a request; returns status and body.
    pub async fn push(&self, more: &[(&str, &str)]) -> (u16, Value) {
        self.post("pushed_authorization_request_endpoint", &pairs(&self.parameters(more))).await
    }

    /// The URL that the browser opens for a `request_uri`.
    pub fn url_of(&self, request_uri: &str) -> String {
        let endpoint = self.application.endpoint("authorization_endpoint");
        let query = [("client_id", self.id()), ("request_uri", request_uri)];
        Url::parse_with_params(endpoint, query).expect("a URL").into()
    }

    /// Pushes a request; returns the URL that the browser opens.
    pub async fn pushed_url(&self, more: &[(&str, &str)]) -> String {
        let (status, answer) = self.push(more).await;
        assert_eq!(status, 201, "{answer}");
        assert!(answer["expires_in"].as_u64().is_some_and(|it| it < 600), "{answer}");
        self.url_of(text(&answer, "request_uri"))
    }

    /// Signs Alice in, with her consent; returns the page that leads back.
    pub async fn sign_in(&self, browser: &Browser, url: &str) -> Page {
        let page = browser.open(url).await;
        if page.left_for.is_some() {
            return page;
        }
        assert_eq!(page.status, 200, "{}", page.body);
        if page.body.contains("/consent\"") {
            return agree(browser, page).await;
        }
        let (name, password) = ALICE;
        let fields = [("username", name), ("password", password)];
        agree(browser, browser.submit(&page.form("/login"), &fields).await).await
    }

    /// The code of a new sign-in.
    pub async fn code(&self, more: &[(&str, &str)]) -> String {
        let url = self.pushed_url(more).await;
        let mut answer = self.sign_in(&Browser::new(), &url).await.answer();
        answer.remove("code").unwrap_or_else(|| panic!("no code in {answer:?}"))
    }

    /// A token request for a code, with changes.
    pub fn code_form<'a>(&'a self, code: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.application.redirect_uri),
            ("code_verifier", VERIFIER),
        ]
    }

    /// Sends a token request as the client does, with a proof.
    pub async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let assertion = self.assertion_with("ES256", |_| {});
        let proof = self.proof("token_endpoint");
        self.send("token_endpoint", form, Some(&assertion), Some(&proof)).await
    }

    /// The tokens of a new sign-in.
    pub async fn tokens(&self) -> Value {
        let code = self.code(&[]).await;
        let (status, tokens) = self.token(&self.code_form(&code)).await;
        assert_eq!((status, &tokens["token_type"]), (200, &json!("DPoP")), "{tokens}");
        tokens
    }

    /// Status and body of a userinfo request with a scheme and a proof.
    pub async fn userinfo(&self, scheme: &str, token: &str, proof: Option<&str>) -> (u16, Value) {
        let url = self.application.endpoint("userinfo_endpoint");
        let mut request = self.http.get(url).header("authorization", format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// A proof for userinfo with an access token.
    pub fn userinfo_proof(&self, token: &str) -> String {
        let url = self.application.endpoint("userinfo_endpoint");
        self.key.proof_with("GET", url, self.world.app.clock.now(), token)
    }

    /// A signed request object with changed claims (FAPI 2.0 Message Signing §5.3.2).
    pub fn object_with(&self, algorithm: &str, change: impl FnOnce(&mut Value)) -> String {
        self.object_of(&self.parameters(&[("response_mode", "jwt")]), algorithm, change)
    }

    /// A signed request object of these parameters with changed claims.
    pub fn object_of(
        &self,
        parameters: &[(String, String)],
        algorithm: &str,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let now = self.world.now();
        let mut claims = json!({
            "iss": self.id(), "aud": self.issuer(), "nbf": now, "exp": now + 300,
        });
        for (name, value) in parameters {
            claims[name] = value.as_str().into();
        }
        change(&mut claims);
        self.keys.sign(json!({ "typ": "oauth-authz-req+jwt" }), algorithm, &claims)
    }

    /// Pushes a request object with other parameters outside of it.
    pub async fn push_object(&self, object: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let form = [&[("request", object), ("client_id", self.id())], more].concat();
        self.post("pushed_authorization_request_endpoint", &form).await
    }
}

/// Parameters as a form.
pub fn pairs(parameters: &[(String, String)]) -> Vec<(&str, &str)> {
    parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A string member. Panics if it is missing.
pub fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Asserts an error of an endpoint for clients.
pub fn assert_error(answer: &(u16, Value), status: u16, error: &str) {
    assert_eq!((answer.0, answer.1["error"].as_str()), (status, Some(error)), "{}", answer.1);
}
