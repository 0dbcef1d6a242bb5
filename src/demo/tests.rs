//! Tests over HTTP against a stand-in for the provider.

use std::{collections::BTreeSet, convert::Infallible, sync::Mutex, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{AUTHORIZATION, CACHE_CONTROL, LOCATION},
    server::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{
    demo::id_token::tests::{at_hash, jwks, sign},
    model::{AuthMethod, FixedClock, Secret, SeededEntropy, Timestamp},
};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const ISSUER: &str = "http://localhost:8080/default/main";
const HOME: &str = "http://localhost:8080/_lanyard/demo";

/// The stand-in's responses, and the requests that it received.
struct Provider {
    nonce: String,
    subject: String,
    token_error: Option<Value>,
    asked: Vec<(String, String, String)>,
}

type SharedProvider = Arc<Mutex<Provider>>;

fn answer(provider: &SharedProvider, path: &str, authorization: &str, body: &str) -> (u16, Value) {
    let mut provider = provider.lock().unwrap();
    provider.asked.push((path.to_owned(), authorization.to_owned(), body.to_owned()));
    let refreshes = body.contains("grant_type=refresh_token");
    match path.strip_prefix("/default/main") {
        Some("/.well-known/openid-configuration") => (
            200,
            json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/oauth/authorize"),
                "token_endpoint": format!("{ISSUER}/oauth/token"),
                "userinfo_endpoint": format!("{ISSUER}/oauth/userinfo"),
                "jwks_uri": format!("{ISSUER}/oauth/jwks"),
                "end_session_endpoint": format!("{ISSUER}/oauth/logout"),
                "authorization_response_iss_parameter_supported": true,
            }),
        ),
        Some("/oauth/jwks") => (200, json!(jwks())),
        Some("/oauth/userinfo") => {
            (200, json!({"sub": provider.subject, "name": "Ada <b>Lovelace</b>"}))
        }
        Some("/oauth/token") => provider
            .token_error
            .clone()
            .map_or_else(|| (200, tokens(&provider, refreshes)), |error| (400, error)),
        _ => (404, json!({})),
    }
}

fn tokens(provider: &Provider, refreshes: bool) -> Value {
    let access_token = sign(&json!({"sub": "ada", "jti": if refreshes { "2" } else { "1" }}));
    let mut claims = json!({
        "iss": ISSUER, "sub": "ada", "aud": "default.demo", "iat": NOW.secs(),
        "exp": NOW.secs() + 600, "at_hash": at_hash(&access_token),
    });
    if !refreshes {
        claims["nonce"] = json!(provider.nonce);
    }
    json!({
        "access_token": access_token, "token_type": "Bearer", "id_token": sign(&claims),
        "expires_in": 600, "scope": "openid profile",
        "refresh_token": if refreshes { "refresh-2" } else { "refresh-1" },
    })
}

async fn serve(listener: TcpListener, provider: SharedProvider) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let provider = Arc::clone(&provider);
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let provider = Arc::clone(&provider);
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let body = String::from_utf8(body.to_vec()).unwrap();
                let header = |name| parts.headers.get(name).map(|v| v.to_str().unwrap());
                assert_eq!(header(HOST), Some("localhost:8080"));
                let authorization = header(AUTHORIZATION).unwrap_or_default();
                let (status, json) = answer(&provider, parts.uri.path(), authorization, &body);
                let mut response = Response::new(Full::new(Bytes::from(json.to_string())));
                *response.status_mut() = status.try_into().unwrap();
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn client() -> DemoClient {
    DemoClient {
        issuer: Issuer::parse(ISSUER).unwrap(),
        tenant: "Main".to_owned(),
        id: "default.demo".to_owned(),
        name: "Demo".to_owned(),
        secret: Some(Secret::new("s3cret/+".to_owned())),
        auth_method: AuthMethod::ClientSecretBasic,
        scopes: BTreeSet::from(["profile".to_owned(), "openid".to_owned()]),
        returns_after_logout: true,
        form: SignInForm::Ready,
    }
}

/// A browser on the demo.
struct World {
    demo: Demo,
    provider: SharedProvider,
    clock: Arc<FixedClock>,
    cookie: Option<String>,
}

