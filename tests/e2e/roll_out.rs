//! Two Pods of the chart on PostgreSQL, under load: a restart of the Deployment, an upgrade to an
//! image of another version, and the deletion of the leader's Pod.

use std::{
    path::Path,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{
    NAMESPACE, Target,
    browser::Application,
    cluster::{Database, HOST, Node, Proxy, eventually, free_port},
    helm_upgrade,
    load::{Load, OBJECTS},
};

const NEXT_IMAGE: &str = "registry.local/lanyard:next";
const SOON: Duration = Duration::from_secs(60);

pub async fn no_request_fails_while_pods_come_and_go(target: &Target, node: &Node) {
    let database = Database::start_at(HOST);
    target.kubectl(&["create", "namespace", NAMESPACE]);
    target.kubectl(&["create", "namespace", "team"]);
    let url = format!("--from-literal=url={}", database.url());
    target.kubectl(&["-n", NAMESPACE, "create", "secret", "generic", "database", &url]);
    let port = free_port();
    let base_url = format!("http://localhost:{port}");
    install(target, &base_url, &["--install"]);
    // The Service's own address, which only kube-proxy answers.
    let ip = ["-n", NAMESPACE, "get", "service/lanyard", "-o", "jsonpath={.spec.clusterIP}"];
    let _proxy = Proxy::at(port, (target.kubectl(&ip), 80));
    eventually(SOON, || node.api.try_apply(OBJECTS));
    for object in ["tenants.lanyard.dev/main", "oidcclient/app", "oidcuser/alice"] {
        target.kubectl(&["-n", "team", "wait", "--for=condition=Ready", object, "--timeout=60s"]);
    }
    let issuer = format!("{base_url}/team/main");
    let load = Load::start(async || {
        Application::discover(&issuer, "team.app", None, "https://app.test/cb").await
    })
    .await;
    let start = Instant::now();
    tokio::task::block_in_place(|| upheaval(target, node, &base_url));
    let counts = load.stop().await;
    let [sign_ins, refreshes] =
        [&counts.sign_ins, &counts.refreshes].map(|it| it.load(Ordering::SeqCst));
    let cut = counts.cut();
    println!(
        "{sign_ins} sign-ins and {refreshes} refreshes in {:?} while Pods came and went; cut: {cut:#?}",
        start.elapsed()
    );
    assert!(sign_ins > 2 && refreshes > 10, "there was a load");
    // One that was idle throughout the drain delay and is used at the very moment it is closed.
    assert!(cut.len() <= 2, "a Pod that is asked to stop cuts no connection: {cut:#?}");
}

fn install(target: &Target, base_url: &str, more: &[&str]) {
    let values = ["--set", "replicas=2,store.type=postgres,store.postgres.urlSecret.name=database"];
    helm_upgrade(target, base_url, &[&values, more].concat());
    rolled_out(target);
}

fn rolled_out(target: &Target) {
    let status = ["-n", NAMESPACE, "rollout", "status", "deployment/lanyard", "--timeout=120s"];
    target.kubectl(&status);
}

fn upheaval(target: &Target, node: &Node, base_url: &str) {
    target.kubectl(&["-n", NAMESPACE, "rollout", "restart", "deployment/lanyard"]);
    rolled_out(target);
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/lanyard");
    node.load_lanyard(NEXT_IMAGE, &binary);
    install(target, base_url, &["--set", "image.tag=next"]);
    let holder = "jsonpath={.spec.holderIdentity}";
    let leader = eventually(SOON, || {
        match target.run("kubectl", &["-n", NAMESPACE, "get", "lease", "lanyard", "-o", holder])? {
            holder if holder.is_empty() => Err("nobody leads".to_owned()),
            holder => Ok(holder),
        }
    });
    target.kubectl(&["-n", NAMESPACE, "delete", "pod", &leader]);
    rolled_out(target);
}
