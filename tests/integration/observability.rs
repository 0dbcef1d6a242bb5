//! Metrics and access lines of a running `lanyard dev`.

use std::path::Path;

use serde_json::Value;

use crate::support::{
    browser::{Application, Browser, agree, claims},
    dev::Dev,
    ports::free_port,
};

const ADA: (&str, &str) = ("ada", "correct horse battery staple");

/// The access lines of the log.
fn access_lines(dev: &Dev) -> Vec<Value> {
    let lines = dev.output();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "lanyard::access").collect()
}

/// The value of a series.
fn value(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn access_lines_and_metrics_show_a_sign_in() {
    let admin = free_port();
    let listen = format!("--admin-listen=127.0.0.1:{admin}");
    let flags = ["--log-format=json", &listen, "--metrics-per-tenant=false"];
    let dev = Dev::start_with(Path::new("examples/quickstart"), &flags);
    dev.awaits("Open  ").await;
    let metrics = async || {
        let answer = reqwest::get(format!("http://127.0.0.1:{admin}/metrics")).await;
        answer.expect("an answer").text().await.expect("text")
    };
    let before = metrics().await;
    let none = "lanyard_logins_total{tenant=\"\",provider=\"\",outcome=\"success\"}";
    assert_eq!(value(&before, none), Some(0.0), "{before}");
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let callback = format!("{}/_lanyard/demo/callback", dev.base_url);
    let secret = dev.client_secret("demo");
    let app = Application::discover(&issuer, "default.demo", Some(&secret), &callback).await;
    let browser = Browser::new();
    let page = browser.open(&app.authorize_url("openid", &[])).await;
    let form = page.form("/login");
    let page = browser.submit(&form, &[("username", ADA.0), ("password", ADA.1)]).await;
    let page = agree(&browser, page).await;
    let (status, tokens) = app.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let subject = claims(tokens["id_token"].as_str().expect("a token"))["sub"].clone();
    let access_token = tokens["access_token"].as_str().expect("a token");
    assert_eq!(app.userinfo(access_token).await.0, 200);
    let wrong = Application::discover(&issuer, "default.demo", Some("wrong"), &callback).await;
    assert_eq!(wrong.token(&[("grant_type", "authorization_code")]).await.0, 401);

    dev.awaits("\"status\":401").await;
    let lines = access_lines(&dev);
    describe_the_sign_in(&lines, &subject);
    let first = lines.iter().find(|line| line["endpoint"] == "authorize").expect("a line");
    assert_eq!((&first["client"], first.get("user")), (&"default/demo".into(), None), "{first}");
    let refused = lines.iter().find(|line| line["status"] == 401).expect("a line");
    assert_eq!(refused.get("user"), None, "{refused}");

    let ready = "lanyard_objects{kind=\"Tenant\",ready=\"true\"}";
    let mut after = metrics().await;
    for _ in 0..600 {
        if value(&after, ready) > Some(0.0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        after = metrics().await;
    }
    for series in [
        "lanyard_logins_total{tenant=\"\",provider=\"\",outcome=\"success\"}",
        "lanyard_requests_total{tenant=\"\",endpoint=\"token\",outcome=\"ok\"}",
        "lanyard_store_operation_duration_seconds_count{operation=\"insert\"}",
        ready,
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
    ] {
        assert!(value(&after, series) > Some(0.0), "{series} in {after}");
    }
    has_key_metrics_without_tenants(&after);
}

fn has_key_metrics_without_tenants(metrics: &str) {
    let age = value(metrics, "lanyard_signing_key_age_seconds{tenant=\"\"}");
    assert!((0.0..600.0).contains(&age.expect("a key signs")), "{metrics}");
    let overdue = value(metrics, "lanyard_signing_key_rotation_overdue_seconds{tenant=\"\"}");
    assert_eq!(overdue, Some(0.0));
    assert!(!metrics.contains("default/quickstart"), "{metrics}");
}

/// The lines of a sign-in name its client, user and address.
fn describe_the_sign_in(lines: &[Value], subject: &Value) {
    for endpoint in ["login", "token", "userinfo"] {
        let line = lines.iter().find(|line| line["endpoint"] == endpoint && line["status"] != 401);
        let line = line.unwrap_or_else(|| panic!("no line of {endpoint} in {lines:#?}"));
        assert_eq!(line["client"], "default/demo", "{line}");
        assert_eq!(line["user"], *subject, "{line}");
        assert_eq!(line["address"], "127.0.0.1", "{line}");
        assert_eq!(line["tenant"], "default/quickstart", "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_the_admin_port_are_limited() {
    use tokio::{io::AsyncReadExt, net::TcpStream};
    let admin = free_port();
    let listen = format!("--admin-listen=127.0.0.1:{admin}");
    let dev = Dev::start_with(Path::new("examples/quickstart"), &[&listen]);
    dev.awaits("Open  ").await;
    let mut idle = Vec::new();
    for _ in 0..16 {
        idle.push(TcpStream::connect(("127.0.0.1", admin)).await.expect("connected"));
    }
    let mut further = TcpStream::connect(("127.0.0.1", admin)).await.expect("connected");
    assert!(matches!(further.read(&mut [0]).await, Ok(0) | Err(_)), "it is closed at once");
    // A probe from another address is answered.
    let elsewhere: std::net::IpAddr = [127, 0, 0, 2].into();
    let client = reqwest::Client::builder().local_address(elsewhere).build().expect("a client");
    let answer = client.get(format!("http://127.0.0.1:{admin}/healthz")).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
    idle.clear();
}
