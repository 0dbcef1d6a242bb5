//! Three replicas on one database behind one address, one with a clock that is 30 s ahead: rotations,
//! kills, roll-outs and outages under load, with no request rejected.

mod at_once;
mod clocks;
mod outage;
mod sealing;
mod vault;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    NAMESPACE, SOON,
    browser::{Application, Browser},
    cluster::{ApiServer, Database, LoadBalancer, Replica, eventually, install_chart},
    load::{
        Load, OBJECTS, SCOPE, await_objects, everywhere, knows_clients, most_cut, refresh, sign_in,
        text,
    },
    turns,
};

const AHEAD: &str = "30";

/// An API server, and replicas of Lanyard that share a database behind a load balancer.
struct World {
    api: ApiServer,
    database: Database,
    service: LoadBalancer,
    authority: String,
    replicas: Vec<Replica>,
}

impl World {
    fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (api, database, service) =
            (ApiServer::start(), Database::start(), LoadBalancer::start());
        for namespace in [NAMESPACE, "team"] {
            api.kubectl(&["create", "namespace", namespace]);
        }
        install_chart(&api, NAMESPACE);
        let authority = format!("localhost:{}", service.port);
        let mut world = Self { api, database, service, authority, replicas: Vec::new() };
        let clock = ahead(&world.api.dir().join("ahead.so"));
        let skewed = [("LD_PRELOAD", clock.as_str()), ("AHEAD_SECONDS", AHEAD)];
        world.add("a", &[]);
        world.add("b", &[]);
        world.add("skewed", &skewed);
        eventually(SOON, || world.api.try_apply(&vault::with_authenticators(OBJECTS)));
        await_objects(|args| world.api.kubectl(args));
        world.awaits_ready(3);
        world
    }

    /// Starts another replica behind the load balancer, with additional environment variables.
    fn add(&mut self, name: &'static str, more: &[(&str, &str)]) {
        let url = self.database.url();
        let own = [
            ("LANYARD_STORE", "postgres"),
            ("LANYARD_POSTGRES_URL", url.as_str()),
            ("LANYARD_DRAIN_DELAY", "10s"),
        ];
        let settings = [&own, more].concat();
        let replica = Replica::start(&self.api, NAMESPACE, name, &self.authority, &settings);
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
            let log = std::fs::read_to_string(&replica.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(5).collect();
            format!("\n{}: {}", replica.name, lines.join("\n"))
        };
        self.replicas.iter().map(tail).collect()
    }

    async fn application(&self, client: &str, secret: Option<&str>) -> Application {
        let issuer = format!("http://{}/team/main", self.authority);
        Application::discover(&issuer, client, secret, "https://app.test/cb").await
    }

    /// The index of the replica that holds the Lease.
    fn leader(&self) -> usize {
        let path = "jsonpath={.spec.holderIdentity}";
        let args = ["-n", NAMESPACE, "get", "lease", "lanyard", "-o", path];
        eventually(SOON, || {
            let holder = self.api.try_kubectl(&args)?;
            let found = self
                .replicas
                .iter()
                .position(|replica| holder == format!("lanyard-{}", replica.name));
            found.ok_or_else(|| format!("the holder is {holder:?}"))
        })
    }
}

