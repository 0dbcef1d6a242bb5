//! Fail-over from a primary database to its standby behind the same address: writes fail for a
//! while, no acknowledged write is lost, and no code is redeemed twice.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::support::{
    browser::{Application, Browser},
    cluster::{Database, Proxy},
    dev::Dev,
    stalls::Stopwatch,
    turns,
};

const ADA: (&str, &str) = ("ada", "correct horse battery staple");
const SCOPE: &str = "openid offline_access";
/// Timeout for noticing the fail-over and reconnecting, generous for loaded machines.
const SOON: Duration = Duration::from_mins(2);
/// The store's timeout of 4 s, plus the delays of two loaded cores.
const BOUND: Duration = Duration::from_secs(10);

/// A server whose database is behind a proxy, and a user who has signed in.
struct World {
    primary: Database,
    standby: Database,
    proxy: Proxy,
    app: Application,
    browser: Browser,
    tokens: Value,
    spent: String,
    _dev: Dev,
}

impl World {
    async fn start() -> Self {
        let primary = Database::start();
        let standby = primary.standby();
        let proxy = Proxy::to(primary.address());
        let url = format!("postgres://lanyard@127.0.0.1:{}/postgres", proxy.port);
        let flags = ["--store", "postgres", "--postgres-url", &url];
        let dev = Dev::start_with(Path::new("examples/quickstart"), &flags);
        dev.awaits("the database was migrated").await;
        dev.awaits("Open  ").await;
        let issuer = format!("{}/default/quickstart", dev.base_url);
        let callback = format!("{}/_lanyard/demo/callback", dev.base_url);
        let secret = dev.client_secret("demo");
        let app = Application::discover(&issuer, "default.demo", Some(&secret), &callback).await;
        let browser = Browser::new();
        let url = app.authorize_url(SCOPE, &[]);
        let spent = app.sign_in(&browser, &url, ADA).await["code"].clone();
        let (status, tokens) = app.redeem(&spent).await;
        assert_eq!(status, 200, "{tokens}");
        Self { primary, standby, proxy, app, browser, tokens, spent, _dev: dev }
    }

    /// A code that has not been redeemed.
    async fn code(&self) -> String {
        let page = self.browser.open(&self.app.authorize_url(SCOPE, &[("prompt", "none")])).await;
        page.answer().remove("code").unwrap_or_else(|| panic!("signed out: {:?}", page.left_for))
    }

    async fn refresh(&self) -> reqwest::Response {
        let token = self.tokens["refresh_token"].as_str().expect("a refresh token");
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.app.post("token_endpoint", &form).await
    }

    async fn userinfo(&self) -> u16 {
        self.app.userinfo(self.tokens["access_token"].as_str().expect("a token")).await.0
    }

    /// A refresh fails in bounded time with 503 and `Retry-After`.
    async fn refuses_to_write(&self) {
        let asked = Stopwatch::start();
        let answer = self.refresh().await;
        assert_eq!(answer.status().as_u16(), 503);
        assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
        let took = asked.elapsed();
        assert!(took < BOUND, "{took:?}, less {:?}", asked.stalled());
    }

    /// The server recovers without a restart, and the user is still signed in.
    async fn recovers(&self) {
        let start = Instant::now();
        loop {
            let answer = self.refresh().await;
            if answer.status().as_u16() == 200 {
                break;
            }
            let said = (answer.status(), answer.text().await);
            assert!(said.0.as_u16() == 503 && start.elapsed() < SOON, "{said:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!("well {:?} after the standby was the primary", start.elapsed());
        assert_eq!(self.userinfo().await, 200);
        let (status, _) = self.app.redeem(&self.code().await).await;
        assert_eq!(status, 200, "the session is there");
        let (status, refused) = self.app.redeem(&self.spent).await;
        assert_eq!(
            (status, &refused["error"]),
            (400, &"invalid_grant".into()),
            "redeemed before the fail-over"
        );
    }
}

/// Redeems each code with two concurrent requests, again after a 503, and asserts that at most one
/// succeeds. The second half of the codes waits until the primary has stopped. Returns how many succeeded.
async fn redeem_all(app: Application, codes: Vec<String>, stopped: oneshot::Receiver<()>) -> usize {
    let (half, mut stopped, mut succeeded) = (codes.len() / 2, Some(stopped), 0);
    for (n, code) in codes.into_iter().enumerate() {
        if n == half {
            stopped.take().expect("once").await.expect("it stops");
        }
        let mut given = 0;
        loop {
            let answers = join_all([app.redeem(&code), app.redeem(&code)]).await;
            given += answers.iter().filter(|(status, _)| *status == 200).count();
            if answers.iter().all(|(status, _)| *status != 503) {
                break;
            }
        }
        assert!(given <= 1, "a code gave tokens {given} times");
        succeeded += given;
    }
    succeeded
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_has_every_acknowledged_write() {
    let _turn = turns::of("failover");
    let mut world = World::start().await;
    let mut codes = Vec::new();
    for _ in 0..40 {
        codes.push(world.code().await);
    }
    let (app, of_all) = (world.app.clone(), codes.len());
    let (tell, stopped) = oneshot::channel();
    let redeeming = tokio::spawn(redeem_all(app, codes, stopped));
    world.proxy.lead_to(world.standby.address());
    tokio::task::block_in_place(|| world.primary.stop());
    tell.send(()).expect("codes are left");
    // Reads succeed as soon as there are connections to the standby.
    let start = Instant::now();
    while world.userinfo().await != 200 {
        assert!(start.elapsed() < SOON, "the standby can be read");
    }
    for _ in 0..3 {
        world.refuses_to_write().await;
        assert_eq!(world.userinfo().await, 200);
    }
    assert!(!redeeming.is_finished(), "codes are still redeemed during the fail-over");
    tokio::task::block_in_place(|| world.standby.promote());
    world.recovers().await;
    let succeeded = redeeming.await.expect("none succeeded twice");
    println!("{succeeded} of {of_all} codes gave tokens, each once");
    assert!(succeeded > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_a_primary_that_became_read_only_are_closed() {
    let _turn = turns::of("failover");
    let world = World::start().await;
    // The old primary keeps running, and so do the connections to it.
    tokio::task::block_in_place(|| {
        world.primary.set("default_transaction_read_only", "on");
    });
    world.refuses_to_write().await;
    tokio::task::block_in_place(|| world.standby.promote());
    world.proxy.lead_to(world.standby.address());
    world.recovers().await;
}
