//! The whole path on a cluster with real Pods: `helm install`, `kubectl apply`, sign in.
//!
//! Runs on the cluster of `E2E_KUBECONFIG`, with the image `E2E_IMAGE` that its nodes can pull, or on
//! a node that it starts on this machine (root, containerd). Prints SKIPPED and the reason if it can
//! do neither.

mod roll_out;
mod workloads;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    load,
    support::{
        browser::{self, Application, Browser, claims, verified},
        cluster::{self, Node, Process, eventually, free_port},
        turns,
    },
};

const RELEASE: &str = "lanyard";
const OWN_IMAGE: &str = "registry.local/lanyard:e2e";
const NAMESPACE: &str = "lanyard-system";
const READINESS: &str =
    "/api/v1/namespaces/lanyard-system/services/lanyard-admin:9090/proxy/readyz";

/// The cluster under test.
enum Target {
    Own(Box<Node>),
    Given { kubeconfig: PathBuf, image: String },
}

impl Target {
    fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Own(node) => node.api.kubeconfig(),
            Self::Given { kubeconfig, .. } => kubeconfig.clone(),
        }
    }

    /// Values that make the chart use the image under test.
    fn image_values(&self) -> Vec<String> {
        let image = match self {
            Self::Own(_) => OWN_IMAGE,
            Self::Given { image, .. } => image,
        };
        let (repository, tag) = image.rsplit_once(':').expect("E2E_IMAGE is NAME:TAG");
        let pull = if matches!(self, Self::Own(_)) { "Never" } else { "IfNotPresent" };
        [
            format!("image.repository={repository}"),
            format!("image.tag={tag}"),
            format!("image.pullPolicy={pull}"),
        ]
        .into_iter()
        .flat_map(|value| ["--set".to_owned(), value])
        .collect()
    }

    fn run(&self, tool: &str, args: &[&str]) -> Result<String, String> {
        let output =
            cluster::tool(tool, &self.kubeconfig()).args(args).output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn kubectl(&self, args: &[&str]) -> String {
        self.run("kubectl", args).unwrap_or_else(|error| {
            let pods = self.run("kubectl", &["get", "pods,events", "-A"]).unwrap_or_default();
            let logs =
                self.run("kubectl", &["-n", NAMESPACE, "logs", "deployment/lanyard", "--tail=40"]);
            let ready = self.run("kubectl", &["get", "--raw", READINESS]);
            panic!("kubectl {args:?}: {error}\n{pods}\n{logs:?}\n{ready:?}")
        })
    }

    fn helm(&self, args: &[&str]) -> String {
        self.run("helm", args).unwrap_or_else(|error| panic!("helm {args:?}: {error}"))
    }
}

fn target() -> Option<Target> {
    if let Ok(kubeconfig) = std::env::var("E2E_KUBECONFIG") {
        let image = std::env::var("E2E_IMAGE").expect("E2E_KUBECONFIG needs E2E_IMAGE too");
        return Some(Target::Given { kubeconfig: kubeconfig.into(), image });
    }
    if let Some(reason) = cluster::unavailable() {
        println!("SKIPPED: e2e: {reason}");
        return None;
    }
    let node = Node::start();
    node.load_lanyard(OWN_IMAGE, &binary(node.api.dir()));
    workloads::load_curl(&node);
    Some(Target::Own(Box::new(node)))
}

/// The binary under test, stripped because images are held in memory.
fn binary(folder: &Path) -> PathBuf {
    let (built, binary) = (Path::new(env!("CARGO_BIN_EXE_lanyard")), folder.join("lanyard"));
    let strip = Command::new("strip").args(["--strip-debug", "-o"]).args([&binary, built]).status();
    if !strip.is_ok_and(|status| status.success()) {
        fs::copy(built, &binary).expect("copied, with its mode");
    }
    binary
}