impl World {
    async fn new() -> Self {
        Self::with(vec![client()]).await
    }

    async fn with(clients: Vec<DemoClient>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = DemoConfig {
            base_url: Issuer::parse("http://localhost:8080").unwrap(),
            server: listener.local_addr().unwrap(),
            certificate: None,
        };
        let provider = Arc::new(Mutex::new(Provider {
            nonce: String::new(),
            subject: "ada".to_owned(),
            token_error: None,
            asked: vec![],
        }));
        tokio::spawn(serve(listener, Arc::clone(&provider)));
        let clock = Arc::new(FixedClock::at(NOW));
        let demo = Demo::new(
            config,
            Arc::new(move || clients.clone()),
            clock.clone(),
            Arc::new(SeededEntropy::new(7)),
        );
        Self { demo, provider, clock, cookie: None }
    }

    async fn send(&mut self, method: Method, uri: &str) -> (StatusCode, String, String) {
        let path = uri.strip_prefix("http://localhost:8080").unwrap_or(uri);
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, "localhost:8080");
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, format!("other=1; {COOKIE_NAME}={cookie}"));
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let answer = self.demo.handle(&parts).await;
        let header = |name| {
            answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let (location, set) = (header(LOCATION), header(SET_COOKIE));
        if let Some((value, _)) =
            set.strip_prefix("lanyard-demo=").and_then(|rest| rest.split_once(';'))
        {
            self.cookie = (!value.is_empty()).then(|| value.to_owned());
        }
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, location, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&mut self, uri: &str) -> (StatusCode, String, String) {
        self.send(Method::GET, uri).await
    }

    /// Presses "Sign in"; returns the parameters of the authorization request.
    async fn begin(&mut self) -> RequestParams {
        let (_, _, page) = self.get(HOME).await;
        let link = page.split("href=\"").find(|rest| rest.contains("/sign-in?")).expect("a link");
        let link = link.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
        let (status, location, _) = self.get(&link).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (endpoint, query) = location.split_once('?').unwrap();
        assert_eq!(endpoint, format!("{ISSUER}/oauth/authorize"));
        let params = RequestParams::parse(query.as_bytes());
        self.provider.lock().unwrap().nonce = params.get("nonce").unwrap().to_owned();
        params
    }

    async fn callback(&mut self, pairs: &[(&str, &str)]) -> (StatusCode, String, String) {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.get(&format!("{HOME}/callback?{query}")).await
    }

    async fn sign_in(&mut self) -> String {
        let state = self.begin().await.get("state").unwrap().to_owned();
        let answer = [("code", "c-1"), ("state", &*state), ("iss", ISSUER)];
        let (status, location, body) = self.callback(&answer).await;
        assert_eq!(
            (status, &*location),
            (StatusCode::SEE_OTHER, "/_lanyard/demo/session"),
            "{body}"
        );
        let (status, _, page) = self.get(&location).await;
        assert_eq!(status, StatusCode::OK);
        page
    }

    fn asked(&self, path: &str) -> (String, String) {
        let provider = self.provider.lock().unwrap();
        let found = provider.asked.iter().rev().find(|(asked, ..)| asked.ends_with(path));
        found.map(|(_, authorization, body)| (authorization.clone(), body.clone())).unwrap()
    }
}

#[tokio::test]
async fn signs_in_and_displays_the_tokens() {
    let mut world = World::new().await;
    let page = world.sign_in().await;
    for shown in ["Signed in as Ada", "at_hash matches the access token", "Userinfo", "/sign-out"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    assert!(!page.contains("<b>Lovelace"), "values are text, not markup");
    assert!(!page.contains("s3cret") && !page.contains("refresh-1"));
}

#[tokio::test]
async fn sends_a_standard_authorization_request() {
    let mut world = World::new().await;
    let request = world.begin().await;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "default.demo"),
        ("redirect_uri", "http://localhost:8080/_lanyard/demo/callback"),
        ("scope", "openid profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(request.get(name), Some(value), "{name}");
    }
    let answer = [("code", "c-1"), ("state", request.get("state").unwrap()), ("iss", ISSUER)];
    world.callback(&answer).await;
    let (authorization, body) = world.asked("/oauth/token");
    assert_eq!(authorization, "Basic ZGVmYXVsdC5kZW1vOnMzY3JldCUyRiUyQg==");
    let form = RequestParams::parse(body.as_bytes());
    assert_eq!(form.get("code"), Some("c-1"));
    let challenge = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        form.get("code_verifier").unwrap().as_bytes(),
    );
    assert_eq!(request.get("code_challenge"), Some(&*URL_SAFE_NO_PAD.encode(challenge)));
}

