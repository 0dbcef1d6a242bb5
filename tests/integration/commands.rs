//! The commands as a shell or a kubelet runs them: help, exit statuses, errors in one line, and the
//! order of a shutdown.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use tokio::net::TcpStream;

use crate::support::{dev::Dev, ports};

/// Runs `lanyard` with only these environment variables.
fn lanyard(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    let env = env.iter().copied();
    command.args(args).env_clear().envs(env).stdin(Stdio::null()).output().expect("it runs")
}

/// Asserts an exit status and a single line on standard error; returns the line.
fn refused(output: &Output, status: i32) -> String {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{message}");
    assert_eq!(message.lines().count(), 1, "one line: {message}");
    assert!(message.starts_with("lanyard: "), "{message}");
    message
}

const REPLICA: [&str; 9] = [
    "run",
    "--base-url=https://id.test",
    "--namespace=lanyard",
    "--identity=lanyard-0",
    "--store=memory",
    "--log-level=error",
    "--listen=127.0.0.1:0",
    "--admin-listen=127.0.0.1:0",
    "--drain-delay=0s",
];

#[test]
fn kube_auth_prints_the_file_of_an_api_server() {
    let printed = lanyard(&["kube-auth", "https://id.test/team/main"], &[]);
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let printed = String::from_utf8(printed.stdout).expect("text");
    assert!(printed.starts_with("apiVersion: apiserver.config.k8s.io/v1\nkind: Authentication"));
    assert!(printed.contains("    url: https://id.test/team/main\n"), "{printed}");
    for (args, words) in [
        (&["kube-auth", "http://id.test"][..], "accepts https issuers only"),
        (&["kube-auth", "main"], "neither NAMESPACE/NAME of a Tenant nor an issuer URL"),
        (&["kube-auth", "team/main"], "could not read the kubeconfig"),
        (&["kube-auth", "https://id.test", "--ca-file=/nowhere"], "/nowhere"),
        (&["kube-auth", "https://id.test", "--ca-file=Cargo.toml"], "has no certificate"),
    ] {
        let message = refused(&lanyard(args, &[("KUBECONFIG", "/nowhere")]), 1);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn wrong_flag_prints_one_line_with_a_correction() {
    for (args, words) in [
        (&["dev", ".", "--listne=127.0.0.1:1"][..], &["--listne", "similar", "--listen"][..]),
        (&["dev", ".", "--listen=localhost:8080"], &["--listen", "such as 127.0.0.1:8080"]),
        (&["dev", ".", "--store=sqlite"], &["--store", "memory, embedded, postgres, valkey"]),
        (&["run"], &["--base-url", "--namespace", "--identity"]),
        (&["dev"], &["<DIR>", "lanyard dev --help"]),
        (&["serve"], &["serve", "lanyard --help"]),
    ] {
        let message = refused(&lanyard(args, &[]), 2);
        for word in words {
            assert!(message.contains(word), "no {word:?} in {message}");
        }
    }
    let wrong = lanyard(&["dev", "."], &[("LANYARD_DRAIN_DELAY", "soon")]);
    assert!(refused(&wrong, 2).contains("a duration such as 20s"));
    let wrong = lanyard(&[&REPLICA[..], &["--trusted-proxies=all"]].concat(), &[]);
    assert!(refused(&wrong, 1).contains("--trusted-proxies \"all\": write CIDRs"));
}

#[test]
fn missing_cluster_configuration_prints_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = refused(&lanyard(&REPLICA, &[("HOME", &folder.path().display().to_string())]), 1);
    assert!(message.contains("set KUBECONFIG") && message.contains("lanyard dev"), "{message}");
}

/// A replica that starts without an API server lives, is not ready, and says so in one line. A
/// restart by the kubelet would change nothing.
#[test]
fn unreachable_api_server_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = kubeconfig(folder.path(), "https://127.0.0.1:1");
    let admin = format!("127.0.0.1:{}", ports::free_port());
    let log = folder.path().join("log");
    let mut replica = Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args(REPLICA.iter().filter(|flag| !flag.starts_with("--log") && !flag.contains("admin")))
        .args([&format!("--admin-listen={admin}"), "--log-level=warn"])
        .env_clear()
        .env("KUBECONFIG", &config)
        .stdin(Stdio::null())
        .stderr(fs::File::create(&log).expect("a file"))
        .stdout(fs::File::create(folder.path().join("out")).expect("a file"))
        .spawn()
        .expect("it runs");
    let ask = |path: &str| reqwest::blocking::get(format!("http://{admin}{path}"));
    let readiness = (0..100).find_map(|_| {
        thread::sleep(Duration::from_millis(100));
        let answer = ask("/readyz").ok()?;
        let (status, detail) = (answer.status(), answer.text().expect("text"));
        detail.contains("failingSince").then_some((status, detail))
    });
    // Time for further attempts, which say nothing.
    thread::sleep(Duration::from_secs(2));
    let lives = replica.try_wait().expect("asked").is_none();
    let health = ask("/healthz").map(|answer| answer.status().as_u16());
    replica.kill().expect("killed");
    replica.wait().expect("ended");
    let (status, detail) = readiness.expect("readiness tells the reason");
    assert_eq!(status.as_u16(), 503, "{detail}");
    assert!(lives);
    assert_eq!(health.expect("the admin port answers"), 200);
    let said = [log, folder.path().join("out")].map(|file| fs::read_to_string(file).expect("read"));
    let said = said.concat();
    assert_eq!(said.matches("the API server cannot be reached").count(), 1, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn address_in_use_ends_the_process_without_an_api_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = kubeconfig(folder.path(), "https://127.0.0.1:1");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let flag = format!("--admin-listen={}", taken.local_addr().expect("bound"));
    let flags = REPLICA.iter().copied().filter(|flag| !flag.contains("admin"));
    let flags: Vec<&str> = flags.chain([&*flag]).collect();
    let message = refused(&lanyard(&flags, &[("KUBECONFIG", &config)]), 1);
    assert!(message.contains(&flag.replace('=', " ")), "{message}");
}

/// Writes a kubeconfig for an API server; returns its path.
fn kubeconfig(folder: &Path, cluster: &str) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
         clusters: [{{name: it, cluster: {{server: '{cluster}'}}}}]\n\
         contexts: [{{name: it, context: {{cluster: it, user: it}}}}]\n\
         users: [{{name: it, user: {{token: t}}}}]\n"
    );
    let config = folder.join("config");
    fs::write(&config, text).expect("written");
    config.display().to_string()
}

