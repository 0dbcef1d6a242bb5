//! Restores a lost cluster and its store with the commands of `docs/backup.md`, exactly as written.
//! Subjects, consents and authenticators are still there, and redeemed codes and rotated refresh tokens
//! remain invalid.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use lanyard::model::{Clock as _, FixedClock, SystemClock};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use super::{
    NAMESPACE, SOON,
    browser::{Application, Browser, verified},
    cluster::{
        ApiServer, Database, LoadBalancer, Replica, eventually, install_chart, postgresql, testenv,
    },
    load::{OBJECTS, SCOPE, everywhere, knows_clients, refresh, sign_in, text},
    shared_store::client_secret,
    turns,
};
use crate::support::{
    authenticator::{AuthenticatorApp, asks_for_code, enter, recover, set_up_app},
    browser::{Page, agree, claims},
    upstream::Upstream,
};

const PAGE: &str = include_str!("../../../docs/backup.md");
/// Lifetime of a code, shorter than the default so that the test need not wait a minute.
const CODE: Duration = Duration::from_secs(20);

/// The storage of the records.
enum Records {
    Postgres(Database),
    Embedded(TempDir),
}

/// An installation, lost together with its store when the value is dropped.
struct Site {
    api: ApiServer,
    replicas: Vec<Replica>,
    records: Records,
}

/// People of an identity provider, and an application that asks for their consent.
pub(super) const PEOPLE: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: corp, namespace: team}
spec:
  tenantRef: {name: main}
  type: OIDC
  oidc: {issuer: "UPSTREAM", clientId: lanyard}
  identityKey: https://corp.test
  emailDomains: [acme.test]
  claimMappings:
    username: {claim: preferred_username, prefix: "corp:"}
    groups: {claim: groups, prefix: "corp:"}
  admit: Everyone
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: wall, namespace: team}
spec:
  tenantRef: {name: main}
  redirectUris: ["https://wall.test/cb"]
  tokenEndpointAuthMethod: none
"#;

/// The password of Alice.
const PASSWORD: &str = "a nanosecond is 30 cm";

