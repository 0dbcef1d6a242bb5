//! `lanyard dev` as a new user runs it: the binary, the quickstart, and a sign-in over HTTP.

use std::{fs, path::Path, time::Duration};

use crate::support::{
    browser::{Application, Browser, agree, claims, unescape, verified},
    dev::{Dev, copy_of},
    ports::free_port,
    upstream::Upstream,
};

const ADA: (&str, &str) = ("ada", "correct horse battery staple");

#[tokio::test(flavor = "multi_thread")]
async fn quickstart_signs_a_user_in_with_the_demo() {
    let dev = Dev::start(Path::new("examples/quickstart"));
    let banner = dev.awaits("Open  ").await;
    for word in ["Issuer   http://localhost", "client default.demo", "user   ada", ADA.1] {
        assert!(banner.contains(word), "no {word:?} in:\n{banner}");
    }
    let browser = Browser::new();
    let page = browser.open(&format!("{}/_lanyard/demo", dev.base_url)).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let start = page.body.split("href=\"").find(|rest| rest.contains("/sign-in")).expect("a link");
    let link = start.split('"').next().expect("its end");
    let sign_in = page.url.join(&unescape(link)).expect("a URL");
    let page = browser.open(sign_in.as_str()).await;
    let form = page.form("/login");
    let page = browser.submit(&form, &[("username", ADA.0), ("password", ADA.1)]).await;
    let page = agree(&browser, page).await;
    let page = match &page.left_for {
        Some(callback) => browser.open(callback.as_str()).await,
        None => page,
    };
    for word in ["ada@example.com", "Ada Lovelace", "at_hash", "org-0001", "jti"] {
        assert!(page.body.contains(word), "no {word:?} at {}:\n{}", page.url, page.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_banner_says_how_a_client_without_a_secret_authenticates() {
    const CLIENTS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: page}
spec: {tenantRef: {name: main}, redirectUris: ['https://rp.test/cb'], tokenEndpointAuthMethod: none}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: signs}
spec:
  tenantRef: {name: main}
  redirectUris: ['https://rp.test/cb']
  tokenEndpointAuthMethod: private_key_jwt
  jwks: {keys: [{kty: OKP, crv: Ed25519, kid: one, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}
";
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("all.yaml"), CLIENTS).expect("written");
    let dev = Dev::start(folder.path());
    let banner = dev.awaits("Open  ").await;
    for line in
        ["default.page   no secret (public)", "default.signs   no secret (private_key_jwt: "]
    {
        assert!(banner.contains(line), "no {line:?} in:\n{banner}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_logged_with_received_and_registered_values_and_no_secret() {
    const CLIENTS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: shop}
spec:
  tenantRef: {name: main}
  redirectUris: ['https://rp.test/cb']
  tokenEndpointAuthMethod: client_secret_basic
  grantTypes: [authorization_code, client_credentials]
";
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("all.yaml"), CLIENTS).expect("written");
    let dev = Dev::start(folder.path());
    dev.awaits("Open  ").await;
    let (http, secret) = (reqwest::Client::new(), dev.client_secret("shop"));
    let issuer = format!("{}/default/main", dev.base_url);
    let url = format!(
        "{issuer}/oauth/authorize?client_id=default.shop&response_type=code&scope=openid&redirect_uri=https://rp.test/cb/"
    );
    http.get(url).send().await.expect("a page");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "default.shop"),
        ("client_secret", &secret),
    ];
    http.post(format!("{issuer}/oauth/token")).form(&form).send().await.expect("an answer");
    for (received, registered) in [
        ("https://rp.test/cb/", "https://rp.test/cb"),
        ("client_secret_post", "client_secret_basic"),
    ] {
        let log = dev.awaits(&format!("received=\"{received}\"")).await;
        let line = log.lines().find(|line| line.contains(&format!("received=\"{received}\"")));
        let line = line.expect("the line");
        for part in ["client=default/shop", &format!("registered=\"{registered}\"")] {
            assert!(line.contains(part), "no {part} in {line}");
        }
    }
    assert!(!dev.output().contains(&secret), "the client secret is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_takes_effect_and_a_broken_edit_does_not() {
    let folder = copy_of(Path::new("examples/quickstart"));
    let dev = Dev::start(folder.path());
    dev.awaits("Open  ").await;
    let users = folder.path().join("users.yaml");
    let text = fs::read_to_string(&users).expect("readable");
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let app =
        Application::discover(&issuer, "default.robot", Some(&dev.client_secret("robot")), "")
            .await;
    let (status, tokens) = app.token(&[("grant_type", "client_credentials")]).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(tokens["access_token"].as_str().expect("a token"))["sub"], "default.robot");

    fs::write(&users, text.replace("username: ada", "username: ada\n  nonsense: 1"))
        .expect("written");
    let log = dev.awaits("nonsense").await;
    assert!(log.contains("users.yaml") && log.contains("OidcUser default/ada"), "{log}");
    sign_in_as(&dev, "ada").await;

    // An edit that an API server would refuse, together with a valid edit of another object.
    let clients = folder.path().join("clients.yaml");
    let text_of_clients = fs::read_to_string(&clients).expect("readable");
    let callback = format!("{}/_lanyard/demo/callback", dev.base_url);
    let edited = text_of_clients
        .replace(&callback, "https://elsewhere.test/callback#fragment")
        .replace("scopes: [profile]", "scopes: [email]");
    fs::write(&clients, edited).expect("written");
    let log = dev.awaits("using the last valid state of the object").await;
    let problem = "clients.yaml object=OidcClient default/demo field=spec.redirectUris[0] error=must have no fragment (#)";
    assert!(log.contains(problem), "{log}");
    sign_in_as(&dev, "ada").await;
    let machine = [("grant_type", "client_credentials"), ("scope", "email")];
    // The log line precedes the snapshot with the edit.
    let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
    while app.token(&machine).await.0 != 200 {
        assert!(tokio::time::Instant::now() < deadline, "the other client has not changed");
    }

    // An edit that an API server would accept, and that conditions report as a problem.
    let edited = text_of_clients.replace("scopes: [profile]", "scopes: [sorcery]");
    fs::write(&clients, edited).expect("written");
    let log = dev.awaits("sorcery").await;
    let problem = "error=spec.scopes: Tenant \"default/quickstart\" has no scope \"sorcery\"";
    assert!(log.contains(problem), "{log}");

    fs::write(&users, text.replace("username: ada", "username: lovelace")).expect("written");
    dev.awaits(&changed(&users)).await;
    sign_in_as(&dev, "lovelace").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_manifest_is_broken_at_the_start_keeps_its_secret() {
    let folder = copy_of(Path::new("examples/quickstart"));
    let mut dev = Dev::start(folder.path());
    dev.awaits("Open  ").await;
    let secret = dev.client_secret("robot");
    let clients = folder.path().join("clients.yaml");
    let text = fs::read_to_string(&clients).expect("readable");
    fs::write(&clients, text.replace("  name: robot\n", "  name: [robot\n")).expect("written");
    assert_ne!(fs::read_to_string(&clients).expect("readable"), text, "the edit changed the file");
    dev.restart();
    dev.awaits("clients.yaml").await;
    // The signing keys are read and the tenant is served: the controller has looked at everything.
    let issuer = format!("{}/default/quickstart", dev.base_url);
    dev.awaits(&issuer).await;
    fs::write(&clients, &text).expect("written");
    dev.awaits(&changed(&clients)).await;
    let app = served_client(&issuer, "default.robot", &secret).await;
    assert_eq!(app["token_type"], "Bearer");
    assert_eq!(dev.client_secret("robot"), secret);
}

/// The log message about a changed file. `dev` resolves symlinks in the path of its folder.
fn changed(file: &Path) -> String {
    format!("file changed file={}", file.canonicalize().expect("the file exists").display())
}

/// The longest wait, which allows for slow machines.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// Waits until a client is served; returns its token response.
async fn served_client(issuer: &str, client: &str, secret: &str) -> serde_json::Value {
    let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
    loop {
        let app = Application::discover(issuer, client, Some(secret), "").await;
        let (status, tokens) = app.token(&[("grant_type", "client_credentials")]).await;
        if status == 200 {
            return tokens;
        }
        assert!(tokio::time::Instant::now() < deadline, "{status}: {tokens}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until `username` can sign in.
async fn sign_in_as(dev: &Dev, username: &str) {
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let callback = format!("{}/_lanyard/demo/callback", dev.registered_base_url);
    let secret = dev.client_secret("demo");
    let app = Application::discover(&issuer, "default.demo", Some(&secret), &callback).await;
    let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
    loop {
        let browser = Browser::new();
        let page = browser.open(&app.authorize_url("openid email", &[])).await;
        let page = browser
            .submit(&page.form("/login"), &[("username", username), ("password", ADA.1)])
            .await;
        let page = agree(&browser, page).await;
        if page.left_for.is_some() {
            let (status, tokens) = app.redeem(&page.answer()["code"]).await;
            assert_eq!(status, 200, "{tokens}");
            let token = tokens["id_token"].as_str().expect("an ID token");
            verified(token, &app.jwks().await, "default.demo");
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{username}: {}", page.body);
    }
}

#[test]
fn every_example_passes_the_check() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for entry in fs::read_dir(examples).expect("a folder") {
        let folder = entry.expect("an entry").path();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lanyard"));
        let output = command.arg("check").arg(&folder).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains(" 0 problems"), "{folder:?}: {text}");
        count += 1;
    }
    assert!(count >= 3, "{count} examples");
}

#[test]
fn a_folder_without_manifests_does_not_pass_the_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lanyard"));
    let output = command.arg("check").arg(folder.path()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && text.contains("is it the right folder?"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_example_accepts_a_client_with_its_token() {
    let dev = Dev::start(Path::new("examples/registration"));
    dev.awaits("Open  ").await;
    let url = format!("{}/team-a/partners/oauth/register", dev.base_url);
    let register = |host: &str| {
        let client = serde_json::json!({"redirect_uris": [format!("https://{host}/cb")]});
        reqwest::Client::new().post(&url).json(&client)
    };
    let host = "shop.partners.example.com";
    let answer = register(host).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 401, "not without the token");
    let token = "an-example-token-to-be-replaced";
    let answer = register("elsewhere.example").bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 400, "not for a host that the tenant does not list");
    let answer = register(host).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 201, "{:?}", answer.text().await);
}

/// The tenant of the providers, with an application.
const PROVIDERS_TENANT: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: page}
spec: {tenantRef: {name: main}, redirectUris: ['https://rp.test/cb'], tokenEndpointAuthMethod: none}
";

fn dev_provider(name: &str, issuer: &str) -> String {
    format!(
        "---
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {{name: {name}}}
spec:
  tenantRef: {{name: main}}
  type: OIDC
  oidc: {{issuer: '{issuer}', clientId: lanyard}}
  claimMappings:
    email: {{claim: ''}}
    username: {{claim: preferred_username, prefix: '{name}:'}}
    groups: {{claim: groups, prefix: '{name}:'}}
  admit: Everyone
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_is_shown_as_in_a_cluster() {
    let (upstream, port, admin) = (Upstream::start().await, free_port(), free_port());
    let live = dev_provider("live", &upstream.issuer);
    let dead = dev_provider("dead", &format!("http://127.0.0.1:{port}"));
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("main.yaml"), format!("{PROVIDERS_TENANT}{live}{dead}"))
        .expect("written");
    let listen = format!("--admin-listen=127.0.0.1:{admin}");
    let dev = Dev::start_with(folder.path(), &[&listen]);
    let log = dev.awaits("the identity provider cannot be reached").await;
    assert!(log.contains("Unreachable"), "{log}");
    dev.awaits("Open  ").await;

    let value = |provider: &str, value: u8| {
        format!(
            "lanyard_identity_provider_reachable{{tenant=\"default/main\",provider=\"{provider}\"}} {value}\n"
        )
    };
    let mut metrics = String::new();
    for _ in 0..600 {
        let answer = reqwest::get(format!("http://127.0.0.1:{admin}/metrics")).await;
        metrics = answer.expect("an answer").text().await.expect("text");
        if metrics.contains(&value("live", 1)) && metrics.contains(&value("dead", 0)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        metrics.contains(&value("live", 1)) && metrics.contains(&value("dead", 0)),
        "{metrics}"
    );
    let issuer = format!("{}/default/main", dev.base_url);
    let app = Application::discover(&issuer, "default.page", None, "https://rp.test/cb").await;
    let page = Browser::new().open(&app.authorize_url("openid", &[])).await;
    assert!(page.body.contains("Continue with dead <small>(does not answer"), "{}", page.body);
    assert!(page.body.contains("Continue with live</a>"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_chooses_a_password_by_the_link_that_is_printed() {
    const INVITED: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main}
spec: {authenticators: {passwords: Optional}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: grace}
spec:
  tenantRef: {name: main}
  username: grace
  invitation: {id: one, notAfter: "2999-01-01T00:00:00Z"}
"#;
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("all.yaml"), INVITED).expect("written");
    let mut dev = Dev::start(folder.path());
    let banner = dev.awaits("Open  ").await;
    let link = banner.split("invitation: ").nth(1).unwrap_or_else(|| panic!("{banner}"));
    let link = link.lines().next().expect("a line").to_owned();
    let secret = dev.secret_file("grace-invitation");
    assert!(secret.exists());
    let browser = Browser::new();
    let password = "lantern gravel trombone";
    let page = browser.open(&link).await;
    let chosen = [("new_password", password), ("new_password_again", password)];
    let page = browser.submit(&page.form("/invitation"), &chosen).await;
    assert!(page.body.contains("Your account"), "{}", page.body);
    dev.awaits("deleted Secret").await;
    assert!(!secret.exists(), "the link was used");

    dev.restart();
    dev.awaits("Open  ").await;
    let account = page.url.to_string();
    let again = Browser::new();
    let page = again.open(&account).await;
    let fields = [("username", "grace"), ("password", password)];
    let page = again.submit(&page.form("/login"), &fields).await;
    assert!(page.body.contains("Your account"), "the store kept it: {}", page.body);
}
