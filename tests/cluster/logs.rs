//! A full run at the finest log level. Its log and its store must not contain any secret that would
//! let a reader impersonate a user or a client.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header};
use lanyard::model::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::support::{
    browser,
    browser::{Application, Browser, agree},
    cluster::Database,
    dev::{Dev, copy_of},
    turns,
    valkey::Valkey,
};

const PASSWORD: &str = "correct horse battery staple";
const WRONG: &str = "a-password-that-is-wrong-but-still-somebodys";
/// A verifier that does not belong to the code with which it is sent.
const WRONG_VERIFIER: &str = "a-verifier-of-another-request-with-forty-three-characters";
/// The audience of an assertion that is meant for another server.
const WRONG_AUDIENCE: &str = "https://elsewhere.test";
/// The secret with which the client `signs` signs its assertions.
const SIGNING_SECRET: &str = "a-secret-of-at-least-thirty-two-characters";
const SIGNS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: signs}
spec:
  tenantRef: {name: quickstart}
  tokenEndpointAuthMethod: client_secret_jwt
  grantTypes: [client_credentials]
  scopes: [profile]
  secretRef: {name: signs}
---
apiVersion: v1
kind: Secret
metadata: {name: signs}
stringData: {client-secret: a-secret-of-at-least-thirty-two-characters}
";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_code_token_cookie_or_password_is_in_any_log_line_or_in_the_store() {
    let _turn = turns::of("logs");
    let run = full_run(&[], "opened the store").await;
    let file = fs::read(run.dev.state_file("store.redb")).expect("its file");
    nothing_is_stored(&file, &run.secrets);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_journal_of_valkey() {
    let _turn = turns::of("logs");
    let server = Valkey::start("--appendonly yes");
    let run = full_run(&["--store", "valkey", "--valkey-url", &server.url()], "").await;
    let journal = fs::read_dir(server.folder.path().join("appendonlydir")).expect("a journal");
    let files = journal.map(|file| fs::read(file.expect("a file").path()).expect("its bytes"));
    nothing_is_stored(&files.collect::<Vec<_>>().concat(), &run.secrets);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_dump_of_postgres() {
    let _turn = turns::of("logs");
    let database = Database::start();
    let flags = ["--store", "postgres", "--postgres-url", &database.url()];
    let run = full_run(&flags, "the database was migrated").await;
    let dump = database.dump();
    nothing_is_stored(&[dump.as_bytes(), &hexadecimal(&dump)].concat(), &run.secrets);
}

/// The bytes that a dump contains as hexadecimal digits.
fn hexadecimal(dump: &str) -> Vec<u8> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_hexdigit).collect::<String>();
    let values = dump.split("\\x").skip(1).map(digits);
    let bytes = |digits: String| {
        let pairs = digits.into_bytes();
        let pairs = pairs.chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("a byte")).collect::<Vec<_>>()
    };
    values.flat_map(bytes).collect()
}

/// A process after all flows, and the secrets of these flows.
struct FullRun {
    dev: Dev,
    secrets: Vec<String>,
    _manifests: tempfile::TempDir,
}

/// A token request with a guessed secret.
async fn wrong_client_secret(issuer: &str, secrets: &mut Vec<String>) {
    let guess = "a-guess-at-a-client-secret".to_owned();
    let wrong = Application::discover(issuer, "default.robot", Some(&guess), "").await;
    wrong.token(&[("grant_type", "client_credentials")]).await;
    secrets.push(guess);
}

/// Runs all flows of a user and three applications at the finest log level, after the log reports the
/// store, and searches the log.
async fn full_run(flags: &[&str], store: &str) -> FullRun {
    let flags = [&["--log-level", "trace"], flags].concat();
    let manifests = copy_of(Path::new("examples/quickstart"));
    fs::write(manifests.path().join("signs.yaml"), SIGNS).expect("written");
    let dev = Dev::start_with(manifests.path(), &flags);
    dev.awaits(store).await;
    let banner = dev.awaits("Open  ").await;
    let mut secrets = vec![dev.client_secret("demo"), dev.client_secret("robot"), WRONG.to_owned()];
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let callback = format!("{}/_lanyard/demo/callback", dev.base_url);
    let app = Application::discover(&issuer, "default.demo", Some(&secrets[0]), &callback).await;

    // A wrong password, the right one, consent: codes, cookies, sealed forms.
    let browser = Browser::new();
    let page = browser
        .open(&app.authorize_url("openid profile offline_access", &[("prompt", "consent")]))
        .await;
    keep_cookies(&page, &mut secrets);
    let form = page.form("/login");
    keep_fields(&form, &mut secrets);
    let page = browser.submit(&form, &[("username", "ada"), ("password", WRONG)]).await;
    let form = page.form("/login");
    let page = browser.submit(&form, &[("username", "ada"), ("password", PASSWORD)]).await;
    keep_cookies(&page, &mut secrets);
    let page = agree(&browser, page).await;
    let code = page.answer()["code"].clone();

    // Tokens, rotation, reuse, userinfo, a machine's token, a wrong client secret, logout.
    let (_, tokens) = app.redeem(&code).await;
    keep_tokens(&tokens, &mut secrets);
    app.redeem(&code).await;
    secrets.push(code);
    let page = browser.open(&app.authorize_url("openid", &[])).await;
    let (_, tokens) = app.redeem(&page.answer()["code"]).await;
    keep_tokens(&tokens, &mut secrets);
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
    let (_, refreshed) =
        app.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    keep_tokens(&refreshed, &mut secrets);
    app.userinfo(refreshed["access_token"].as_str().expect("an access token")).await;
    app.userinfo(refreshed["id_token"].as_str().expect("an ID token")).await;
    let robot = Application::discover(&issuer, "default.robot", Some(&secrets[1]), "").await;
    let (_, tokens) = robot.token(&[("grant_type", "client_credentials")]).await;
    keep_tokens(&tokens, &mut secrets);
    wrong_client_secret(&issuer, &mut secrets).await;
    wrong_requests(&app, &browser, &mut secrets).await;
    refusals_are_logged(&dev, &app).await;
    let hint = refreshed["id_token"].as_str().expect("an ID token");
    browser.open(&format!("{}?id_token_hint={hint}", app.endpoint("end_session_endpoint"))).await;
    dev.awaits("\"logout\"").await;

    // The banner prints the sample user's password on purpose; the log must not contain it.
    let log: String = dev
        .output()
        .lines()
        .filter(|line| !banner.contains(line) || line.contains("TRACE"))
        .collect();
    assert!(log.contains("endpoint"), "the log was captured");
    assert!(!log.contains(PASSWORD), "a password is in the log");
    for secret in &secrets {
        assert!(!log.contains(secret), "in the log: {secret}");
    }
    FullRun { dev, secrets, _manifests: manifests }
}