/// Compiles a library that moves the clock ahead when preloaded.
fn ahead(library: &std::path::Path) -> String {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/replicas/ahead.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(library).arg(source);
    assert!(compiler.status().expect("a C compiler").success());
    library.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_kills_restarts_and_outages_lose_no_request_and_no_grant() {
    let _turn = turns::of("replicas");
    let mut world = tokio::task::spawn_blocking(World::start).await.expect("it starts");
    let secret = client_secret(&world.api, "robot");
    let issuer = format!("http://{}/team/main", world.authority);
    everywhere(world.replicas.len(), async || knows_clients(&issuer, &secret).await).await;
    let app = world.application("team.app", None).await;
    clocks::skew_is_reported(&world).await;
    clocks::a_skewed_replica_honours_the_grace_period(&world, &app).await;
    clocks::a_skewed_replica_does_not_sign_with_a_key_early(&world, &app).await;
    at_once::the_same_refresh_token(&world, &app).await;
    at_once::the_same_code(&app).await;
    let (browser, kept) = sign_in(&app).await;
    let enrolled = vault::rotates(&world).await;
    // The next holder of the Lease seals authenticators again at once.
    upheaval(&mut world, &app).await;
    vault::old_key_retires(&world, &enrolled).await;
    outage::outage(&mut world, &app, text(&kept, "refresh_token")).await;
    let (status, tokens) = refresh(&app, text(&kept, "refresh_token")).await;
    assert_eq!(status, 200, "a grant from before the upheaval: {tokens}");
    a_session_is_still_there(&app, &browser).await;
    // Killed, because draining would only slow the test down.
    world.replicas.iter_mut().for_each(|replica| replica.process.kill());
}

/// Waits until a new key signs.
async fn rotation(app: &Application) {
    let signs = async || {
        let (_, tokens) = sign_in(app).await;
        jsonwebtoken::decode_header(text(&tokens, "id_token")).expect("a JWT").kid
    };
    let (first, start) = (signs().await, Instant::now());
    while signs().await == first {
        assert!(start.elapsed() < 2 * SOON, "no other key signs");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Rotations of signing and sealing keys, `kill -9` of the leader, and a rolling restart of all
/// replicas under load.
async fn upheaval(world: &mut World, app: &Application) {
    let load = Load::start(async || world.application("team.app", None).await).await;
    rotation(app).await;
    sealing::rotates(world).await;
    let (cut, noticed) = tokio::task::block_in_place(|| {
        let leader = world.leader();
        let mut dead = world.replicas.remove(leader);
        let killed = Instant::now();
        dead.process.kill();
        world.service.ready();
        let noticed = killed.elapsed();
        world.add("c", &[]);
        world.awaits_ready(3);
        let cut = load.counts().cut().len();
        // A new replica is ready before an old one is stopped, as in a Deployment's roll-out.
        for (old, new) in ["b", "skewed"].into_iter().zip(["d", "e"]) {
            let Some(at) = world.replicas.iter().position(|it| it.name == old) else { continue };
            world.add(new, &[]);
            world.awaits_ready(4);
            let mut old = world.replicas.remove(at);
            old.process.signal("TERM");
            closes_its_connections(&world.authority, old.port);
            assert_eq!(old.process.wait(SOON), Some(0), "it drains and exits");
            world.awaits_ready(3);
        }
        (cut, noticed)
    });
    let counts = load.stop().await;
    let [sign_ins, refreshes] =
        [&counts.sign_ins, &counts.refreshes].map(|it| it.load(Ordering::SeqCst));
    println!(
        "{sign_ins} sign-ins, {refreshes} refreshes; a kill cut {cut} connections in {noticed:?}"
    );
    assert!(sign_ins > 2 && refreshes > 10, "hardly any load");
    let all = counts.cut();
    assert_eq!(all.len(), cut, "a terminating replica cuts no connection: {all:#?}");
    assert!(cut <= most_cut(noticed), "{cut} in {noticed:?}");
}

/// A draining replica closes each connection after a response, so that clients reconnect elsewhere.
fn closes_its_connections(authority: &str, port: u16) {
    eventually(SOON, || {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            let path = "/team/main/.well-known/openid-configuration";
            write!(stream, "GET {path} HTTP/1.1\r\nhost: {authority}\r\n\r\n")?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            let mut head = vec![0; 64 * 1024];
            let read = stream.read(&mut head)?;
            Ok(String::from_utf8_lossy(&head[..read]).into_owned())
        };
        let answer = ask().map_err(|error| error.to_string())?;
        if answer.is_empty() {
            return Err("no answer".to_owned());
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        if answer.contains("connection: close") { Ok(()) } else { Err(answer) }
    });
}

/// The secret that a client of namespace `team` mounts.
pub fn client_secret(api: &ApiServer, client: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (name, path) = (format!("{client}-oidc"), "jsonpath={.data.client-secret}");
    let data = api.kubectl(&["-n", "team", "get", "secret", &name, "-o", path]);
    String::from_utf8(STANDARD.decode(data).expect("base64")).expect("text")
}

/// The keys in a Secret, as JSON.
fn keys(api: &ApiServer, namespace: &str, name: &str) -> Vec<Value> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = api.kubectl(&["-n", namespace, "get", "secret", name, "-o", "json"]);
    let secret: Value = serde_json::from_str(&text).expect("JSON");
    let entries = secret["data"].as_object().expect("entries").iter();
    let keys = entries.filter(|(name, _)| name.ends_with(".json"));
    let decoded = keys.map(|(_, it)| STANDARD.decode(it.as_str().expect("text")).expect("base64"));
    decoded.map(|json| serde_json::from_slice(&json).expect("a key")).collect()
}

/// Asserts that a session from before the kills and restarts is still valid.
async fn a_session_is_still_there(app: &Application, browser: &Browser) {
    let page = browser.open(&app.authorize_url(SCOPE, &[("prompt", "none")])).await;
    let answer = page.answer();
    let code = answer.get("code").unwrap_or_else(|| panic!("signed out: {answer:?}"));
    assert_eq!(app.redeem(code).await.0, 200);
}
