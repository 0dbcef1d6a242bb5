//! An OpenID provider under the test's control, which can lie.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{publisher::signed, tls::ServerAuthority};

/// The public half of the key that [`signed`] uses.
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// The answers of the provider. With the defaults, it does all as specified.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault or a habit of its own")]
pub struct Script {
    /// Replaces members of the discovery document.
    pub metadata: Value,
    /// Replaces claims of the ID token; null removes one.
    pub id_token: Value,
    /// The claims of the userinfo response.
    pub userinfo: Value,
    /// A code names the person and the nonce: `nonce.sub`.
    pub people_by_code: bool,
    /// Whether the userinfo response is a signed JWT (OIDC Core §5.3.2).
    pub signs_userinfo: bool,
    /// The userinfo response instead, with its type.
    pub userinfo_text: Option<(&'static str, String)>,
    /// The status of the userinfo response.
    pub userinfo_status: u16,
    /// A refresh token is spent by its use, and refused then.
    pub rotates: bool,
    /// Replaces the token response: its status and body.
    pub token_response: Option<(u16, String)>,
    /// Signs with a key that is not published.
    pub unsigned: bool,
    /// The id of the published key.
    pub kid: &'static str,
    /// Replaces members of the published key.
    pub key: Value,
    /// The time that the provider waits before each answer.
    pub delay: Duration,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            metadata: json!({}),
            id_token: json!({}),
            userinfo: json!({"sub": "1"}),
            people_by_code: false,
            signs_userinfo: false,
            userinfo_text: None,
            userinfo_status: 200,
            rotates: false,
            token_response: None,
            unsigned: false,
            kid: "one",
            key: json!({}),
            delay: Duration::ZERO,
        }
    }
}

/// A running OpenID provider at a port of its own, for sign-in with another provider.
pub struct Upstream {
    /// The issuer, which is also the provider's base URL.
    pub issuer: String,
    /// The answers from now on.
    pub script: Arc<Mutex<Script>>,
    /// The forms that its token endpoint received.
    pub requests: Arc<Mutex<Vec<BTreeMap<String, String>>>>,
    /// `nonce` of the ID tokens that it gives.
    pub nonce: Arc<Mutex<String>>,
    /// The refresh token that is valid.
    refresh_token: Arc<Mutex<String>>,
    /// The directories below which documents were asked for, as at Microsoft Entra.
    pub directories: Arc<Mutex<Vec<String>>>,
    /// The requests that it answers now.
    pub unanswered: Arc<AtomicUsize>,
}

impl Upstream {
    /// Starts a provider on a free port.
    pub async fn start() -> Self {
        Self::start_as("127.0.0.1").await
    }

    /// Starts a provider on a free port, whose issuer has this name of the machine.
    pub async fn start_as(host: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        Self::start_on(listener, format!("http://{host}:{port}"), None)
    }

    /// Starts a provider whose certificate an authority has signed.
    pub async fn start_signed(authority: &ServerAuthority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let issuer = format!("https://localhost:{port}");
        Self::start_on(listener, issuer, Some(authority.acceptor()))
    }

    fn start_on(listener: TcpListener, issuer: String, tls: Option<TlsAcceptor>) -> Self {
        let upstream = Self {
            issuer,
            script: Arc::default(),
            requests: Arc::default(),
            nonce: Arc::default(),
            refresh_token: Arc::default(),
            directories: Arc::default(),
            unanswered: Arc::default(),
        };
        let (issuer, script) = (upstream.issuer.clone(), Arc::clone(&upstream.script));
        let (requests, nonce) = (Arc::clone(&upstream.requests), Arc::clone(&upstream.nonce));
        let valid = Arc::clone(&upstream.refresh_token);
        let directories = Arc::clone(&upstream.directories);
        let unanswered = Arc::clone(&upstream.unanswered);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = State {
                    issuer: issuer.clone(),
                    script: script.clone(),
                    requests: requests.clone(),
                    nonce: nonce.clone(),
                    refresh_token: valid.clone(),
                    directories: directories.clone(),
                };
                let (unanswered, tls) = (Arc::clone(&unanswered), tls.clone());
                tokio::spawn(async move {
                    unanswered.fetch_add(1, Ordering::SeqCst);
                    match tls {
                        None => answer(stream, state).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, state).await;
                            }
                        }
                    }
                    unanswered.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        upstream
    }

    /// Sets the answers from now on: the default with this change.
    pub fn answers(&self, change: impl FnOnce(&mut Script)) {
        let mut script = Script::default();
        change(&mut script);
        *self.script.lock().expect("whole") = script;
    }
}

struct State {
    issuer: String,
    script: Arc<Mutex<Script>>,
    requests: Arc<Mutex<Vec<BTreeMap<String, String>>>>,
    nonce: Arc<Mutex<String>>,
    refresh_token: Arc<Mutex<String>>,
    directories: Arc<Mutex<Vec<String>>>,
}

