//! Continuous load by users and applications. A rejected request fails the test. A connection that
//! was cut before the response is counted, because a killed process cuts some.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::support::{
    browser::{Application, Browser, verified},
    stalls::Stopwatch,
};

/// The scope of every sign-in.
pub const SCOPE: &str = "openid profile offline_access";
/// Pause of each task between two requests, and after a lost connection.
const REQUEST_PAUSE: Duration = Duration::from_millis(50);
/// Timeout of every wait, generous because test machines may be slow.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);
/// The panic message of `Browser` and `Application` when there is no response.
const NO_ANSWER: &str = "an answer: reqwest::Error";

/// An OidcUser with the password of `alice`.
macro_rules! user {
    ($name:literal) => {
        concat!(
            "---\napiVersion: lanyard.dev/v1alpha1\nkind: OidcUser\nmetadata: {name: ",
            $name,
            ", namespace: team}\nspec: {tenantRef: {name: main}, username: ",
            $name,
            ", passwordSecretRef: {name: alice}}\n",
        )
    };
}

/// Number of users `bob-N`. The tasks that sign in take turns with them: a user's oldest sessions and grants end when
/// there are more than fifty. The clock of one replica may be half a minute ahead, so that all new sessions of the others
/// would be the oldest.
const USERS: usize = 16;

/// A tenant in namespace `team` whose keys rotate all the time, with its clients and users.
pub const OBJECTS: &str = concat!(
    r#"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {signing: {rotation: {interval: 5s, publishAhead: 2s, retain: 60s}}}
---
apiVersion: v1
kind: Secret
metadata: {name: alice, namespace: team}
stringData: {password: a nanosecond is 30 cm}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: alice, namespace: team}
spec: {tenantRef: {name: main}, username: alice, passwordSecretRef: {name: alice}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: app, namespace: team}
spec:
  tenantRef: {name: main}
  consent: Implied
  redirectUris: ["https://app.test/cb"]
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, profile, offline_access]
  tokenEndpointAuthMethod: none
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: robot, namespace: team}
spec: {tenantRef: {name: main}, grantTypes: [client_credentials], scopes: [profile]}
"#,
    user!("bob-0"),
    user!("bob-1"),
    user!("bob-2"),
    user!("bob-3"),
    user!("bob-4"),
    user!("bob-5"),
    user!("bob-6"),
    user!("bob-7"),
    user!("bob-8"),
    user!("bob-9"),
    user!("bob-10"),
    user!("bob-11"),
    user!("bob-12"),
    user!("bob-13"),
    user!("bob-14"),
    user!("bob-15"),
);

/// Waits until the objects are Ready; `kubectl` runs it with these arguments.
pub fn await_objects(kubectl: impl Fn(&[&str]) -> String) {
    for objects in [
        &["tenants.lanyard.dev/main", "oidcclient/app", "oidcclient/robot"][..],
        &["oidcuser", "--all"],
    ] {
        let wait = ["-n", "team", "wait", "--for=condition=Ready", "--timeout=120s"];
        kubectl(&[&wait[..], objects].concat());
    }
}

/// A load that runs until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    tasks: Vec<JoinHandle<()>>,
}

/// The requests that were sent.
#[derive(Default)]
pub struct Counts {
    /// Complete sign-ins, including userinfo and a first refresh.
    pub sign_ins: AtomicUsize,
    /// Refreshes of the grants that last as long as the load.
    pub refreshes: AtomicUsize,
    /// The errors of connections that ended without a response.
    cut: Mutex<Vec<String>>,
}

impl Counts {
    /// The errors of connections that ended without a response, in chronological order.
    pub fn cut(&self) -> Vec<String> {
        self.cut.lock().expect("not poisoned").clone()
    }
}

/// A string member of a JSON response.
pub fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

/// Signs in; returns the browser and the tokens.
pub async fn sign_in(app: &Application) -> (Browser, Value) {
    sign_in_as(app, "alice").await
}

/// Signs in one of the users.
async fn sign_in_as(app: &Application, username: &str) -> (Browser, Value) {
    let browser = Browser::new();
    let url = app.authorize_url(SCOPE, &[]);
    let answer = app.sign_in(&browser, &url, (username, "a nanosecond is 30 cm")).await;
    let code = answer.get("code").unwrap_or_else(|| panic!("no code: {answer:?}"));
    let (status, tokens) = app.redeem(code).await;
    assert_eq!(status, 200, "{tokens}");
    (browser, tokens)
}

/// Waits until every replica behind an address serves the objects, because the leader reports Ready
/// before the others serve them. Twice as many consecutive checks as replicas have to succeed.
pub async fn everywhere(replicas: usize, finds: impl AsyncFn() -> Result<(), String>) {
    let (mut row, start) = (0, Instant::now());
    while row < 2 * replicas {
        match finds().await {
            Ok(()) => row += 1,
            Err(last) => {
                assert!(start.elapsed() < WAIT_TIMEOUT, "not served everywhere: {last}");
                row = 0;
                tokio::time::sleep(REQUEST_PAUSE).await;
            }
        }
    }
}

