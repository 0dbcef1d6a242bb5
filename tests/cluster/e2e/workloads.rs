//! A Pod whose only credential is a projected ServiceAccount token gets an access token.

use std::path::Path;

use super::{NAMESPACE, OWN_IMAGE, Target, cluster::Node};

const CURL: &str = "/usr/bin/curl";
const OWN_CURL: &str = "registry.local/curl:e2e";

/// Loads an image with curl into a node of this machine.
pub fn load_curl(node: &Node) {
    node.load_program(OWN_CURL, Path::new(CURL));
}

impl Target {
    /// An image whose entry point is curl.
    fn curl_image(&self) -> String {
        match self {
            Self::Given { image, .. } if image != OWN_IMAGE => {
                std::env::var("E2E_CURL_IMAGE").unwrap_or_else(|_| "curlimages/curl".to_owned())
            }
            Self::Own(_) | Self::Given { .. } => OWN_CURL.to_owned(),
        }
    }
}

pub fn a_pod_authenticates_without_a_secret(target: &Target, base_url: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("workload.yaml");
    let address = ["-n", NAMESPACE, "get", "service/lanyard", "-o", "jsonpath={.spec.clusterIP}"];
    let address = target.kubectl(&address);
    std::fs::write(&file, manifests(&target.curl_image(), base_url, &address)).expect("written");
    let file = file.display().to_string();
    target.kubectl(&["apply", "-f", &file]);
    let ready = ["oidcclients/billing", "--for=condition=Ready", "--timeout=120s"];
    target.kubectl(&[&["-n", "team-a", "wait"], &ready[..]].concat());
    let done = ["pod/billing", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=180s"];
    target.kubectl(&[&["-n", "team-a", "wait"], &done[..]].concat());
    let printed = target.kubectl(&["-n", "team-a", "logs", "billing"]);
    let answer: serde_json::Value = serde_json::from_str(&printed).unwrap_or_default();
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{printed}"));
    let claims = super::browser::claims(token);
    assert_eq!(claims["client_id"], "team-a.billing", "{claims}");
    assert_eq!(claims["sub"], "team-a.billing");
    let path = r#"jsonpath={.status.conditions[?(@.type=="Reachable")].status}"#;
    let shown = target.kubectl(&["-n", "team-a", "get", "oidcclient", "billing", "-o", path]);
    assert_eq!(shown, "True");
    target.kubectl(&["delete", "-f", &file]);
}

/// The manifest of `docs/workloads.md`, at the issuer and the address of the test. The Pod starts again until the client
/// is served.
fn manifests(image: &str, base_url: &str, address: &str) -> String {
    let page = include_str!("../../../docs/workloads.md");
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let mut text = block.expect("a manifest").to_owned();
    let (_, host) = base_url.split_once("//").expect("a URL");
    let issuer = "https://id.example.com/team-a/main";
    for (from, to) in [
        (format!("value: \"{issuer}\""), format!("value: 'http://{address}/team-a/main'")),
        (format!("audience: \"{issuer}\""), format!("audience: '{base_url}/team-a/main'")),
        (
            "image: curlimages/curl".to_owned(),
            format!("image: {image}\n      imagePullPolicy: IfNotPresent"),
        ),
        (
            "        - --fail\n".to_owned(),
            format!("        - --fail\n        - --header\n        - 'Host: {host}'\n"),
        ),
    ] {
        assert_eq!(text.matches(&from).count(), 1, "{from} on the page");
        text = text.replace(&from, &to);
    }
    text
}