#[tokio::test]
async fn uses_the_registered_authentication_method() {
    for (method, expected) in
        [(AuthMethod::ClientSecretPost, Some("s3cret/+")), (AuthMethod::None, None)]
    {
        let mut world = World::with(vec![DemoClient { auth_method: method, ..client() }]).await;
        world.sign_in().await;
        let (authorization, body) = world.asked("/oauth/token");
        let form = RequestParams::parse(body.as_bytes());
        assert_eq!((&*authorization, form.get("client_id")), ("", Some("default.demo")));
        assert_eq!(form.get("client_secret"), expected, "{method}");
    }
}

#[tokio::test]
async fn refuses_responses_to_other_requests() {
    for (name, value) in [("state", "another"), ("iss", "https://evil.test"), ("iss", "")] {
        let mut world = World::new().await;
        let state = world.begin().await.get("state").unwrap().to_owned();
        let mut answer = vec![("code", "c-1"), ("state", &*state), ("iss", ISSUER)];
        answer.retain(|(n, _)| *n != name);
        answer.push((name, value));
        let (status, _, page) = world.callback(&answer).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}={value}: {page}");
        let asked = world.provider.lock().unwrap().asked.clone();
        assert!(!asked.iter().any(|(path, ..)| path.ends_with("/token")), "{name}={value}");
    }
}

