//! The driver against a real server: every kind of work succeeds, and its figures are reported.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use lanyard_bench::upstream::{UPSTREAM, UpstreamProvider};
use tokio::runtime::Builder;

struct LanyardProcess(Child);

impl Drop for LanyardProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `lanyard dev` at a free port, up to the line that names the address of a tenant.
fn serve(manifests: &Path, state: &Path, tenant: &str) -> (LanyardProcess, String) {
    let driver = Path::new(env!("CARGO_BIN_EXE_lanyard-bench"));
    let lanyard = driver.with_file_name("lanyard");
    assert!(lanyard.exists(), "cargo build --locked makes {}", lanyard.display());
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let mut child = Command::new(lanyard)
        .arg("dev")
        .arg(manifests)
        .args(["--listen", &format!("127.0.0.1:{port}"), "--state"])
        .arg(state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let server = LanyardProcess(child);
    let (mut said, path) = (String::new(), format!("/default/{tenant}"));
    for line in out.lines().map_while(Result::ok) {
        said += &line;
        if line.contains(&path) {
            break;
        }
    }
    assert!(said.contains(&path), "it never served: {said}");
    (server, format!("http://localhost:{port}{path}"))
}

#[test]
fn every_kind_of_work_succeeds_and_is_measured() {
    let state = tempfile::tempdir().expect("a folder");
    let (server, issuer) = serve(Path::new("tenants"), state.path(), "rs256");
    let output = Command::new(env!("CARGO_BIN_EXE_lanyard-bench"))
        .args(["load", "--issuer", &issuer, "--client-id", "default.app-rs256"])
        .args(["--redirect-uri", "http://127.0.0.1:9/callback", "--username", "ada,alan"])
        .args(["--seconds", "1", "--connections", "2", "--pid", &server.0.id().to_string()])
        .env("BENCH_CLIENT_SECRET", "a-secret-of-at-least-thirty-two-characters")
        .env("BENCH_PASSWORD", "correct horse battery staple")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    for work in [
        "Discovery",
        "Jwks",
        "ClientCredentials",
        "SignIn",
        "Session",
        "Refresh",
        "Userinfo",
        "Introspection",
    ] {
        assert_succeeded(&text, work);
    }
}

#[test]
fn devices_poll_within_their_interval() {
    let state = tempfile::tempdir().expect("a folder");
    let (server, issuer) = serve(Path::new("tenants"), state.path(), "es256");
    let output = Command::new(env!("CARGO_BIN_EXE_lanyard-bench"))
        .args(["load", "--issuer", &issuer, "--client-id", "default.app-es256"])
        .args(["--redirect-uri", "http://127.0.0.1:9/callback", "--username", "ada"])
        .args(["--seconds", "1", "--connections", "2", "--pid", &server.0.id().to_string()])
        .args(["--work", "device-poll"])
        .env("BENCH_CLIENT_SECRET", "a-secret-of-at-least-thirty-two-characters")
        .env("BENCH_PASSWORD", "unused")
        .output()
        .expect("it runs");
    // An answer of `slow_down` would be an error.
    assert_succeeded(&String::from_utf8_lossy(&output.stdout), "DevicePoll");
}

#[test]
fn a_client_authenticates_by_an_assertion_of_another_issuer() {
    let state = tempfile::tempdir().expect("a folder");
    let (server, issuer) = serve(Path::new("tenants"), state.path(), "es256");
    let output = Command::new(env!("CARGO_BIN_EXE_lanyard-bench"))
        .args(["load", "--issuer", &issuer, "--client-id", "default.app-federated"])
        .args(["--redirect-uri", "http://127.0.0.1:9/callback", "--username", "ada"])
        .args(["--seconds", "1", "--connections", "2", "--pid", &server.0.id().to_string()])
        .args(["--work", "federated-client-credentials"])
        .env("BENCH_CLIENT_SECRET", "unused")
        .env("BENCH_PASSWORD", "unused")
        .output()
        .expect("it runs");
    assert_succeeded(&String::from_utf8_lossy(&output.stdout), "FederatedClientCredentials");
}

#[test]
fn people_sign_in_at_the_identity_provider_of_the_driver() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let upstream = runtime.block_on(UpstreamProvider::start()).expect("it starts");
    let (manifests, state) = (tempfile::tempdir(), tempfile::tempdir());
    let (manifests, state) = (manifests.expect("a folder"), state.expect("a folder"));
    for name in ["bench.yaml", "upstream.yaml"] {
        let text = fs::read_to_string(Path::new("tenants").join(name)).expect("manifests");
        let text = text.replace(UPSTREAM, &upstream.issuer);
        fs::write(manifests.path().join(name), text).expect("written");
    }
    let (server, issuer) = serve(manifests.path(), state.path(), "upstream");
    for client in ["app-upstream", "app-upstream-rule"] {
        let output = Command::new(env!("CARGO_BIN_EXE_lanyard-bench"))
            .args(["load", "--issuer", &issuer, "--client-id", &format!("default.{client}")])
            .args(["--redirect-uri", "http://127.0.0.1:9/callback", "--username", "nobody"])
            .args(["--seconds", "1", "--connections", "2", "--pid", &server.0.id().to_string()])
            .args(["--work", "upstream-sign-in,userinfo"])
            .env("BENCH_CLIENT_SECRET", "a-secret-of-at-least-thirty-two-characters")
            .env("BENCH_PASSWORD", "unused")
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        for work in ["UpstreamSignIn", "Userinfo"] {
            assert_succeeded(&text, work);
        }
    }
}

fn assert_succeeded(text: &str, work: &str) {
    let row = text.lines().find(|line| line.starts_with(&format!("| {work} |")));
    let row = row.unwrap_or_else(|| panic!("no row of {work}:\n{text}"));
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert_eq!(cells.len(), 13, "{row}");
    assert_ne!(cells[2], "0", "something was done: {row}");
    assert_eq!(cells[3], "0", "without errors: {row}");
}
