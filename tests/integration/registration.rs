//! Dynamic registration at `lanyard dev`: every answer of RFC 7591 and RFC 7592, the files of the
//! clients, and restarts.

use std::{fs, path::PathBuf, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lanyard::model::Timestamp;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{
    browser::{Application, Browser, VERIFIER, agree},
    dev::Dev,
    dpop::DpopKey,
};

/// The longest wait, which allows for slow machines.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

const MANIFESTS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: open}
spec: {registration: {mode: Open, requestsPerMinute: 1000}}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: guarded}
spec:
  registration:
    mode: InitialAccessToken
    initialAccessTokenSecretRef: {name: initial}
    maxClients: 1
    requestsPerMinute: 4
  clients: {redirectHosts: ['*.rp.test']}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: tools}
spec:
  registration: {mode: Open, requestsPerMinute: 1000}
  clients: {redirectSchemes: [cursor]}
---
apiVersion: v1
kind: Secret
metadata: {name: initial}
stringData: {token: an-initial-access-token}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: closed}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: declared}
spec: {tenantRef: {name: open}, redirectUris: ['https://rp.test/cb']}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada}
spec: {tenantRef: {name: open}, username: ada, passwordSecretRef: {name: ada}}
---
apiVersion: v1
kind: Secret
metadata: {name: ada}
stringData: {password: correct horse battery staple}
";

/// A `lanyard dev` process whose tenant accepts registrations, and an HTTP client.
struct World {
    dev: Dev,
    http: Client,
    _manifests: TempDir,
}

/// A registered client: the body of the 201 answer.
struct Registered(Value);

impl Registered {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }
}

impl World {
    async fn start() -> Self {
        Self::start_with(MANIFESTS).await
    }