#[tokio::test(flavor = "multi_thread")]
async fn from_helm_install_to_a_signed_in_user() {
    let _turn = turns::of("e2e");
    let Some(target) = tokio::task::spawn_blocking(target).await.expect("it starts") else {
        return;
    };
    whole_path(&target).await;
    // The same as for an external cluster, which also proves that the first run removed its objects.
    if let Target::Own(node) = &target {
        let image = OWN_IMAGE.to_owned();
        whole_path(&Target::Given { kubeconfig: node.api.kubeconfig(), image }).await;
        roll_out::no_request_fails_during_roll_outs_and_kills(&target, node).await;
    }
}

async fn whole_path(target: &Target) {
    let port = free_port();
    let base_url = format!("http://localhost:{port}");
    must_be_empty(target);
    install(target, &base_url);
    apply_examples(target);
    let forward = port_forward(target, port);
    sign_in(target, &base_url).await;
    workloads::a_pod_authenticates_without_a_secret(target, &base_url);
    kubectl_output_is_readable(target);
    drop(forward);
    upgrade_and_uninstall(target, &base_url);
    clean(target);
}

/// Asserts that the objects that the test removes at its end do not exist before it.
fn must_be_empty(target: &Target) {
    for object in ["crd/tenants.lanyard.dev", "namespace/lanyard-system", "namespace/team-a"] {
        let found = target.run("kubectl", &["get", object, "-o", "name"]);
        assert!(found.is_err(), "the cluster has {object} already: name one without Lanyard");
    }
}

/// Removes all objects of the test.
fn clean(target: &Target) {
    target.kubectl(&["delete", "namespace", NAMESPACE, "team-a"]);
    target.kubectl(&["delete", "-f", "crds/"]);
}

/// The chart installs under the restricted profile, and its Pods become Ready.
fn install(target: &Target, base_url: &str) {
    target.kubectl(&["create", "namespace", NAMESPACE]);
    target.kubectl(&[
        "label",
        "namespace",
        NAMESPACE,
        "pod-security.kubernetes.io/enforce=restricted",
    ]);
    helm_upgrade(target, base_url, &["--install"]);
    target.kubectl(&["-n", NAMESPACE, "rollout", "status", "deployment/lanyard", "--timeout=120s"]);
}

fn helm_upgrade(target: &Target, base_url: &str, more: &[&str]) {
    let values = target.image_values();
    let url = format!("baseUrl={base_url}");
    let mut args = vec!["upgrade", RELEASE, "charts/lanyard", "-n", NAMESPACE, "--set", &url];
    args.extend(values.iter().map(String::as_str));
    args.extend(more);
    target.helm(&args);
}

fn apply_examples(target: &Target) {
    target.kubectl(&["apply", "-f", "examples/cluster/"]);
    for object in ["tenants.lanyard.dev/main", "oidcclients/shop", "oidcusers/grace"] {
        target.kubectl(&[
            "-n",
            "team-a",
            "wait",
            "--for=condition=Ready",
            object,
            "--timeout=120s",
        ]);
    }
}

fn port_forward(target: &Target, port: u16) -> Process {
    let log = cluster::testenv().join(format!("port-forward-{port}.log"));
    let args = [
        "--kubeconfig",
        &target.kubeconfig().display().to_string(),
        "-n",
        NAMESPACE,
        "port-forward",
        "service/lanyard",
        &format!("{port}:80"),
    ]
    .map(str::to_owned);
    let process = Process::start(&cluster::binary("kubectl"), &args, &[], &log);
    eventually(Duration::from_mins(2), || {
        std::net::TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
    });
    let _ = std::fs::remove_file(&log);
    process
}

