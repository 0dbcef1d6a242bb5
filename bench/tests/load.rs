//! The driver against a real server: every kind of work succeeds, and its figures are reported.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

struct LanyardProcess(Child);

impl Drop for LanyardProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `lanyard dev` at a free port, up to the line that names its address.
fn serve(state: &Path) -> (LanyardProcess, String) {
    let driver = Path::new(env!("CARGO_BIN_EXE_lanyard-bench"));
    let lanyard = driver.with_file_name("lanyard");
    assert!(lanyard.exists(), "cargo build --locked makes {}", lanyard.display());
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let mut child = Command::new(lanyard)
        .args(["dev", "tenants", "--listen", &format!("127.0.0.1:{port}"), "--state"])
        .arg(state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let server = LanyardProcess(child);
    let mut said = String::new();
    for line in out.lines().map_while(Result::ok) {
        said += &line;
        if line.contains("/default/rs256") {
            break;
        }
    }
    assert!(said.contains("/default/rs256"), "it never served: {said}");
    (server, format!("http://localhost:{port}/default/rs256"))
}

#[test]
fn every_kind_of_work_succeeds_and_is_measured() {
    let state = tempfile::tempdir().expect("a folder");
    let (server, issuer) = serve(state.path());
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
        let row = text.lines().find(|line| line.starts_with(&format!("| {work} |")));
        let row = row.unwrap_or_else(|| panic!("no row of {work}:\n{text}"));
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 13, "{row}");
        assert_ne!(cells[2], "0", "something was done: {row}");
        assert_eq!(cells[3], "0", "without errors: {row}");
    }
}