    async fn start_with(manifests: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("all.yaml"), manifests).expect("written");
        let dev = Dev::start(folder.path());
        dev.awaits("Open  ").await;
        Self { dev, http: Client::new(), _manifests: folder }
    }

    fn issuer(&self, tenant: &str) -> String {
        format!("{}/default/{tenant}", self.dev.base_url)
    }

    fn ask(&self, method: Method, uri: &str, token: &str) -> RequestBuilder {
        let request = self.http.request(method, uri);
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    async fn post(&self, tenant: &str, token: &str, metadata: &Value) -> Response {
        let uri = format!("{}/oauth/register", self.issuer(tenant));
        self.ask(Method::POST, &uri, token).json(metadata).send().await.expect("an answer")
    }

    async fn register(&self, change: impl FnOnce(&mut Value)) -> Registered {
        let mut metadata = metadata();
        change(&mut metadata);
        let answer = self.post("open", "", &metadata).await;
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(status, 201, "{body}");
        Registered(body)
    }

    async fn refused(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut metadata = metadata();
        change(&mut metadata);
        let answer = self.post("open", "", &metadata).await;
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(status, 400, "{body}");
        assert!(body["error_description"].is_string(), "{body}");
        body["error"].as_str().expect("a code").to_owned()
    }

    /// Sends a request to the client configuration endpoint (RFC 7592 §2); returns status and body.
    async fn manage(
        &self,
        client: &Registered,
        method: Method,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let uri = client.text("registration_client_uri");
        let request = self.ask(method, uri, client.text("registration_access_token"));
        let request = body.into_iter().fold(request, RequestBuilder::json);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    fn file(&self, client: &Registered) -> PathBuf {
        self.dev.state().join(format!("{}.oidcclient.yaml", client.text("client_id")))
    }
}

fn metadata() -> Value {
    json!({"redirect_uris": ["https://rp.test/cb"], "client_name": "Shop"})
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_client_signs_a_user_in() {
    let world = World::start().await;
    let answer = world.post("open", "", &metadata()).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let client = world.register(|_| {}).await;
    // RFC 7591 §3.2.1, OIDC Registration §3.2
    assert_eq!(client.0["client_secret_expires_at"], 0);
    assert!(client.0["client_id_issued_at"].as_i64().is_some_and(|at| at > 1_700_000_000));
    for (name, value) in [
        ("redirect_uris", json!(["https://rp.test/cb"])),
        ("client_name", json!("Shop")),
        ("grant_types", json!(["authorization_code"])),
        ("response_types", json!(["code"])),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("application_type", json!("web")),
        ("subject_type", json!("public")),
        ("id_token_signed_response_alg", json!("RS256")),
        ("authorization_signed_response_alg", json!("RS256")),
        ("require_auth_time", json!(false)),
    ] {
        assert_eq!(client.0[name], value, "{name}");
    }
    let (issuer, id) = (world.issuer("open"), client.text("client_id"));
    let secret = Some(client.text("client_secret"));
    let app = Application::discover(&issuer, id, secret, "https://rp.test/cb").await;
    let browser = Browser::new();
    let page = browser.open(&app.authorize_url("openid email", &[])).await;
    let form = page.form("/login");
    let ada = [("username", "ada"), ("password", "correct horse battery staple")];
    let page = browser.submit(&form, &ada).await;
    assert!(page.left_for.is_none(), "a registered client needs consent");
    let page = agree(&browser, page).await;
    let code = page.answer().remove("code").expect("a code");
    // Registration keeps what it echoed, so a secret in the body is refused (RFC 6749 §2.3.1).
    let mut posts = app.clone();
    posts.client_secret = None;
    let by_post = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "https://rp.test/cb"),
        ("code_verifier", VERIFIER),
        ("client_secret", client.text("client_secret")),
    ];
    let (status, refused) = posts.token(&by_post).await;
    assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")), "{refused}");
    let (status, tokens) = app.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    // The first use is recorded, so that the client does not expire.
    let file = world.file(&client);
    let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
    while !fs::read_to_string(&file).expect("there").contains("lanyard.dev/used") {
        assert!(tokio::time::Instant::now() < deadline, "the use is not recorded");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_registered_post_gets_tokens_by_post() {
    // RFC 7591 §2, RFC 6749 §2.3.1
    let world = World::start().await;
    let method = "token_endpoint_auth_method";
    let client = world.register(|metadata| metadata[method] = "client_secret_post".into()).await;
    let (issuer, id) = (world.issuer("open"), client.text("client_id"));
    let app = Application::discover(&issuer, id, None, "https://rp.test/cb").await;
    let ada = ("ada", "correct horse battery staple");
    let answer = app.sign_in(&Browser::new(), &app.authorize_url("openid", &[]), ada).await;
    let secret = client.text("client_secret");
    let mut basic = app.clone();
    basic.client_secret = Some(secret.to_owned());
    let (status, refused) = basic.redeem(&answer["code"]).await;
    assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")), "{refused}");
    let by_post = [
        ("grant_type", "authorization_code"),
        ("code", answer["code"].as_str()),
        ("redirect_uri", "https://rp.test/cb"),
        ("code_verifier", VERIFIER),
        ("client_secret", secret),
    ];
    let (status, tokens) = app.token(&by_post).await;
    assert!(status == 200 && tokens["id_token"].is_string(), "{status} {tokens}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_client_survives_a_restart_and_is_managed_by_its_token() {
    let mut world = World::start().await;
    let client = world.register(|_| {}).await;
    let text = fs::read_to_string(world.file(&client)).expect("a file");
    assert!(text.contains("kind: OidcClient") && text.contains("lanyard.dev/registered"), "{text}");
    assert!(!text.contains(client.text("registration_access_token")), "only the hash is stored");
    world.dev.restart();
    world.dev.awaits("Open  ").await;
    // RFC 7592 §2.1
    let (status, read) = world.manage(&client, Method::GET, None).await;
    assert_eq!((status, &read), (200, &client.0));

    // RFC 7592 §2.2
    let mut change = metadata();
    change["redirect_uris"] = json!(["https://rp.test/new"]);
    change["client_id"] = client.0["client_id"].clone();
    change["client_secret"] = client.0["client_secret"].clone();
    change.as_object_mut().expect("an object").remove("client_name");
    let (status, changed) = world.manage(&client, Method::PUT, Some(&change)).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["redirect_uris"], json!(["https://rp.test/new"]));
    assert_ne!(changed["client_name"], "Shop", "omitted metadata is removed");
    for kept in ["client_secret", "registration_access_token", "client_id_issued_at"] {
        assert_eq!(changed[kept], client.0[kept], "{kept} is not rotated");
    }
    for (name, value) in [("client_id", "default.declared"), ("client_secret", "of my own")] {
        let mut wrong = change.clone();
        wrong[name] = value.into();
        let (status, body) = world.manage(&client, Method::PUT, Some(&wrong)).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_client_metadata")), "{name}");
    }
    let mut public = change.clone();
    public["token_endpoint_auth_method"] = "none".into();
    public.as_object_mut().expect("an object").remove("client_secret");
    let (status, changed) = world.manage(&client, Method::PUT, Some(&public)).await;
    assert_eq!((status, changed.get("client_secret")), (200, None), "{changed}");
    public["token_endpoint_auth_method"] = "client_secret_post".into();
    let (status, changed) = world.manage(&client, Method::PUT, Some(&public)).await;
    assert!(status == 200 && changed["client_secret"].is_string(), "{status} {changed}");

    // RFC 7592 §2.3
    let uri = client.text("registration_client_uri");
    let token = client.text("registration_access_token");
    let answer = world.ask(Method::DELETE, uri, token).send().await.expect("an answer");
    assert_eq!(answer.status(), 204);
    assert!(!world.file(&client).exists());
    assert_eq!(world.manage(&client, Method::GET, None).await.0, 401);
    let form = [("grant_type", "authorization_code"), ("code", "x")];
    let request = world.http.post(format!("{}/oauth/token", world.issuer("open"))).form(&form);
    let request = request.basic_auth(client.text("client_id"), client.0["client_secret"].as_str());
    assert_eq!(
        request.send().await.expect("an answer").status(),
        401,
        "the client is deleted at once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_cannot_take_back_what_an_administrator_set() {
    // RFC 7592 §2.2
    let world = World::start().await;
    let both = json!(["https://rp.test/cb", "https://rp.test/other"]);
    let client = world.register(|metadata| metadata["redirect_uris"] = both.clone()).await;
    let file = world.file(&client);
    let text = fs::read_to_string(&file).expect("a file");
    let mut object: Value = serde_yaml::from_str(&text).expect("YAML");
    object["spec"]["redirectUris"] = json!(["https://rp.test/cb"]);
    object["spec"]["scopes"] = json!(["openid"]);
    object["spec"]["introspection"] = json!("Own");
    object["spec"]["lifetimes"] = json!({ "accessToken": "1m" });
    fs::write(&file, serde_yaml::to_string(&object).expect("YAML")).expect("written");
    let narrowed = json!(["https://rp.test/cb"]);
    let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
    while world.manage(&client, Method::GET, None).await.1["redirect_uris"] != narrowed {
        assert!(tokio::time::Instant::now() < deadline, "the edit is not served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut wished = client.0.clone();
    for name in ["registration_access_token", "registration_client_uri", "client_id_issued_at"] {
        wished.as_object_mut().expect("an object").remove(name);
    }
    wished["client_name"] = "Renamed".into();
    for _ in 0..2 {
        let (status, changed) = world.manage(&client, Method::PUT, Some(&wished)).await;
        assert_eq!((status, &changed["client_name"]), (200, &json!("Renamed")), "{changed}");
        assert_eq!((&changed["redirect_uris"], &changed["scope"]), (&narrowed, &json!("openid")));
    }
    let text = fs::read_to_string(&file).expect("a file");
    let after: Value = serde_yaml::from_str(&text).expect("YAML");
    for name in ["redirectUris", "scopes", "introspection", "lifetimes"] {
        assert_eq!(after["spec"][name], object["spec"][name], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_file_revokes_the_client() {
    let world = World::start().await;
    let client = world.register(|_| {}).await;
    fs::remove_file(world.file(&client)).expect("removed");
    let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
    while world.manage(&client, Method::GET, None).await.0 != 401 {
        assert!(tokio::time::Instant::now() < deadline, "the client is still served");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_do_not_reveal_which_clients_exist() {
    // RFC 7592 §3
    let world = World::start().await;
    let (one, other) = (world.register(|_| {}).await, world.register(|_| {}).await);
    let issuer = world.issuer("open");
    let mut answers = Vec::new();
    for (id, token) in [
        (one.text("client_id"), other.text("registration_access_token")),
        (one.text("client_id"), "wrong"),
        ("default.nobody", one.text("registration_access_token")),
        ("default.declared", one.text("registration_access_token")),
        ("", "wrong"),
    ] {
        let uri = format!("{issuer}/oauth/register/{id}");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let request = world.ask(method, &uri, token).json(&metadata());
            let answer = request.send().await.expect("an answer");
            let challenge = answer.headers()["www-authenticate"].to_str().expect("text").to_owned();
            assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
            answers.push((answer.status().as_u16(), answer.text().await.expect("a body")));
        }
    }
    assert!(answers.iter().all(|answer| answer.0 == 401 && *answer == answers[0]), "{answers:?}");
    let uri = one.text("registration_client_uri");
    let bare = world.ask(Method::GET, uri, "").send().await.expect("an answer");
    assert_eq!(bare.status(), 401);
    // The client does not exist at another tenant.
    let elsewhere = uri.replace("/default/open/", "/default/guarded/");
    let token = one.text("registration_access_token");
    let answer = world.ask(Method::GET, &elsewhere, token).send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert_eq!(world.manage(&one, Method::GET, None).await.0, 200, "nothing was deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_metadata_is_refused_with_the_right_error_code() {
    // RFC 7591 §3.2.2
    let world = World::start().await;
    for uri in ["https://rp.test/cb#f", "/cb", "javascript:alert(1)", "http://rp.test/cb"] {
        let refused = world.refused(|body| body["redirect_uris"] = json!([uri])).await;
        assert_eq!(refused, "invalid_redirect_uri", "{uri}");
    }
    let without = world.refused(|body| body["redirect_uris"] = json!([])).await;
    assert_eq!(without, "invalid_redirect_uri");
    let local = world
        .refused(|body| {
            body["response_types"] = json!(["id_token"]);
            body["redirect_uris"] = json!(["https://localhost/cb"]);
        })
        .await;
    assert_eq!(local, "invalid_redirect_uri");
    for (name, value) in [
        ("initiate_login_uri", json!("http://rp.test/login")),
        ("sector_identifier_uri", json!("https://127.0.0.1:1/sector.json")),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP")),
        ("authorization_encrypted_response_alg", json!("RSA-OAEP")),
        ("introspection_encrypted_response_alg", json!("RSA-OAEP")),
        ("introspection_signed_response_alg", json!("RS256")),
        ("require_signed_request_object", json!(true)),
        ("authorization_signed_response_alg", json!("ES256")),
        ("id_token_signed_response_alg", json!("XS256")),
        ("response_types", json!(["code bogus"])),
        ("grant_types", json!(["password"])),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("scope", json!("no-such-scope")),
        ("logo_uri", json!("javascript:alert(1)")),
        ("tos_uri", json!("data:text/html,x")),
        ("client_name", json!(7)),
        ("client_name", json!("Bank\u{202e}")),
        ("client_name", json!("Ba\u{200b}nk")),
        ("client_name", json!("\u{3164}")),
    ] {
        let refused = world.refused(|body| body[name] = value).await;
        assert_eq!(refused, "invalid_client_metadata", "{name}");
    }
    let unreachable = world
        .refused(|body| {
            body["token_endpoint_auth_method"] = "private_key_jwt".into();
            body["jwks_uri"] = "http://127.0.0.1:1/jwks".into();
        })
        .await;
    assert_eq!(unreachable, "invalid_client_metadata");
    let statement = world.refused(|body| body["software_statement"] = "a.b.c".into()).await;
    assert_eq!(statement, "unapproved_software_statement");
    let uri = format!("{}/oauth/register", world.issuer("open"));
    let form = world.http.post(&uri).form(&[("client_name", "Shop")]).send().await;
    assert_eq!(form.expect("an answer").status(), 400, "only JSON");
    let get = world.http.get(&uri).send().await.expect("an answer");
    assert_eq!(
        (get.status().as_u16(), &get.headers()["allow"]),
        (405, &"POST".parse().expect("text"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_on_the_device_are_native_unless_they_say_otherwise() {
    // RFC 8252 §7, OIDC Registration §2
    let world = World::start().await;
    let local = json!(["http://localhost:3118/callback", "http://127.0.0.1/cb"]);
    let client = world.register(|body| body["redirect_uris"] = local.clone()).await;
    assert_eq!(client.0["application_type"], "native");
    let client = world
        .register(|body| {
            body["redirect_uris"] = local.clone();
            body["application_type"] = "web".into();
        })
        .await;
    assert_eq!(client.0["application_type"], "web");
    let mixed = json!(["https://rp.test/cb", "http://localhost:3118/callback"]);
    let client = world.register(|body| body["redirect_uris"] = mixed).await;
    assert_eq!(client.0["application_type"], "web");
}

#[tokio::test(flavor = "multi_thread")]
async fn schemes_of_applications_need_the_tenants_word_to_register() {
    let world = World::start().await;
    let with = |uri: &str| {
        let mut body = metadata();
        body["redirect_uris"] = json!([uri]);
        body
    };
    let cursor = with("cursor://anysphere.cursor-retrieval/oauth/callback");
    let answer = world.post("tools", "", &cursor).await;
    let (status, body) = (answer.status(), answer.json::<Value>().await.expect("JSON"));
    assert_eq!((status.as_u16(), &body["application_type"]), (201, &json!("native")), "{body}");
    for (tenant, body, expected) in [
        ("open", cursor.clone(), "redirectSchemes"),
        ("open", with("com.example.app:/cb"), "redirectSchemes"),
        ("tools", with("evil://rp.test/cb"), "redirectSchemes"),
        // A list replaces the default, which is http on loopback hosts.
        ("tools", with("http://localhost/cb"), "redirectSchemes"),
        ("open", with("http://nas.home.lan/cb"), "must use https"),
        ("open", with("https://rp.test/*"), "list each one"),
    ] {
        let answer = world.post(tenant, "", &body).await;
        let status = answer.status();
        let refused: Value = answer.json().await.expect("JSON");
        assert_eq!((status.as_u16(), &refused["error"]), (400, &json!("invalid_redirect_uri")));
        let text = refused["error_description"].as_str().expect("text");
        assert!(text.contains(expected), "{body}: {text}");
    }
    let mut web = cursor;
    web["application_type"] = "web".into();
    let refused: Value = world.post("tools", "", &web).await.json().await.expect("JSON");
    let text = refused["error_description"].as_str().expect("text");
    assert!(text.contains("application_type native"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_that_the_tenant_does_not_have_are_left_out() {
    // RFC 7591 §3.2.1. Clients of the Model Context Protocol ask for the scopes of their server.
    let world = World::start().await;
    let client = world.register(|body| body["scope"] = "openid mcp:tools email".into()).await;
    assert_eq!(client.0["scope"], "email openid");
    let mut update = metadata();
    update["client_id"] = client.text("client_id").into();
    update["scope"] = "mcp:tools openid profile".into();
    let (status, changed) = world.manage(&client, Method::PUT, Some(&update)).await;
    assert_eq!((status, &changed["scope"]), (200, &json!("openid profile")), "{changed}");
}

/// The tenant of the guide for the Model Context Protocol accepts the clients that the guide names,
/// with the metadata that they send.
#[tokio::test(flavor = "multi_thread")]
async fn clients_of_the_mcp_guide_can_register_at_its_tenant() {
    let guide = include_str!("../../docs/mcp.md");
    let (_, rest) = guide.split_once("```yaml\n").expect("a manifest");
    let (manifest, _) = rest.split_once("```").expect("it ends");
    let world =
        World::start_with(&manifest.replace("namespace: identity", "namespace: default")).await;
    let both = json!(["authorization_code", "refresh_token"]);
    for (what, uris, application_type) in [
        ("a command line", json!(["http://localhost:3118/callback"]), None),
        ("an inspector", json!(["http://127.0.0.1:6274/oauth/callback"]), None),
        ("Claude", json!(["https://claude.ai/api/mcp/auth_callback"]), None),
        ("Cursor", json!(["cursor://anysphere.cursor-mcp/oauth/callback"]), None),
        (
            "Visual Studio Code",
            json!([
                "https://insiders.vscode.dev/redirect",
                "https://vscode.dev/redirect",
                "http://127.0.0.1/",
                "http://127.0.0.1:33418/",
            ]),
            Some("native"),
        ),
    ] {
        let metadata = json!({
            "client_name": what, "redirect_uris": uris, "grant_types": both,
            "response_types": ["code"], "token_endpoint_auth_method": "none",
            "scope": "openid profile email offline_access mcp:tools",
            "application_type": application_type,
        });
        let answer = world.post("tools", "", &metadata).await;
        let (status, body) = (answer.status(), answer.json::<Value>().await.expect("JSON"));
        assert_eq!(status, 201, "{what}: {body}");
        assert_eq!(body["scope"], "email offline_access openid profile", "{what}");
    }
}

/// Starts a server that answers every request with a body; returns its URL.
async fn serving(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/jwks", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn jwks_uri_is_fetched_when_only_its_keys_authenticate() {
    // OIDC Registration §2
    let world = World::start().await;
    let with = |uri: String| {
        move |body: &mut Value| {
            body["token_endpoint_auth_method"] = "private_key_jwt".into();
            body["jwks_uri"] = uri.into();
        }
    };
    let keys = serving(r#"{"keys":[{"kty":"EC","crv":"P-256","x":"x","y":"y"}]}"#).await;
    let client = world.register(with(keys.clone())).await;
    assert_eq!(client.0["jwks_uri"], keys);
    assert!(client.0.get("client_secret").is_none(), "private_key_jwt needs no secret");
    let none = serving("<html>").await;
    assert_eq!(world.refused(with(none)).await, "invalid_client_metadata");
}

#[tokio::test(flavor = "multi_thread")]
async fn echoes_every_registered_value() {
    let world = World::start().await;
    let all = json!({
        "redirect_uris": ["https://rp.test/cb", "https://rp.test/other"],
        "response_types": ["code", "code id_token token", "id_token"],
        "grant_types": ["authorization_code", "implicit", "refresh_token"],
        "application_type": "web",
        "contacts": ["ada@rp.test"],
        "client_name": "Shop",
        "client_uri": "https://rp.test/",
        "logo_uri": "https://rp.test/logo.png",
        "policy_uri": "https://rp.test/policy",
        "tos_uri": "https://rp.test/tos",
        "jwks_uri": "https://rp.test/jwks",
        "subject_type": "public",
        "id_token_signed_response_alg": "RS256",
        "authorization_signed_response_alg": "RS256",
        "userinfo_signed_response_alg": "RS256",
        "request_object_signing_alg": "none",
        "token_endpoint_auth_method": "client_secret_jwt",
        "token_endpoint_auth_signing_alg": "HS256",
        "default_max_age": 3600,
        "require_auth_time": true,
        "default_acr_values": ["1"],
        "initiate_login_uri": "https://rp.test/start",
        "request_uris": ["https://rp.test/request#abc"],
        "post_logout_redirect_uris": ["https://rp.test/bye"],
        "backchannel_logout_uri": "https://rp.test/back",
        "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://rp.test/front",
        "frontchannel_logout_session_required": true,
        "software_id": "shop",
        "software_version": "2.1",
        "scope": "email openid",
    });
    let client = world.register(|body| *body = all.clone()).await;
    for (name, value) in all.as_object().expect("an object") {
        let sorted = |value: &Value| {
            let mut list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            list.sort_by_key(Value::to_string);
            list
        };
        assert_eq!(sorted(&client.0[name]), sorted(value), "{name}");
    }
    // RFC 7518 §3.2: enough for HS512.
    assert_eq!(client.text("client_secret").len(), 86, "client_secret_jwt signs with the secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_policy_limits_who_registers_and_how_many() {
    let world = World::start().await;
    let document = |tenant: &str| {
        let uri = format!("{}/.well-known/openid-configuration", world.issuer(tenant));
        async {
            let answer = world.http.get(uri).send().await.expect("an answer");
            answer.json::<Value>().await.expect("JSON")
        }
    };
    let endpoint = format!("{}/oauth/register", world.issuer("open"));
    assert_eq!(document("open").await["registration_endpoint"], endpoint);
    assert!(document("closed").await.get("registration_endpoint").is_none());
    assert_eq!(world.post("closed", "", &metadata()).await.status(), 404);

    let mut within = metadata();
    within["redirect_uris"] = json!(["https://a.rp.test/cb"]);
    let token = "an-initial-access-token";
    assert_eq!(world.post("guarded", "wrong", &within).await.status(), 401);
    let outside: Value =
        world.post("guarded", token, &metadata()).await.json().await.expect("JSON");
    assert_eq!(outside["error"], "invalid_redirect_uri", "redirectHosts of the tenant applies");
    assert_eq!(world.post("guarded", token, &within).await.status(), 201);
    for _ in 0..2 {
        assert_eq!(world.post("guarded", token, &within).await.status(), 403, "maxClients");
    }
    let limited = world.post("guarded", token, &within).await;
    assert_eq!(limited.status(), 429);
    assert!(limited.headers().contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_quota_ignores_requests_without_a_valid_token() {
    let world = World::start().await;
    let mut within = metadata();
    within["redirect_uris"] = json!(["https://a.rp.test/cb"]);
    for (token, times) in [("", 50), ("wrong", 9)] {
        for _ in 0..times {
            assert_eq!(world.post("guarded", token, &within).await.status(), 401);
        }
    }
    assert_eq!(world.post("guarded", "an-initial-access-token", &within).await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_initial_access_tokens_delay_their_address() {
    let world = World::start().await;
    for _ in 0..10 {
        assert_eq!(world.post("guarded", "wrong", &metadata()).await.status(), 401);
    }
    for token in ["wrong", "an-initial-access-token"] {
        let refused = world.post("guarded", token, &metadata()).await;
        assert_eq!(refused.status(), 429, "{token}");
        assert!(refused.headers().contains_key("retry-after"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_quota_is_separate_from_management_quota() {
    let few = MANIFESTS.replace("requestsPerMinute: 1000", "requestsPerMinute: 2");
    let world = World::start_with(&few).await;
    let client = world.register(|_| {}).await;
    world.register(|_| {}).await;
    assert_eq!(world.post("open", "", &metadata()).await.status(), 429);
    let (status, changed) = world.manage(&client, Method::PUT, Some(&metadata())).await;
    assert_eq!(status, 200, "{changed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_label_on_a_declared_client_does_not_reveal_its_secret() {
    let token = "of my own making";
    let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
    let client = |namespace: &str, name: &str| {
        format!(
            "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{lanyard.dev/registered: 'true'}}
  annotations: {{lanyard.dev/registration-access-token-hash: {hash}}}
spec:
  tenantRef: {{name: open, namespace: default}}
  redirectUris: ['https://rp.test/cb']
  secretRef: {{name: database, key: password}}
---
apiVersion: v1
kind: Secret
metadata: {{name: database, namespace: {namespace}}}
stringData: {{password: what the database takes}}
"
        )
    };
    let open = "spec: {registration: {mode: Open,";
    let consents = "spec: {clients: {namespaces: {from: All}}, registration: {mode: Open,";
    let manifests = MANIFESTS.replace(open, consents)
        + &client("elsewhere", "dcr-1")
        + &client("default", "payroll");
    let world = World::start_with(&manifests).await;
    for id in ["elsewhere.dcr-1", "default.payroll"] {
        let app = Application::discover(
            &world.issuer("open"),
            id,
            Some("what the database takes"),
            "https://rp.test/cb",
        )
        .await;
        let ask = [("grant_type", "authorization_code"), ("code", "x")];
        assert_eq!(app.token(&ask).await.1["error"], "invalid_grant", "{id} is served");
        let uri = format!("{}/oauth/register/{id}", world.issuer("open"));
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = world.ask(method.clone(), &uri, token).json(&metadata()).send().await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.status(), 401, "{method} {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_registrations_do_not_exceed_max_clients() {
    let world =
        World::start_with(&MANIFESTS.replace("mode: Open,", "mode: Open, maxClients: 3,")).await;
    let metadata = metadata();
    let posts = (0..8).map(|_| world.post("open", "", &metadata));
    let answers = futures::future::join_all(posts).await;
    let created = answers.iter().filter(|answer| answer.status() == 201).count();
    assert_eq!(created, 3, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unused_registered_client_is_deleted() {
    let manifests = MANIFESTS.replace("mode: Open,", "mode: Open, unusedLifetime: 1m,");
    let mut world = World::start_with(&manifests).await;
    let client = world.register(|_| {}).await;
    let used = world.register(|_| {}).await;
    // Both clients registered long ago, and one of them was used.
    world.dev.kill();
    for (client, mark) in [(&client, ""), (&used, "    lanyard.dev/used: 'true'\n")] {
        let path = world.file(client);
        let text = fs::read_to_string(&path).expect("there");
        let lines = text.lines().map(|line| match line.trim().split_once(": ") {
            Some(("creationTimestamp", _)) => {
                "  creationTimestamp: 2025-01-01T00:00:00Z\n".to_owned()
            }
            _ if line.trim() == "annotations:" => format!("{line}\n{mark}"),
            _ => format!("{line}\n"),
        });
        fs::write(path, lines.collect::<String>()).expect("written");
    }
    world.dev.start_again();
    world.dev.awaits("a registered client was deleted").await;
    assert!(!world.file(&client).exists());
    assert!(world.file(&used).exists());
}

/// A stranger who registers a client cannot fill the store with assertions that must be remembered.
#[tokio::test(flavor = "multi_thread")]
async fn a_registered_client_has_a_bounded_number_of_remembered_assertions() {
    let world = World::start().await;
    let method = "client_secret_jwt";
    let client = world.register(|body| body["token_endpoint_auth_method"] = json!(method)).await;
    let key = jsonwebtoken::EncodingKey::from_secret(client.text("client_secret").as_bytes());
    let (id, issuer) = (client.text("client_id"), world.issuer("open"));
    let expires = jsonwebtoken::get_current_timestamp() + 3600;
    let mut statuses = Vec::new();
    for number in 0..40 {
        let claims = json!({
            "iss": id, "sub": id, "aud": issuer, "exp": expires, "jti": number.to_string(),
        });
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        let assertion = jsonwebtoken::encode(&header, &claims, &key).expect("signed");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", "guessed"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        let answer = world.http.post(format!("{issuer}/oauth/token")).form(&form).send();
        let answer = answer.await.expect("an answer");
        let retry_after = answer.headers().contains_key("retry-after");
        assert_eq!(answer.status() == 429, retry_after, "{answer:?}");
        statuses.push(answer.status().as_u16());
    }
    let accepted = statuses.iter().filter(|status| **status == 400).count();
    assert!((16..=30).contains(&accepted), "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
}

const API: &str = "https://api.test/mcp";

/// A tenant whose registered clients may act for themselves and use an API.
fn with_api(named: &str) -> String {
    let open =
        "metadata: {name: open}\nspec: {registration: {mode: Open, requestsPerMinute: 1000}}";
    let spec = "metadata: {name: open}\nspec:\n  registration: {mode: Open, requestsPerMinute: 1000, resources: [api]}\n  clients: {grantTypes: [authorization_code, client_credentials]}";
    assert!(MANIFESTS.contains(open));
    let api = format!(
        "---\napiVersion: lanyard.dev/v1alpha1\nkind: ResourceServer\nmetadata: {{name: api}}\nspec:\n  tenantRef: {{name: open}}\n  identifier: {API}\n  scopes: [{{name: api.read}}]\n{named}"
    );
    MANIFESTS.replace(open, spec) + &api
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_client_gets_no_token_for_an_api_without_a_person() {
    let world = World::start_with(&with_api("")).await;
    let client = world
        .register(|it| it["grant_types"] = json!(["authorization_code", "client_credentials"]))
        .await;
    let (issuer, id) = (world.issuer("open"), client.text("client_id"));
    let secret = Some(client.text("client_secret"));
    let app = Application::discover(&issuer, id, secret, "https://rp.test/cb").await;
    let alone = [("grant_type", "client_credentials"), ("resource", API)];
    let answer = app.post("token_endpoint", &alone).await;
    assert_eq!(answer.status(), 400);
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["error"], "invalid_target", "{answer}");
    let words = answer["error_description"].as_str().expect("text");
    assert!(words.contains("with the consent of a user only"), "{words}");

    // With a person it does.
    let browser = Browser::new();
    let api = [("resource", API)];
    let page = browser.open(&app.authorize_url("openid api.read", &api)).await;
    let ada = [("username", "ada"), ("password", "correct horse battery staple")];
    let page = browser.submit(&page.form("/login"), &ada).await;
    let page = agree(&browser, page).await;
    let (status, tokens) = app.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(tokens["scope"], "api.read", "{tokens}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_client_stores_no_pushed_request() {
    let world = World::start().await;
    let client = world.register(|_| {}).await;
    let (issuer, id) = (world.issuer("open"), client.text("client_id"));
    let secret = Some(client.text("client_secret"));
    let app = Application::discover(&issuer, id, secret, "https://rp.test/cb").await;
    for (length, status) in [(3_000, 201), (10_000, 400)] {
        let state = "s".repeat(length);
        let request = [
            ("response_type", "code"),
            ("redirect_uri", "https://rp.test/cb"),
            ("scope", "openid"),
            ("state", state.as_str()),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        let answer = app.post("pushed_authorization_request_endpoint", &request).await;
        assert_eq!(answer.status(), status);
        let answer: Value = answer.json().await.expect("JSON");
        // Everything is in the reference itself.
        let uri = answer["request_uri"].as_str().map_or(0, str::len);
        assert_eq!(uri > length, status == 201, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_a_registered_client_is_used_once_with_a_pushed_request() {
    // RFC 9449 §11.1
    let world = World::start().await;
    let client = world.register(|_| {}).await;
    let url = format!("{}/oauth/par", world.issuer("open"));
    let now = i64::try_from(jsonwebtoken::get_current_timestamp()).expect("a time");
    let proof = DpopKey::new().proof("POST", &url, Timestamp::from_secs(now));
    let request = [
        ("response_type", "code"),
        ("redirect_uri", "https://rp.test/cb"),
        ("scope", "openid"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    for (status, error) in [(201, json!(null)), (400, json!("invalid_dpop_proof"))] {
        let id = (client.text("client_id"), Some(client.text("client_secret")));
        let push = world.http.post(&url).basic_auth(id.0, id.1).header("dpop", &proof);
        let answer = push.form(&request).send().await.expect("an answer");
        let found = (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"));
        assert_eq!((found.0, &found.1["error"]), (status, &error), "{}", found.1);
    }
}