/// Whether an issuer knows both clients, on a new connection.
pub async fn knows_clients(issuer: &str, robot_secret: &str) -> Result<(), String> {
    let good = async |request: reqwest::RequestBuilder| {
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let (status, url) = (answer.status().as_u16(), answer.url().clone());
        if status == 200 { Ok(()) } else { Err(format!("{url}: {status}")) }
    };
    let client = reqwest::Client::new();
    good(client.get(format!("{issuer}/.well-known/openid-configuration"))).await?;
    let query = "client_id=team.app&redirect_uri=https%3A%2F%2Fapp.test%2Fcb&response_type=code&\
                 scope=openid&code_challenge_method=S256&\
                 code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    good(client.get(format!("{issuer}/oauth/authorize?{query}"))).await?;
    let request = client.post(format!("{issuer}/oauth/token"));
    let request = request.basic_auth("team.robot", Some(robot_secret));
    good(request.form(&[("grant_type", "client_credentials")])).await
}

/// One use of a refresh token.
pub async fn refresh(app: &Application, token: &str) -> (u16, Value) {
    app.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

impl Load {
    /// Starts two tasks that sign in repeatedly and two that refresh a grant repeatedly.
    pub async fn start(discover: impl AsyncFn() -> Application) -> Self {
        suppress_reports_of_counted_cuts();
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let mut tasks = Vec::new();
        for half in 0..2 {
            let app = discover().await;
            let (stop, counts) = (Arc::clone(&stop), Arc::clone(&counts));
            let mut users = (0..USERS).filter(move |number| number % 2 == half).cycle();
            tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let username = format!("bob-{}", users.next().expect("a cycle"));
                    // A sign-in that was cut starts over, because its code may have been redeemed.
                    if answered(&counts, person(&app, &username)).await.is_some() {
                        counts.sign_ins.fetch_add(1, Ordering::SeqCst);
                    }
                    tokio::time::sleep(2 * REQUEST_PAUSE).await;
                }
            }));
        }
        for _ in 0..2 {
            let app = discover().await;
            let mut token = text(&sign_in(&app).await.1, "refresh_token").to_owned();
            let (stop, counts) = (Arc::clone(&stop), Arc::clone(&counts));
            tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    // A refresh that was cut is sent again, as applications do.
                    if let Some(next) = answered(&counts, application(&app, &token)).await {
                        token = next;
                        counts.refreshes.fetch_add(1, Ordering::SeqCst);
                    }
                    tokio::time::sleep(REQUEST_PAUSE).await;
                }
            }));
        }
        Self { stop, counts, tasks }
    }

    /// The requests so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Stops the load; panics if a request was rejected.
    pub async fn stop(self) -> Arc<Counts> {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.expect("no request failed");
        }
        self.counts
    }
}

/// The maximum number of connections that a kill cuts until it is noticed. Each of the four tasks has
/// one request at a time, pauses after a cut, and may have one in flight when the dead replica is removed.
pub fn most_cut(noticed: Duration) -> usize {
    let rests = noticed.as_millis() / REQUEST_PAUSE.as_millis();
    4 * (usize::try_from(rests).expect("few") + 2)
}

/// The message of a panic that was caused by a cut connection.
fn cut_message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref().map(String::as_str).filter(|said| said.starts_with(NO_ANSWER))
}

tokio::task_local! {
    /// Set while cut connections are counted.
    static COUNTED: ();
}

/// Suppresses the panic report of a cut connection that is counted. Any other panic is reported.
pub fn suppress_reports_of_counted_cuts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let counted = COUNTED.try_with(|()| ()).is_ok();
            if !counted || cut_message(panic.payload()).is_none() {
                report(panic);
            }
        }));
    });
}

/// Whether a panic was caused by a response that the store is unavailable, after the machine stalled
/// for longer than the store's timeout. Without a stall such a response is a failure.
fn is_caused_by_stall(panic: &(dyn Any + Send), since: Stopwatch) -> bool {
    let said = panic.downcast_ref::<String>().map_or("", String::as_str);
    let away = ["left: 503", "provider: 503", "temporarily_unavailable"]
        .iter()
        .any(|it| said.contains(it));
    away && since.stalled() > Duration::from_secs(2)
}

/// The result, or `None` if a connection was cut.
pub async fn answered<T>(counts: &Counts, work: impl Future<Output = T>) -> Option<T> {
    let since = Stopwatch::start();
    match AssertUnwindSafe(COUNTED.scope((), work)).catch_unwind().await {
        Ok(done) => Some(done),
        Err(panic) if is_caused_by_stall(&*panic, since) => None,
        Err(panic) => {
            let Some(said) = cut_message(&*panic) else { std::panic::resume_unwind(panic) };
            counts.cut.lock().expect("not poisoned").push(said.to_owned());
            None
        }
    }
}

/// A sign-in, userinfo and a refresh, with both ID tokens verified.
async fn person(app: &Application, username: &str) {
    let (_, tokens) = sign_in_as(app, username).await;
    verified(text(&tokens, "id_token"), &app.jwks().await, &app.client_id);
    assert_eq!(app.userinfo(text(&tokens, "access_token")).await.0, 200);
    let (status, again) = refresh(app, text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200, "{again}");
    verified(text(&again, "id_token"), &app.jwks().await, &app.client_id);
}

/// A refresh, userinfo and discovery; returns the next refresh token.
async fn application(app: &Application, token: &str) -> String {
    let (status, tokens) = refresh(app, token).await;
    assert_eq!(status, 200, "{tokens}");
    let next = text(&tokens, "refresh_token").to_owned();
    assert_eq!(app.userinfo(text(&tokens, "access_token")).await.0, 200);
    let issuer = text(&app.metadata, "issuer");
    Application::discover(issuer, &app.client_id, None, &app.redirect_uri).await;
    next
}