/// An application signs a user in with the Secret that it mounts.
async fn sign_in(target: &Target, base_url: &str) {
    let secret = |key: &str| {
        let path = format!("jsonpath={{.data.{key}}}");
        let encoded = target.kubectl(&["-n", "team-a", "get", "secret", "shop-oidc", "-o", &path]);
        String::from_utf8(STANDARD.decode(encoded).expect("base64")).expect("text")
    };
    let issuer = secret("issuer");
    assert_eq!(issuer, format!("{base_url}/team-a/main"));
    let app = Application::discover(
        &issuer,
        &secret("client-id"),
        Some(&secret("client-secret")),
        "http://localhost:4180/callback",
    )
    .await;
    let browser = Browser::new();
    let url =
        app.authorize_url("openid profile email tenant offline_access", &[("prompt", "consent")]);
    let answer = app.sign_in(&browser, &url, ("grace", "a nanosecond is 30 cm")).await;
    assert_eq!(answer["iss"], issuer);
    let (status, tokens) = app.redeem(&answer["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let id_token = tokens["id_token"].as_str().expect("an ID token");
    let verified = verified(id_token, &app.jwks().await, &app.client_id);
    assert_eq!(verified["nonce"], "a-nonce");
    let access_token = tokens["access_token"].as_str().expect("an access token");
    let (status, userinfo) = app.userinfo(access_token).await;
    assert_eq!((status, &userinfo["email"]), (200, &serde_json::json!("grace@example.com")));
    assert_eq!(userinfo["tenant_sub"], "team-a/main");
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
    let (status, tokens) =
        app.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(status, 200, "{tokens}");
    let again = tokens["access_token"].as_str().expect("an access token");
    assert_eq!(claims(again)["sub"], verified["sub"]);
}

/// Columns, conditions, Events and `kubectl explain` have useful texts.
fn kubectl_output_is_readable(target: &Target) {
    let columns =
        target.kubectl(&["-n", "team-a", "get", "tenants.lanyard.dev,oidcclients,oidcusers"]);
    for word in
        ["ISSUER", "CLIENT-ID", "USERNAME", "READY", "REASON", "team-a.shop", "shop-oidc", "grace"]
    {
        assert!(columns.contains(word), "no {word} in:\n{columns}");
    }
    for (kind, header) in [
        ("tenants.lanyard.dev", "NAME ISSUER READY REASON AGE"),
        ("oidcclients", "NAME TENANT CLIENT-ID SECRET READY REASON AGE"),
        ("oidcusers", "NAME TENANT USERNAME READY REASON AGE"),
    ] {
        let listed = target.kubectl(&["-n", "team-a", "get", kind]);
        let first: Vec<&str> =
            listed.lines().next().unwrap_or_default().split_whitespace().collect();
        assert_eq!(first.join(" "), header);
        assert!(listed.contains(" True ") && listed.contains(" Ready "), "{listed}");
    }
    let all = target.kubectl(&["get", "lanyard", "-A", "-o", "name"]);
    assert_eq!(all.lines().count(), 3, "the category: {all}");
    let explained = target.kubectl(&["explain", "oidcclient.spec"]);
    // kubectl may break a line between any two words.
    let explained = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["redirectUris", "exact strings", "tenantRef", "-required-"] {
        assert!(explained.contains(word), "no {word} in:\n{explained}");
    }
    target.kubectl(&[
        "-n",
        "team-a",
        "patch",
        "oidcclient",
        "shop",
        "--type=merge",
        "-p",
        r#"{"spec":{"tenantRef":{"name":"main"},"scopes":["openid","nonsense"]}}"#,
    ]);
    let described = eventually(Duration::from_mins(2), || {
        let text = target.run("kubectl", &["-n", "team-a", "describe", "oidcclient", "shop"])?;
        if text.contains("nonsense") && text.contains("Warning") { Ok(text) } else { Err(text) }
    });
    assert!(described.contains("Accepted"), "{described}");
}

/// An upgrade succeeds; an uninstall preserves the CRDs and all objects.
fn upgrade_and_uninstall(target: &Target, base_url: &str) {
    helm_upgrade(target, base_url, &["--set", "log.level=debug"]);
    target.kubectl(&["-n", NAMESPACE, "rollout", "status", "deployment/lanyard", "--timeout=120s"]);
    target.helm(&["uninstall", RELEASE, "-n", NAMESPACE, "--wait"]);
    let left = target.kubectl(&[
        "-n",
        "team-a",
        "get",
        "tenants.lanyard.dev,oidcclients,oidcusers",
        "-o",
        "name",
    ]);
    assert_eq!(left.lines().count(), 3, "{left}");
    let secret = target.kubectl(&["-n", "team-a", "get", "secret", "shop-oidc", "-o", "name"]);
    assert!(secret.contains("shop-oidc"));
}
