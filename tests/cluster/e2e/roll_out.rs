//! Two Pods of the chart on PostgreSQL, under load, while keys rotate: a restart of the Deployment,
//! an upgrade to an image of another version, the deletion of the leader's Pod, and `kill -9`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    NAMESPACE, Target, binary,
    browser::Application,
    cluster::{BINARY, Database, HOST, Node, Proxy, eventually, free_port},
    helm_upgrade,
    load::{
        Counts, Load, OBJECTS, SCOPE, await_objects, everywhere, knows_clients, most_cut, refresh,
        sign_in, text,
    },
};

const NEXT_IMAGE: &str = "registry.local/lanyard:next";
const SOON: Duration = Duration::from_mins(2);

pub async fn no_request_fails_during_roll_outs_and_kills(target: &Target, node: &Node) {
    let database = Database::start_at(HOST);
    target.kubectl(&["create", "namespace", NAMESPACE]);
    target.kubectl(&["create", "namespace", "team"]);
    let url = format!("--from-literal=url={}", database.url());
    target.kubectl(&["-n", NAMESPACE, "create", "secret", "generic", "database", &url]);
    let port = free_port();
    let base_url = format!("http://localhost:{port}");
    install(target, &base_url, &["--install"]);
    // The cluster IP of the Service, which goes through kube-proxy.
    let ip = ["-n", NAMESPACE, "get", "service/lanyard", "-o", "jsonpath={.spec.clusterIP}"];
    let _proxy = Proxy::at(port, (target.kubectl(&ip), 80));
    eventually(SOON, || node.api.try_apply(OBJECTS));
    await_objects(|args| target.kubectl(args));
    let issuer = format!("{base_url}/team/main");
    let robot =
        ["-n", "team", "get", "secret", "robot-oidc", "-o", "jsonpath={.data.client-secret}"];
    let secret = STANDARD.decode(target.kubectl(&robot)).expect("base64");
    let secret = String::from_utf8(secret).expect("text");
    everywhere(2, async || knows_clients(&issuer, &secret).await).await;
    let discover =
        async || Application::discover(&issuer, "team.app", None, "https://app.test/cb").await;
    let (browser, kept) = sign_in(&discover().await).await;
    let load = Load::start(discover).await;
    let start = Instant::now();
    let (killed, noticed) =
        tokio::task::block_in_place(|| upheaval(target, node, &base_url, load.counts()));
    let counts = load.stop().await;
    let app = discover().await;
    let (status, tokens) = refresh(&app, text(&kept, "refresh_token")).await;
    assert_eq!(status, 200, "a grant from before the roll-outs: {tokens}");
    let page = browser.open(&app.authorize_url(SCOPE, &[("prompt", "none")])).await;
    assert!(page.answer().contains_key("code"), "a session from before the roll-outs");
    let [sign_ins, refreshes] =
        [&counts.sign_ins, &counts.refreshes].map(|it| it.load(Ordering::SeqCst));
    let cut = counts.cut();
    println!(
        "{sign_ins} sign-ins and {refreshes} refreshes in {:?} while Pods came and went; kill -9 cut \
         {killed} connections in {noticed:?}, of the others: {:#?}",
        start.elapsed(),
        &cut[..cut.len() - killed]
    );
    assert!(sign_ins > 2 && refreshes > 10, "hardly any load");
    // A connection may be used at the moment it is closed, after it was idle throughout the drain delay.
    assert!(cut.len() - killed <= 2, "a terminating Pod cuts no connection: {cut:#?}");
    assert!(killed <= most_cut(noticed), "{killed} in {noticed:?}");
}

fn install(target: &Target, base_url: &str, more: &[&str]) {
    let values = "replicas=2,store.type=postgres,store.postgres.urlSecret.name=database";
    let values = ["--set", values];
    helm_upgrade(target, base_url, &[&values, more].concat());
    rolled_out(target);
}

fn rolled_out(target: &Target) {
    let status = ["-n", NAMESPACE, "rollout", "status", "deployment/lanyard", "--timeout=300s"];
    target.kubectl(&status);
}