#[tokio::test]
async fn accepts_a_response_once_and_from_the_same_browser() {
    let mut world = World::new().await;
    let state = world.begin().await.get("state").unwrap().to_owned();
    let answer = [("code", "c-1"), ("state", &*state), ("iss", ISSUER)];
    let asked_with = world.cookie.clone();

    world.cookie = None;
    assert_eq!(world.callback(&answer).await.0, StatusCode::BAD_REQUEST);
    world.cookie = asked_with.clone();
    assert_eq!(world.callback(&answer).await.0, StatusCode::SEE_OTHER);
    assert_ne!(world.cookie, asked_with, "signing in makes a new session");
    world.cookie = asked_with;
    assert_eq!(world.callback(&answer).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn refuses_an_expired_response() {
    let mut world = World::new().await;
    let state = world.begin().await.get("state").unwrap().to_owned();
    world.clock.advance(Duration::from_mins(15));
    let answer = [("code", "c-1"), ("state", &*state), ("iss", ISSUER)];
    assert_eq!(world.callback(&answer).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn displays_the_providers_error() {
    let mut world = World::new().await;
    let state = world.begin().await.get("state").unwrap().to_owned();
    let answer = [
        ("error", "access_denied"),
        ("error_description", "The person <said> no."),
        ("state", &*state),
        ("iss", ISSUER),
    ];
    let (status, _, page) = world.callback(&answer).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("access_denied: The person") && !page.contains("<said>"), "{page}");

    let mut world = World::new().await;
    let state = world.begin().await.get("state").unwrap().to_owned();
    world.provider.lock().unwrap().token_error =
        Some(json!({"error": "invalid_client", "error_description": "The secret is wrong."}));
    let answer = [("code", "c-1"), ("state", &*state), ("iss", ISSUER)];
    let (status, _, page) = world.callback(&answer).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(page.contains("invalid_client: The secret is wrong."), "{page}");
}

#[tokio::test]
async fn drops_userinfo_of_another_subject() {
    let mut world = World::new().await;
    world.provider.lock().unwrap().subject = "eve".to_owned();
    let page = world.sign_in().await;
    assert!(page.contains("was dropped") && !page.contains("Lovelace"), "{page}");
}

#[tokio::test]
async fn refreshes_with_the_latest_refresh_token() {
    let mut world = World::new().await;
    world.sign_in().await;
    for (n, sent) in [(1, "refresh-1"), (2, "refresh-2")] {
        let (status, location, _) = world.send(Method::POST, &format!("{HOME}/refresh")).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (_, body) = world.asked("/oauth/token");
        assert_eq!(RequestParams::parse(body.as_bytes()).get("refresh_token"), Some(sent));
        let (_, _, page) = world.get(&location).await;
        assert!(page.contains(&format!("Refreshed {n} time")), "{page}");
    }
    let (status, ..) = world.get(&format!("{HOME}/refresh")).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn signs_out_of_demo_and_provider() {
    let mut world = World::new().await;
    world.sign_in().await;
    let before = world.cookie.clone();
    let (status, location, _) = world.get(&format!("{HOME}/sign-out")).await;
    assert_eq!((status, &world.cookie), (StatusCode::SEE_OTHER, &None));
    let (endpoint, query) = location.split_once('?').unwrap();
    assert_eq!(endpoint, format!("{ISSUER}/oauth/logout"));
    let params = RequestParams::parse(query.as_bytes());
    assert_eq!(params.get("post_logout_redirect_uri"), Some(HOME));
    assert!(params.get("id_token_hint").is_some());
    world.cookie = before;
    let (status, location, _) = world.get(&format!("{HOME}/session")).await;
    assert_eq!((status, &*location), (StatusCode::SEE_OTHER, "/_lanyard/demo"));
}

#[tokio::test]
async fn lists_clients_and_why_some_cannot_sign_in() {
    let others = [
        (SignInForm::NoCodeFlow, "does not have the grant type"),
        (SignInForm::NotRegistered, "http://localhost:8080/_lanyard/demo/callback"),
        (SignInForm::NoSecret, "secret does not exist yet"),
    ];
    for (form, says) in others {
        let (_, _, page) = World::with(vec![DemoClient { form, ..client() }]).await.get(HOME).await;
        assert!(page.contains(says) && !page.contains("/sign-in?"), "{form:?}: {page}");
    }
    let (status, _, page) = World::with(vec![]).await.get(HOME).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("no applications yet"), "{page}");
}

#[tokio::test]
async fn redirects_to_the_host_of_its_cookie() {
    let world = World::new().await;
    for (host, leads) in
        [("127.0.0.1:8080", HOME), ("[::1]:8080", HOME), ("localhost:8080", ""), ("dev.test", "")]
    {
        let request = Request::builder().uri("/_lanyard/demo").header(HOST, host);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let answer = world.demo.handle(&parts).await;
        let location = answer.headers().get(LOCATION).map_or("", |v| v.to_str().unwrap());
        assert_eq!(location, leads, "{host}");
    }
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let world = World::new().await;
    for path in ["", "/session", "/callback", "/nothing", "/style.css", "/refresh"] {
        let request = Request::builder().uri(format!("{PATH}{path}")).header(HOST, "x");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let answer = world.demo.handle(&parts).await;
        let csp = answer.headers()[hyper::header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe"), "{path}");
        let cached = answer.headers()[CACHE_CONTROL].to_str().unwrap();
        assert!(cached == "no-store" || path == "/style.css", "{path}: {cached}");
    }
}

#[test]
fn sessions_are_bounded() {
    let sittings = DemoSessions::default();
    let waiting = || {
        DemoSession::Waiting(Box::new(sessions::PendingSignIn {
            client: client(),
            metadata: serde_json::from_value(json!({
                "issuer": ISSUER, "authorization_endpoint": "", "token_endpoint": "",
                "jwks_uri": "",
            }))
            .unwrap(),
            state: String::new(),
            nonce: String::new(),
            verifier: Secret::new(String::new()),
        }))
    };
    for n in 0..1500_i64 {
        sittings.put(n.to_string(), waiting(), Timestamp::from_millis(NOW.millis() + n));
    }
    assert!(sittings.take_waiting("0", NOW).is_none(), "the oldest was removed");
    assert!(sittings.take_waiting("1499", NOW).is_some());
}