/// Requests whose redirect URI, scope, verifier and client assertion are refused, which the log
/// reports with the values that were received and expected.
async fn wrong_requests(app: &Application, browser: &Browser, secrets: &mut Vec<String>) {
    let elsewhere = format!("{}/", app.redirect_uri);
    let page = browser.open(&app.authorize_url("openid", &[("redirect_uri", &elsewhere)])).await;
    assert_eq!(page.status, 400, "{}", page.body);
    let page = browser.open(&app.authorize_url("frobnicate", &[])).await;
    assert_eq!(page.answer()["error"], "invalid_scope");

    let code = browser.open(&app.authorize_url("openid", &[])).await.answer()["code"].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", WRONG_VERIFIER),
    ];
    let (status, refused) = app.token(&form).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{refused}");
    secrets.extend([code, WRONG_VERIFIER.to_owned()]);

    for (audience, secret) in [
        (WRONG_AUDIENCE, SIGNING_SECRET),
        (app.endpoint("issuer"), "a-guess-at-the-secret-of-thirty-two-characters"),
    ] {
        let assertion = assertion(audience, secret);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        let mut signs = app.clone();
        (signs.client_id, signs.client_secret) = ("default.signs".to_owned(), None);
        let (status, refused) = signs.token(&form).await;
        assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")), "{refused}");
        let signature = assertion.rsplit('.').next().expect("a signature").to_owned();
        secrets.extend([signature, assertion, secret.to_owned()]);
    }
}

/// Waits for the log lines of the refusals in `wrong_requests`: each has the client, and what was received
/// and registered.
async fn refusals_are_logged(dev: &Dev, app: &Application) {
    let verifier = format!("a code_verifier of {} characters", WRONG_VERIFIER.len());
    for (client, received, registered) in [
        ("default/demo", format!("{}/", app.redirect_uri), app.redirect_uri.as_str()),
        ("default/demo", "frobnicate".to_owned(), "openid"),
        ("default/demo", verifier, "a code_challenge with code_challenge_method S256"),
        ("default/signs", format!("'{WRONG_AUDIENCE}'"), app.endpoint("issuer")),
    ] {
        let received = format!("received=\"{received}\"");
        let log = dev.awaits(&received).await;
        let line = log.lines().find(|line| line.contains(&received)).expect("the line");
        let (before, values) = line.split_once("registered=").expect("values");
        assert!(before.contains(&format!("client={client} ")), "no {client} in {line}");
        assert!(values.contains(registered), "no {registered} in {line}");
    }
}

/// A client assertion of the client `signs` (RFC 7523 §2.2).
fn assertion(audience: &str, secret: &str) -> String {
    let now = SystemClock.now().secs();
    let claims = json!({
        "iss": "default.signs", "sub": "default.signs", "aud": audience,
        "iat": now, "exp": now + 60, "jti": audience,
    });
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).expect("signed")
}

/// Searches the raw bytes of the store, freed pages included, for every secret as text and as the
/// bytes that it encodes.
fn nothing_is_stored(file: &[u8], secrets: &[String]) {
    let stored = |bytes: &[u8]| file.windows(bytes.len()).any(|window| window == bytes);
    assert!(stored(b"default.demo") && stored(b"openid"), "the file was read");
    assert!(!stored(PASSWORD.as_bytes()), "a password is in the store");
    for secret in secrets {
        assert!(!stored(secret.as_bytes()), "in the store: {secret}");
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(secret) {
            assert!(!stored(&bytes), "in the store as bytes: {secret}");
        }
    }
}

fn keep_cookies(page: &browser::Page, secrets: &mut Vec<String>) {
    for cookie in page.headers.get_all("set-cookie") {
        let text = cookie.to_str().expect("ASCII");
        let value = text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair").1;
        if !value.is_empty() {
            secrets.push(value.to_owned());
        }
    }
}

fn keep_fields(form: &browser::Form, secrets: &mut Vec<String>) {
    secrets.extend(
        form.fields.iter().filter(|(name, _)| name == "interaction").map(|it| it.1.clone()),
    );
}

fn keep_tokens(tokens: &Value, secrets: &mut Vec<String>) {
    for name in ["access_token", "id_token", "refresh_token"] {
        secrets.extend(tokens[name].as_str().map(str::to_owned));
    }
}