/// Restart, upgrade, deletion and `kill -9`; returns how many connections the kill cut, and for how long.
fn upheaval(target: &Target, node: &Node, base_url: &str, counts: &Counts) -> (usize, Duration) {
    target.kubectl(&["-n", NAMESPACE, "rollout", "restart", "deployment/lanyard"]);
    rolled_out(target);
    let next = next_version(node.api.dir());
    node.load_lanyard(NEXT_IMAGE, &next.binary);
    install(target, base_url, &["--set", "image.tag=next"]);
    eventually(SOON, || next.runs_in_every_pod(target));
    let leader = eventually(SOON, || leader_of(target));
    target.kubectl(&["-n", NAMESPACE, "delete", "pod", &leader]);
    rolled_out(target);
    kill(target, node, counts)
}

/// `kill -9` of the leader's process; returns when no more connections are cut.
fn kill(target: &Target, node: &Node, counts: &Counts) -> (usize, Duration) {
    let before = counts.cut().len();
    let of_pod = |pod: &str, path: &str| {
        let path = format!("jsonpath={path}");
        target.run("kubectl", &["-n", NAMESPACE, "get", "pod", pod, "-o", &path])
    };
    let (pod, victim) = eventually(SOON, || {
        let pod = leader_of(target)?;
        let victim = of_pod(&pod, "{.status.containerStatuses[0].containerID}")?;
        Ok((pod, victim))
    });
    let killed = Instant::now();
    node.kill_container(&victim);
    let state = "{.status.containerStatuses[0].restartCount} \
                 {.status.conditions[?(@.type==\"Ready\")].status}";
    eventually(2 * SOON, || match of_pod(&pod, state)? {
        state if state.ends_with(" True") && !state.starts_with('0') => Ok(()),
        state => Err(format!("restarts and readiness: {state}")),
    });
    let mut last = (counts.cut().len(), Instant::now());
    eventually(SOON, || {
        let now = counts.cut().len();
        if now > last.0 {
            last = (now, Instant::now());
        }
        match last.1.elapsed() {
            calm if calm > Duration::from_secs(2) => Ok(()),
            _ => Err("connections are still cut".to_owned()),
        }
    });
    (last.0 - before, last.1 - killed)
}

fn leader_of(target: &Target) -> Result<String, String> {
    let holder = "jsonpath={.spec.holderIdentity}";
    match target.run("kubectl", &["-n", NAMESPACE, "get", "lease", "lanyard", "-o", holder])? {
        holder if holder.is_empty() => Err("there is no leader".to_owned()),
        holder => Ok(holder),
    }
}

/// A later release, as seen from outside.
struct Next {
    version: String,
    binary: PathBuf,
}

/// The binary of this release with another version string of the same length.
fn next_version(folder: &Path) -> Next {
    let this = env!("CARGO_PKG_VERSION");
    let (rest, last) = this.split_at(this.len() - 1);
    let version = format!("{rest}{}", if last == "9" { "8" } else { "9" });
    let built = binary(folder);
    let mut bytes = fs::read(&built).expect("it is built");
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(this.as_bytes()) {
            bytes[at..at + this.len()].copy_from_slice(version.as_bytes());
        }
    }
    let binary = folder.join("next");
    fs::copy(&built, &binary).expect("copied, with its mode");
    fs::write(&binary, bytes).expect("written");
    Next { version, binary }
}

impl Next {
    fn runs_in_every_pod(&self, target: &Target) -> Result<(), String> {
        let pods = target.run("kubectl", &["-n", NAMESPACE, "get", "pods", "-o", "name"])?;
        for pod in pods.lines() {
            let ask = ["-n", NAMESPACE, "exec", pod, "--", BINARY, "--version"];
            let said = target.run("kubectl", &ask)?;
            if said.trim() != format!("lanyard {}", self.version) {
                return Err(format!("{pod}: {said}"));
            }
        }
        if pods.lines().count() == 2 { Ok(()) } else { Err(pods) }
    }
}