/// The session, tokens and secrets that a user and applications hold.
struct Held {
    app: Application,
    robot: Application,
    robot_secret: String,
    browser: Browser,
    tokens: Value,
    /// A code that was redeemed before the backup, and its tokens.
    spent: (String, Value),
    /// A refresh token that is used after the backup.
    rotated: String,
    /// A person of the provider, who has agreed to `wall` and is signed in.
    person: ProviderSignIn,
    /// The authenticator app of Bob.
    authenticator: AuthenticatorApp,
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_backup_page_restore_everything_with_postgres() {
    let _turn = turns::of("replicas");
    nothing_is_lost(|| Records::Postgres(Database::start())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_backup_page_restore_everything_with_a_file() {
    let _turn = turns::of("replicas");
    nothing_is_lost(|| Records::Embedded(tempfile::tempdir().expect("a folder"))).await;
}

async fn nothing_is_lost(records: fn() -> Records) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (service, kept) = (LoadBalancer::start(), tempfile::tempdir().expect("a folder"));
    let upstream = Upstream::start().await;
    let people = PEOPLE.replace("UPSTREAM", &upstream.issuer);
    let mut site = blocking(|| Site::install(&service, records(), &people));
    let held = Held::gather(&site, &service, &upstream).await;
    blocking(|| site.back_up(kept.path(), &service));
    let (status, newer) = refresh(&held.app, &held.rotated).await;
    assert_eq!(status, 200, "{newer}");
    let (late, _) = spent(&held.app).await;
    let redeemed = Instant::now();
    drop(site);
    let site = blocking(|| Site::restore(&service, records(), kept.path()));
    held.is_served(&site).await;
    held.sessions_and_grants_have_ended().await;
    held.people_of_the_provider_are_the_same(&upstream).await;
    held.the_authenticator_is_still_required().await;
    blocking(|| client_secrets_stay(&site, &held.robot_secret));
    for token in [text(&newer, "refresh_token"), &held.rotated] {
        assert_eq!(refresh(&held.app, token).await.0, 400);
    }
    // The restored store does not know that the code was redeemed, but the code has expired.
    tokio::time::sleep_until((redeemed + CODE).into()).await;
    is_refused(&held.app, &late).await;
}

pub(super) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// A redeemed code and its tokens.
async fn spent(app: &Application) -> (String, Value) {
    let who = ("alice", PASSWORD);
    let code =
        app.sign_in(&Browser::new(), &app.authorize_url(SCOPE, &[]), who).await["code"].clone();
    let (status, tokens) = app.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    (code, tokens)
}

async fn is_refused(app: &Application, code: &str) {
    let (status, answer) = app.redeem(code).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
}

/// A sign-in at the provider, to `wall`.
pub(super) struct ProviderSignIn {
    app: Application,
    browser: Browser,
    pub(super) subject: String,
    /// Whether the consent page was shown.
    asks_for_consent: bool,
}

/// Signs in at the provider.
pub(super) async fn sign_in_at_provider(
    issuer: &str,
    upstream: &Upstream,
) -> Result<ProviderSignIn, String> {
    let app = Application::discover(issuer, "team.wall", None, "https://wall.test/cb").await;
    let browser = Browser::new();
    let page = browser.open(&app.authorize_url("openid", &[("identity_provider", "corp")])).await;
    let Some(url) = page.left_for else {
        return Err(format!("not led to the provider: {} {}", page.status, page.body));
    };
    let asked: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    upstream.nonce.lock().expect("whole").clone_from(&asked["nonce"]);
    let answer = [("code", "a-code"), ("state", asked["state"].as_str())];
    let url = Url::parse_with_params(&asked["redirect_uri"], answer).expect("a URL");
    let page = browser.open(url.as_str()).await;
    let asks_for_consent = page.body.contains("/consent\"");
    let page = agree(&browser, page).await;
    let (status, tokens) = app.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let subject = text(&claims(text(&tokens, "id_token")), "sub").to_owned();
    Ok(ProviderSignIn { app, browser, subject, asks_for_consent })
}

impl Held {
    async fn gather(site: &Site, service: &LoadBalancer, upstream: &Upstream) -> Self {
        let issuer = format!("http://localhost:{}/team/main", service.port);
        let application = async |client: &str, secret: Option<&str>| {
            Application::discover(&issuer, client, secret, "https://app.test/cb").await
        };
        let robot_secret = client_secret(&site.api, "robot");
        let knows = async || knows_clients(&issuer, &robot_secret).await;
        everywhere(site.replicas.len(), knows).await;
        let app = application("team.app", None).await;
        let robot = application("team.robot", Some(&robot_secret)).await;
        let (browser, tokens) = sign_in(&app).await;
        let spent = spent(&app).await;
        let rotated = text(&sign_in(&app).await.1, "refresh_token").to_owned();
        let signs_in = async || sign_in_at_provider(&issuer, upstream).await.map(drop);
        everywhere(site.replicas.len(), signs_in).await;
        let person = sign_in_at_provider(&issuer, upstream).await.expect("a sign-in");
        assert!(!person.asks_for_consent, "the consent was given before");
        let authenticator = set_up_authenticator(&app).await;
        Self { app, robot, robot_secret, browser, tokens, spent, rotated, person, authenticator }
    }

    /// Waits until every replica serves the objects, so that Alice can sign in.
    async fn is_served(&self, site: &Site) {
        let issuer = text(&self.app.metadata, "issuer");
        everywhere(site.replicas.len(), async || {
            knows_clients(issuer, &self.robot_secret).await?;
            let app = Application::discover(issuer, "team.app", None, "https://app.test/cb").await;
            let browser = Browser::new();
            let page = browser.open(&app.authorize_url(SCOPE, &[])).await;
            let fields = [("username", "alice"), ("password", PASSWORD)];
            let page = browser.submit(&page.form("/login"), &fields).await;
            match page.status {
                422 | 429 => Err(format!("Alice cannot sign in: {}", page.status)),
                _ => Ok(()),
            }
        })
        .await;
    }

    /// Keys and secrets are those from before. The users of the new cluster are other objects, so
    /// their sessions and grants have ended.
    async fn sessions_and_grants_have_ended(&self) {
        let url = self.app.authorize_url(SCOPE, &[("prompt", "none")]);
        let answer = self.browser.open(&url).await.answer();
        assert_eq!(answer.get("error").map(String::as_str), Some("login_required"), "{answer:?}");
        verified(text(&self.tokens, "id_token"), &self.app.jwks().await, &self.app.client_id);
        assert_eq!(self.app.userinfo(text(&self.tokens, "access_token")).await.0, 401);
        assert_eq!(refresh(&self.app, text(&self.tokens, "refresh_token")).await.0, 400);
        let (_, tokens) = sign_in(&self.app).await;
        assert_eq!(refresh(&self.app, text(&tokens, "refresh_token")).await.0, 200);
        let (status, token) = self.robot.token(&[("grant_type", "client_credentials")]).await;
        assert_eq!(status, 200, "{token}");
        let (code, gave) = &self.spent;
        is_refused(&self.app, code).await;
        assert_eq!(self.app.userinfo(text(gave, "access_token")).await.0, 401);
    }
}

/// A clock that shows the present time, for the codes of an app.
fn now() -> FixedClock {
    FixedClock::at(SystemClock.now())
}

/// The page after Bob's password, in a new browser.
async fn after_password(url: &str) -> (Browser, Page) {
    let browser = Browser::new();
    let page = browser.open(url).await;
    let fields = [("username", "bob-0"), ("password", PASSWORD)];
    let page = browser.submit(&page.form("/login"), &fields).await;
    (browser, page)
}

/// Sets up an app for Bob.
async fn set_up_authenticator(app: &Application) -> AuthenticatorApp {
    let account = format!("{}/account", text(&app.metadata, "issuer"));
    let (browser, page) = after_password(&account).await;
    assert_eq!(page.status, 200, "{}", page.body);
    set_up_app(&browser, &account, &now()).await
}

impl Held {
    /// The factor was restored with the store and the vault key, and belongs to the user of the new cluster.
    async fn the_authenticator_is_still_required(&self) {
        let url = self.app.authorize_url(SCOPE, &[]);
        let (browser, page) = after_password(&url).await;
        assert!(asks_for_code(&page), "{} {}", page.status, page.body);
        // The next code, which is accepted already: the present one may have set the app up.
        let page = enter(&browser, &page, &self.authenticator.code_off(&now(), 1)).await;
        assert!(page.answer().contains_key("code"), "{}", page.body);
        let (browser, page) = after_password(&url).await;
        let page = recover(&browser, &page, &self.authenticator.codes[0]).await;
        assert!(page.answer().contains_key("code"), "{}", page.body);
        let (_, page) = after_password(&url).await;
        assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    }
}

impl Held {
    /// Subjects come from the provider's object, and the records of people from the store.
    async fn people_of_the_provider_are_the_same(&self, upstream: &Upstream) {
        let issuer = text(&self.app.metadata, "issuer");
        let ProviderSignIn { app, browser, subject, .. } = &self.person;
        let url = app.authorize_url("openid", &[("prompt", "none")]);
        let answer = browser.open(&url).await.answer();
        assert_eq!(answer.get("error").map(String::as_str), Some("login_required"), "{answer:?}");
        let found = sign_in_at_provider(issuer, upstream).await.expect("a sign-in");
        assert_eq!(&found.subject, subject);
        assert!(!found.asks_for_consent, "the consent is still there");
    }
}

/// The Secret survives garbage collection because Lanyard updates its owner reference.
fn client_secrets_stay(site: &Site, before: &str) {
    let of = |object: &str, path: &str| {
        let path = format!("jsonpath={path}");
        site.api.try_kubectl(&["-n", "team", "get", object, "-o", &path])
    };
    eventually(SOON, || {
        let owner = of("secret/robot-oidc", "{.metadata.ownerReferences[0].uid}")?;
        let client = of("oidcclient/robot", "{.metadata.uid}")?;
        if owner == client { Ok(()) } else { Err(format!("{owner} is not {client}")) }
    });
    assert_eq!(client_secret(&site.api, "robot"), before);
}

impl Site {
    fn install(service: &LoadBalancer, records: Records, people: &str) -> Self {
        let api = ApiServer::start();
        for namespace in [NAMESPACE, "team"] {
            api.kubectl(&["create", "namespace", namespace]);
        }
        let mut site = Self { api, replicas: Vec::new(), records };
        install_chart(&site.api, NAMESPACE);
        site.run(service);
        let short = format!(
            "spec: {{authenticators: {{totp: Optional}}, lifetimes: {{code: {}s}}, signing:",
            CODE.as_secs()
        );
        let objects = OBJECTS.replace("spec: {signing:", &short);
        let objects = format!("{objects}---\n{people}");
        eventually(SOON, || site.api.try_apply(&objects));
        for object in [
            "tenants.lanyard.dev/main",
            "oidcclient/app",
            "oidcclient/robot",
            "oidcclient/wall",
            "identityprovider/corp",
        ] {
            let args = ["-n", "team", "wait", "--for=condition=Ready", object, "--timeout=120s"];
            site.api.kubectl(&args);
        }
        site
    }

    /// Starts the replicas that the chart would start.
    fn run(&mut self, service: &LoadBalancer) {
        let (settings, names): (_, &[_]) = match &self.records {
            Records::Postgres(database) => {
                (["postgres".to_owned(), database.url(), String::new()], &["a", "b"])
            }
            Records::Embedded(folder) => {
                let file = folder.path().join("store.redb").display().to_string();
                (["embedded".to_owned(), String::new(), file], &["a"])
            }
        };
        let names_of = ["LANYARD_STORE", "LANYARD_POSTGRES_URL", "LANYARD_STORE_PATH"];
        let settings = names_of.into_iter().zip(settings.iter().map(String::as_str));
        // The provider is a server of the test.
        let settings = settings.chain([("LANYARD_FETCH_ALLOW", "127.0.0.0/8")]);
        let settings: Vec<_> = settings.filter(|(_, value)| !value.is_empty()).collect();
        let authority = format!("localhost:{}", service.port);
        for name in names {
            let replica = Replica::start(&self.api, NAMESPACE, name, &authority, &settings);
            service.add(replica.port, replica.admin);
            self.replicas.push(replica);
        }
        eventually(2 * SOON, || match service.ready() {
            ready if ready == names.len() => Ok(()),
            ready => Err(format!("{ready} are ready")),
        });
    }

    fn back_up(&mut self, kept: &Path, service: &LoadBalancer) {
        let [objects, dump, ..] = commands();
        self.shell(objects, kept);
        match &self.records {
            Records::Postgres(_) => self.shell(dump, kept),
            Records::Embedded(folder) => {
                for mut replica in self.replicas.drain(..) {
                    assert_eq!(replica.process.terminate(SOON), Some(0));
                }
                let file = folder.path().join("store.redb");
                fs::copy(file, kept.join("store.redb")).expect("no process has it");
                self.run(service);
            }
        }
    }

    fn restore(service: &LoadBalancer, records: Records, kept: &Path) -> Self {
        let [.., secrets, load, objects] = commands();
        let mut site = Self { api: ApiServer::start(), replicas: Vec::new(), records };
        site.shell(secrets, kept);
        let own = OBJECTS.split("---").find(|it| it.contains("kind: Secret")).expect("a password");
        site.api.apply(own);
        match &site.records {
            Records::Postgres(_) => site.shell(load, kept),
            Records::Embedded(folder) => {
                let file = folder.path().join("store.redb");
                fs::copy(kept.join("store.redb"), file).expect("the claim is empty");
            }
        }
        install_chart(&site.api, NAMESPACE);
        site.run(service);
        site.shell(objects, kept);
        site
    }

    /// Runs commands of the backup page in a folder.
    fn shell(&self, commands: &str, folder: &Path) {
        let path = std::env::var("PATH").expect("there is one");
        let bin = [testenv().join("bin"), postgresql()].map(|it| it.display().to_string());
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", commands]).current_dir(folder);
        shell.env("PATH", format!("{}:{path}", bin.join(":")));
        shell.env("KUBECONFIG", self.api.kubeconfig()).env("KUBECACHEDIR", self.api.dir());
        if let Records::Postgres(database) = &self.records {
            shell.env("DATABASE_URL", database.url());
        }
        let output = shell.output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{commands}\n{said}");
    }
}

impl Drop for Site {
    /// Kills the replicas without a graceful shutdown, as the loss of a site does.
    fn drop(&mut self) {
        self.replicas.iter_mut().for_each(|replica| replica.process.kill());
    }
}

/// The command blocks of the backup page, in order: back up objects and Secrets, then the database;
/// restore Secrets, the database, then objects.
fn commands() -> [&'static str; 5] {
    let blocks =
        PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().expect("a block"));
    let blocks: Vec<&str> = blocks.collect();
    blocks.try_into().expect("the page has five blocks of commands")
}