fn discovery_document(issuer: &str, script: &Script) -> String {
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "id_token_signing_alg_values_supported": ["EdDSA"],
    });
    replace(&mut document, &script.metadata);
    document.to_string()
}

fn key_set(script: &Script) -> String {
    let x = if script.unsigned { "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE" } else { PUBLIC };
    let mut key =
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": script.kid, "alg": "EdDSA"});
    replace(&mut key, &script.key);
    json!({"keys": [key]}).to_string()
}

/// The type and text of the userinfo response.
fn userinfo(script: &Script) -> (&'static str, String) {
    match &script.userinfo_text {
        Some((content_type, text)) => (content_type, text.clone()),
        None if script.signs_userinfo => ("application/jwt", signed(&script.userinfo)),
        None => ("application/json", script.userinfo.to_string()),
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: State) {
    let State { issuer, script, requests, nonce, refresh_token, directories } = state;
    let Some((path, body)) = read_request(&mut stream).await else { return };
    let script = script.lock().expect("whole").clone();
    tokio::time::sleep(script.delay).await;
    // Microsoft Entra has its documents below the id of a directory.
    let (directory, path) = path.split_once("/v2.0").unwrap_or(("", &path));
    if !directory.is_empty() {
        directories.lock().expect("whole").push(directory.to_owned());
    }
    let mut content_type = "application/json";
    let (status, text) = match path {
        "/.well-known/openid-configuration" => (200, discovery_document(&issuer, &script)),
        "/jwks" => (200, key_set(&script)),
        "/userinfo" => {
            let text;
            (content_type, text) = userinfo(&script);
            (script.userinfo_status, text)
        }
        "/token" => {
            let form: BTreeMap<String, String> =
                form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            let next =
                next_refresh_token(&form, &script, &mut refresh_token.lock().expect("whole"));
            let person = form.get("code").filter(|_| script.people_by_code);
            let person = person.and_then(|code| code.rsplit_once('.'));
            let person = person.map(|(nonce, sub)| (nonce.to_owned(), sub.to_owned()));
            if person.is_none() {
                requests.lock().expect("whole").push(form);
            }
            script.token_response.clone().unwrap_or_else(|| {
                let mut id_token = script.id_token.clone();
                let nonce = match person {
                    Some((nonce, sub)) => {
                        id_token["sub"] = json!(sub);
                        id_token["preferred_username"] = json!(format!("person-{sub}"));
                        nonce
                    }
                    None => nonce.lock().expect("whole").clone(),
                };
                next.map_or_else(
                    || (400, json!({"error": "invalid_grant"}).to_string()),
                    |next| (200, tokens(&issuer, (&nonce, &next), &id_token)),
                )
            })
        }
        _ => (404, String::new()),
    };
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// The refresh token of a token response. `None` if the one in the request is refused; where they
/// rotate, the valid one ends too.
fn next_refresh_token(
    form: &BTreeMap<String, String>,
    script: &Script,
    valid: &mut String,
) -> Option<String> {
    const FIRST: &str = "upstream-refresh";
    let Some(used) = form.get("refresh_token") else {
        FIRST.clone_into(valid);
        return Some(FIRST.to_owned());
    };
    if script.rotates && script.token_response.is_none() {
        *valid = if used == valid { format!("{used}+") } else { String::new() };
    }
    Some(valid.clone()).filter(|valid| !valid.is_empty())
}

/// A token response with an ID token of a person, valid for years.
fn tokens(issuer: &str, (nonce, refresh_token): (&str, &str), changes: &Value) -> String {
    let mut claims = json!({
        "iss": issuer, "aud": "lanyard", "sub": "1", "nonce": nonce, "preferred_username": "ada",
        "name": "Ada Lovelace", "email": "ada@acme.test", "email_verified": true, "groups": ["staff"],
        "iat": 1_700_000_000, "exp": 4_000_000_000_u64,
    });
    replace(&mut claims, changes);
    let id_token = match changes.get("_alg") {
        Some(alg) => {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signature = if alg == "none" { "" } else { "c2ln" };
            format!("{}.{}.{signature}", part(&json!({"alg": alg})), part(&claims))
        }
        None => signed(&claims),
    };
    json!({"token_type": "Bearer", "access_token": "upstream-token", "refresh_token": refresh_token, "id_token": id_token}).to_string()
}

fn replace(value: &mut Value, changes: &Value) {
    for (name, change) in changes.as_object().expect("an object") {
        match change {
            Value::Null => drop(value.as_object_mut().expect("an object").remove(name)),
            change => value[name] = change.clone(),
        }
    }
}

/// Path and body of a request.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or_default() {
            let path = head.split(' ').nth(1)?.to_owned();
            return Some((path, body.to_owned()));
        }
    }
}
