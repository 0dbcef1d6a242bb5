//! The audit lines of a running `lanyard dev`, of which `--log-level` selects nothing else.

use std::fs;

use serde_json::{Value, json};

use super::{dev::Dev, schema::check_line};

/// The events of these tests with their outcomes.
pub const REPORTED: &[(&str, &str)] = &[
    ("client_registered", "success"),
    ("client_updated", "success"),
    ("client_deleted", "success"),
    ("client_authentication_failed", "failure"),
    ("attempt_throttled", "failure"),
    ("keys_changed", "success"),
];

const MANIFESTS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: open}
spec: {registration: {mode: Open, requestsPerMinute: 4}}
";

/// The objects of the output that have a target, which are lines of the log.
fn lines(dev: &Dev) -> Vec<Value> {
    let output = dev.output();
    let lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"].is_string()).collect()
}

/// Registers a client, changes and deletes it; returns what no line may contain.
async fn register(dev: &Dev) -> Vec<String> {
    let (http, issuer) = (reqwest::Client::new(), format!("{}/default/open", dev.base_url));
    let metadata = json!({"redirect_uris": ["https://rp.test/cb"], "client_name": "Shop"});
    let url = format!("{issuer}/oauth/register");
    let answer = http.post(&url).json(&metadata).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let client: Value = answer.json().await.expect("JSON");
    let of = |name: &str| client[name].as_str().expect("text").to_owned();
    let (uri, token) = (of("registration_client_uri"), of("registration_access_token"));
    let refused = http.get(&uri).bearer_auth("a wrong token").send().await.expect("an answer");
    assert_eq!(refused.status(), 401);
    let mut change = metadata.clone();
    change["client_id"] = client["client_id"].clone();
    let changed = http.put(&uri).bearer_auth(&token).json(&change).send().await;
    assert_eq!(changed.expect("an answer").status(), 200);
    let deleted = http.delete(&uri).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(deleted.status(), 204);
    for _ in 0..5 {
        http.post(&url).json(&json!({"redirect_uris": []})).send().await.expect("an answer");
    }
    vec![token, of("client_secret"), "a wrong token".to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_writes_audit_lines_alone_where_the_filter_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("all.yaml"), MANIFESTS).expect("written");
    let flags = ["--log-format=json", "--log-level=off,audit=info"];
    let dev = Dev::start_with(folder.path(), &flags);
    dev.awaits("Open  ").await;
    let hidden = register(&dev).await;
    dev.awaits("attempt_throttled").await;
    let lines = lines(&dev);
    for line in &lines {
        assert_eq!(line["target"], "audit", "{line}");
        check_line(line);
        let text = line.to_string();
        assert!(!hidden.iter().any(|it| text.contains(it.as_str())), "{text}");
    }
    for (event, outcome) in REPORTED {
        let found = lines.iter().any(|it| it["event"] == *event && it["outcome"] == *outcome);
        assert!(found, "no {event} {outcome} in {lines:#?}");
    }
    let of = |event: &str| lines.iter().find(|line| line["event"] == event).expect("one");
    assert_eq!(of("client_deleted")["by"], "client");
    assert_eq!(of("client_authentication_failed")["credential"], "registration_access_token");
    assert_eq!(of("attempt_throttled")["attempt"], "registration");
    let keys = lines.iter().filter(|line| line["event"] == "keys_changed");
    let uses: Vec<_> =
        keys.map(|line| (&line["use"], &line["change"], line.get("tenant"))).collect();
    assert!(uses.contains(&(&json!("sealing"), &json!("published"), None)), "{uses:?}");
    let tenant = json!("default/open");
    assert!(uses.contains(&(&json!("signing"), &json!("published"), Some(&tenant))), "{uses:?}");
}
