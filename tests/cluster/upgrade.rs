//! An upgrade from the previous release under load: its chart and binary are installed, then those of
//! this tree, one replica after the other. Prints SKIPPED where there is no previous release.
//!
//! `tests/testenv/build.sh previous` builds the previous release: the last tag `v*` before this
//! commit, or the commit that `LANYARD_PREVIOUS` names.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Duration,
};

use crate::{
    load::{
        Load, OBJECTS, SCOPE, await_objects, everywhere, knows_clients, refresh, sign_in, text,
    },
    support::{
        browser::{Application, Browser},
        cluster::{self, ApiServer, Database, LoadBalancer, Replica, eventually},
        turns,
    },
};

const NAMESPACE: &str = "lanyard-system";
const SOON: Duration = Duration::from_mins(2);
const KINDS: &str = "tenants.lanyard.dev,oidcclients.lanyard.dev,oidcusers.lanyard.dev,identityproviders.lanyard.dev,resourceservers.lanyard.dev";

/// The chart and binary of the previous release.
struct PreviousRelease {
    /// The tag or commit of the release.
    name: String,
    chart: PathBuf,
    binary: PathBuf,
}

impl PreviousRelease {
    /// The release that `build.sh previous` built; prints a note if it is missing.
    fn find() -> Option<Self> {
        let folder = cluster::testenv().join("previous");
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
        let release = Self {
            name: read("name").trim().to_owned(),
            chart: folder.join("chart"),
            binary: folder.join("lanyard"),
        };
        if release.binary.exists() {
            return Some(release);
        }
        let reason = read("none");
        let reason =
            if reason.is_empty() { "run tests/testenv/build.sh previous" } else { &reason };
        println!("SKIPPED: upgrade: {}", reason.trim());
        None
    }
}

/// The installation that is upgraded: replicas on one database, behind one address.
struct Installation {
    api: ApiServer,
    database: Database,
    service: LoadBalancer,
    authority: String,
    replicas: Vec<Replica>,
}

impl Installation {
    fn start(previous: &PreviousRelease) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (api, database, service) =
            (ApiServer::start(), Database::start(), LoadBalancer::start());
        for namespace in [NAMESPACE, "team"] {
            api.kubectl(&["create", "namespace", namespace]);
        }
        let authority = format!("localhost:{}", service.port);
        let mut installation = Self { api, database, service, authority, replicas: Vec::new() };
        installation.helm("install", &previous.chart);
        for name in ["old-a", "old-b"] {
            installation.add(name, &previous.binary);
        }
        let api = &installation.api;
        eventually(SOON, || api.try_apply(OBJECTS));
        await_objects(|args| installation.api.kubectl(args));
        installation.awaits_ready(2);
        installation
    }

    /// Installs a chart, or upgrades to it, with the same values and without Pods.
    fn helm(&self, verb: &str, chart: &Path) {
        let chart = chart.display().to_string();
        let values = "replicas=0,image.repository=lanyard";
        self.api
            .helm(&[verb, "lanyard", &chart, "-n", NAMESPACE, "--set", values])
            .unwrap_or_else(|error| panic!("helm {verb}: {error}"));
    }

    fn add(&mut self, name: &'static str, binary: &Path) {
        let url = self.database.url();
        let settings = [
            ("LANYARD_STORE", "postgres"),
            ("LANYARD_POSTGRES_URL", url.as_str()),
            ("LANYARD_DRAIN_DELAY", "10s"),
        ];
        let (api, authority) = (&self.api, &self.authority);
        let replica = Replica::start_binary(api, NAMESPACE, (name, binary), authority, &settings);
        self.service.add(replica.port, replica.admin);
        self.replicas.push(replica);
    }

    fn awaits_ready(&self, replicas: usize) {
        eventually(2 * SOON, || match self.service.ready() {
            ready if ready == replicas => Ok(()),
            ready => Err(format!("{ready} replicas are ready, not {replicas}: {}", self.logs())),
        });
    }

    fn logs(&self) -> String {
        let tail = |replica: &Replica| {
            let log = fs::read_to_string(&replica.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(5).collect();
            format!("\n{}: {}", replica.name, lines.join("\n"))
        };
        self.replicas.iter().map(tail).collect()
    }

    /// Upgrades as `helm upgrade` does with a shared store: the definitions and roles first, then
    /// each replica, the new one ready before an old one stops.
    fn upgrade(&mut self) {
        let before = self.specs();
        self.helm("upgrade", Path::new("charts/lanyard"));
        assert_eq!(self.specs(), before, "an upgrade of the definitions changes no object");
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_lanyard"));
        for name in ["new-a", "new-b"] {
            self.add(name, &binary);
            self.awaits_ready(3);
            let mut old = self.replicas.remove(0);
            assert_eq!(old.process.terminate(SOON), Some(0), "it drains and exits: {}", old.name);
            self.awaits_ready(2);
        }
        await_objects(|args| self.api.kubectl(args));
    }

    /// The specs of all objects, as the API server returns them.
    fn specs(&self) -> Vec<(String, serde_json::Value)> {
        let listed = self.api.kubectl(&["get", KINDS, "-A", "-o", "json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        let items = listed["items"].as_array().expect("a list").iter();
        let name =
            |item: &serde_json::Value| format!("{} {}", item["kind"], item["metadata"]["name"]);
        items.map(|item| (name(item), item["spec"].clone())).collect()
    }

    fn secret(&self, client: &str) -> String {
        super::replicas::shared_store::client_secret(&self.api, client)
    }

    async fn application(&self) -> Application {
        let issuer = format!("http://{}/team/main", self.authority);
        Application::discover(&issuer, "team.app", None, "https://app.test/cb").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_from_the_previous_release_loses_no_request_session_or_grant() {
    let _turn = turns::of("upgrade");
    let Some(previous) = PreviousRelease::find() else { return };
    println!("upgrading from {}", previous.name);
    let start = move || Installation::start(&previous);
    let mut installation = tokio::task::spawn_blocking(start).await.expect("it starts");
    let secret = installation.secret("robot");
    let issuer = format!("http://{}/team/main", installation.authority);
    everywhere(2, async || knows_clients(&issuer, &secret).await).await;
    let (browser, kept) = sign_in(&installation.application().await).await;

    let load = Load::start(async || installation.application().await).await;
    tokio::task::block_in_place(|| installation.upgrade());
    let counts = load.stop().await;

    let [sign_ins, refreshes] =
        [&counts.sign_ins, &counts.refreshes].map(|it| it.load(Ordering::SeqCst));
    println!("{sign_ins} sign-ins and {refreshes} refreshes during the upgrade");
    assert!(sign_ins > 2 && refreshes > 10, "hardly any load");
    let cut = counts.cut();
    assert!(cut.is_empty(), "a terminating replica cuts no connection: {cut:#?}");
    let app = installation.application().await;
    let (status, tokens) = refresh(&app, text(&kept, "refresh_token")).await;
    assert_eq!(status, 200, "a grant of the previous release: {tokens}");
    session_is_alive(&app, &browser).await;
    assert_eq!(installation.secret("robot"), secret, "the client keeps its secret");
    everywhere(2, async || knows_clients(&issuer, &secret).await).await;
    // Killed, because draining would only slow the test down.
    installation.replicas.iter_mut().for_each(|replica| replica.process.kill());
}

/// Asserts that a session of the previous release gets a code without a sign-in.
async fn session_is_alive(app: &Application, browser: &Browser) {
    let page = browser.open(&app.authorize_url(SCOPE, &[("prompt", "none")])).await;
    assert!(page.answer().contains_key("code"), "signed out: {:?}", page.left_for);
}
