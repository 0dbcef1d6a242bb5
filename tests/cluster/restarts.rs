//! Kills of a server with the embedded store: no acknowledged write is lost, and redeemed codes stay
//! invalid. `LANYARD_KILLS` sets how often a server under load is killed (12).

use std::{
    env,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use lanyard::model::{Entropy as _, SystemEntropy};

use crate::{
    load::{Counts, answered, suppress_reports_of_counted_cuts, text},
    support::{
        browser::{Application, Browser},
        dev::Dev,
        turns,
    },
};

const ADA: (&str, &str) = ("ada", "correct horse battery staple");
const SCOPE: &str = "openid email offline_access";

async fn demo(dev: &Dev) -> Application {
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let callback = format!("{}/_lanyard/demo/callback", dev.registered_base_url);
    let secret = dev.client_secret("demo");
    Application::discover(&issuer, "default.demo", Some(&secret), &callback).await
}

async fn refresh(app: &Application, token: &str) -> (u16, serde_json::Value) {
    app.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_refresh_tokens_and_redeemed_codes_survive_a_kill() {
    let _turn = turns::of("restarts");
    let mut dev = Dev::start(Path::new("examples/quickstart"));
    dev.awaits("Open  ").await;
    let (app, browser) = (demo(&dev).await, Browser::new());
    let code = app.sign_in(&browser, &app.authorize_url(SCOPE, &[]), ADA).await["code"].clone();
    let (status, tokens) = app.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    let kept =
        app.sign_in(&Browser::new(), &app.authorize_url(SCOPE, &[]), ADA).await["code"].clone();
    let (_, other) = app.redeem(&kept).await;

    dev.restart();
    dev.awaits("Open  ").await;

    let page = browser.open(&app.authorize_url(SCOPE, &[("prompt", "none")])).await;
    assert!(page.answer().contains_key("code"), "the session is lost: {:?}", page.left_for);
    let token = other["refresh_token"].as_str().expect("a refresh token");
    let (status, renewed) = refresh(&app, token).await;
    assert_eq!(status, 200, "{renewed}");
    let (status, answer) = app.userinfo(other["access_token"].as_str().expect("a token")).await;
    assert_eq!(status, 200, "{answer}");

    let (status, refused) = app.redeem(&code).await;
    assert_eq!((status, refused["error"].as_str()), (400, Some("invalid_grant")), "{refused}");
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    let (status, refused) = refresh(&app, token).await;
    assert_eq!(status, 400, "a code that is sent twice revokes its grant: {refused}");
}

/// Acknowledged sessions, refresh tokens and redeemed codes.
#[derive(Default)]
struct Held {
    sessions: Vec<Browser>,
    tokens: Vec<String>,
    spent: Vec<String>,
}

impl Held {
    async fn is_good(&self, app: &Application) {
        for browser in &self.sessions {
            let page = browser.open(&app.authorize_url(SCOPE, &[("prompt", "none")])).await;
            assert!(page.answer().contains_key("code"), "a session is lost: {:?}", page.left_for);
        }
        for token in &self.tokens {
            let (status, answer) = refresh(app, token).await;
            assert_eq!(status, 200, "{answer}");
        }
        for code in &self.spent {
            let (status, answer) = app.redeem(code).await;
            assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()), "{answer}");
        }
    }
}

/// Signs in, redeems, and refreshes every other grant, until the server is killed.
async fn work(app: Application, (killed, done): (Arc<AtomicBool>, Arc<AtomicUsize>)) -> Held {
    let (mut held, counts) = (Held::default(), Counts::default());
    while !killed.load(Ordering::SeqCst) {
        let (browser, url) = (Browser::new(), app.authorize_url(SCOPE, &[]));
        let Some(answer) = answered(&counts, app.sign_in(&browser, &url, ADA)).await else { break };
        held.sessions.push(browser);
        let code = &answer["code"];
        let Some((status, tokens)) = answered(&counts, app.redeem(code)).await else { break };
        assert_eq!(status, 200, "{tokens}");
        done.fetch_add(1, Ordering::SeqCst);
        if held.sessions.len() % 2 == 0 {
            held.spent.push(code.clone());
            continue;
        }
        held.tokens.push(text(&tokens, "refresh_token").to_owned());
        for _ in 0..4 {
            let token = held.tokens.last_mut().expect("pushed");
            let Some(next) = answered(&counts, refresh(&app, token)).await else { break };
            assert_eq!(next.0, 200, "{}", next.1);
            text(&next.1, "refresh_token").clone_into(token);
        }
    }
    held
}

/// Kills the whole server; `kills` does the same to the store alone.
#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_lose_no_acknowledged_write() {
    let _turn = turns::of("restarts");
    let kills: usize = env::var("LANYARD_KILLS").map_or(12, |text| text.parse().expect("a number"));
    suppress_reports_of_counted_cuts();
    let mut dev = Dev::start(Path::new("examples/quickstart"));
    dev.awaits("Open  ").await;
    let app = demo(&dev).await;
    let mut seen = [0; 3];
    for _ in 0..kills {
        let (killed, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let shared = || (Arc::clone(&killed), Arc::clone(&done));
        let workers: Vec<_> = (0..4).map(|_| tokio::spawn(work(app.clone(), shared()))).collect();
        // By then one of the four has signed in twice, even on a slow machine.
        let working = async {
            while done.load(Ordering::SeqCst) < 8 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(2), working).await.expect("people sign in");
        let mut random = [0];
        SystemEntropy::new().fill(&mut random);
        tokio::time::sleep(Duration::from_millis(100 + 3 * u64::from(random[0]))).await;
        tokio::task::block_in_place(|| dev.restart());
        killed.store(true, Ordering::SeqCst);
        dev.awaits("Open  ").await;
        for worker in workers {
            let held = worker.await.expect("whatever was answered was right");
            held.is_good(&app).await;
            let counts = [held.sessions.len(), held.tokens.len(), held.spent.len()];
            seen = [0, 1, 2].map(|at| seen[at] + counts[at]);
        }
    }
    println!("{kills} kills: {seen:?} sessions, refresh tokens, spent codes");
    assert!(seen.iter().all(|count| *count > kills / 4), "hardly anything was done: {seen:?}");
}

/// The error of `lanyard dev` for a store file that it cannot use.
fn refused(store: &Path) -> String {
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args(["dev", "examples/quickstart", "--listen", "127.0.0.1:1"])
        .args(["--store-path", &store.display().to_string()])
        .args(["--state", &tempfile::tempdir().expect("a folder").path().display().to_string()])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success(), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_state_is_refused() {
    let _turn = turns::of("restarts");
    let dev = Dev::start(Path::new("examples/quickstart"));
    dev.awaits("Open  ").await;
    let said = refused(&dev.state_file("store.redb"));
    assert!(said.contains("is in use by another process"), "{said}");
}

#[test]
fn a_file_that_is_not_a_store_is_refused_and_left_unchanged() {
    let _turn = turns::of("restarts");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.redb");
    let something = b"something else ".repeat(1000);
    std::fs::write(&path, &something).expect("written");
    let said = refused(&path);
    assert!(said.contains("is damaged or is not a Lanyard store"), "{said}");
    assert!(said.contains("restore it from a backup"), "it names the remedy: {said}");
    assert_eq!(std::fs::read(&path).expect("it is there"), something);
}