#[test]
fn refusal_by_the_api_server_ends_the_process_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let cluster = format!("http://{}", listener.local_addr().expect("bound"));
    let config = kubeconfig(folder.path(), &cluster);
    let serving = thread::spawn(move || {
        drop(listener.accept().expect("a first request, which is cut"));
        let (mut second, _) = listener.accept().expect("another");
        let _ = second.read(&mut [0; 4096]).expect("a request");
        let body = r#"{"kind":"Status","status":"Failure","message":"not you","code":403}"#;
        let head = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length";
        write!(second, "{head}: {}\r\n\r\n{body}", body.len()).expect("written");
    });
    // A refusal by the API server is an answer and is not retried.
    let message = refused(&lanyard(&REPLICA, &[("KUBECONFIG", &config)]), 1);
    assert!(message.contains("not you"), "{message}");
    serving.join().expect("it was asked twice");
}

#[test]
fn each_command_has_help_for_itself_and_its_flags() {
    let help = |args: &[&str]| {
        let output = lanyard(args, &[]);
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let all = help(&["--help"]);
    for command in ["run", "dev", "check", "crds", "kube-auth", "hash-password"] {
        assert!(all.contains(&format!("\n  {command} ")), "{command} in {all}");
        assert!(help(&[command, "--help"]).contains("Usage: lanyard"), "{command}");
    }
    for flag in ["--base-url", "LANYARD_BASE_URL", "LANYARD_DRAIN_DELAY", "[default: 20s]"] {
        assert!(help(&["run", "--help"]).contains(flag), "{flag}");
    }
}

#[test]
fn a_password_from_a_pipe_becomes_a_hash_and_is_not_repeated() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    command.arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(b"correct horse\n").expect("written");
    let output = child.wait_with_output().expect("it ends");
    let hash = String::from_utf8(output.stdout).expect("text");
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!(hash.lines().count(), 1);
    assert!(refused(&lanyard(&["hash-password"], &[]), 1).contains("the password is empty"));
}

#[test]
fn the_definitions_are_printed_for_kubectl_to_apply() {
    let printed = lanyard(&["crds"], &[]);
    let printed = String::from_utf8(printed.stdout).expect("text");
    for kind in lanyard::model::ManagedKind::ALL.map(lanyard::model::ManagedKind::plural) {
        assert!(printed.contains(&format!("\n  name: {kind}.lanyard.dev\n")), "{kind}");
    }
}

/// Load balancers check readiness, so it must fail while requests are still accepted.
#[tokio::test(flavor = "multi_thread")]
async fn shutdown_fails_readiness_then_drains_then_exits() {
    let admin = ports::free_port();
    let flags = [format!("--admin-listen=127.0.0.1:{admin}"), "--drain-delay=3s".to_owned()];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut dev = Dev::start_with(Path::new("examples/quickstart"), &flags);
    dev.awaits("Open  ").await;
    let (client, ready) = (reqwest::Client::new(), format!("http://127.0.0.1:{admin}/readyz"));
    let readiness = || async { client.get(&ready).send().await.expect("an answer").status() };
    assert_eq!(readiness().await, 200);
    let asked = tokio::time::Instant::now();
    dev.terminate();
    while readiness().await != 503 {
        assert!(
            asked.elapsed() < Duration::from_secs(3),
            "the server still reports that it is ready"
        );
    }
    let keys = format!("{}/default/quickstart/oauth/jwks", dev.base_url);
    let answer = client.get(&keys).send().await.expect("requests are still served");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["connection"], "close", "the client is asked to reconnect");
    let address = dev.base_url.trim_start_matches("http://").to_owned();
    while TcpStream::connect(&address).await.is_ok() {
        assert!(asked.elapsed() < Duration::from_secs(30), "the port is never closed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked.elapsed() >= Duration::from_secs(3), "closed before load balancers can notice");
    assert_eq!(dev.ended().await, Some(0));
}

/// As `helm template . | lanyard check -` does.
#[test]
fn check_reads_standard_input() {
    let check = |manifest: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command.args(["check", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        child.stdin.take().expect("a pipe").write_all(manifest.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("it ends");
        (output.status.success(), String::from_utf8(output.stdout).expect("text"))
    };
    let tenant = "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\nspec:\n";
    let (passed, output) = check(&format!("{tenant}  displayName: \"yes\"\n"));
    assert!(passed && output.contains("1 objects in 1 files: 0 problems"), "{output}");
    let (passed, output) = check(&format!("{tenant}  displayName: yes\n"));
    let problem = "standard input:5: Tenant default/a: spec.displayName: must be a string";
    assert!(!passed && output.contains(problem), "{output}");
}
