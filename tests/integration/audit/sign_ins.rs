//! Sign-ins with a password, what they lead to, and logout.

use serde_json::{Value, json};

use super::{
    browser::{Browser, Page},
    world::{ADA, BOB, World},
};

/// The events of these tests with their outcomes.
pub const REPORTED: &[(&str, &str)] = &[
    ("sign_in", "success"),
    ("sign_in", "failure"),
    ("step_up", "success"),
    ("step_up", "failure"),
    ("consent_given", "success"),
    ("consent_refused", "failure"),
    ("entry_refused", "failure"),
    ("logout", "success"),
    ("attempt_throttled", "failure"),
];

/// A line without the members that differ in each run.
fn fixed(line: &Value) -> Value {
    let mut line = line.clone();
    for name in ["sid", "request_id", "grant_id", "jti", "subject"] {
        line.as_object_mut().expect("an object").remove(name);
    }
    line
}

async fn sign_in_every_way(world: &World, browser: &mut Browser) -> Page {
    let app = world.application("app").await;
    let url = app.authorize_url("openid", &[]);
    browser.send("user-agent", "Test/1 \"quoted\"");
    for (name, password) in
        [("nobody", "hunter2 is typed"), ("ada", "a typo"), ("eve", "forbidden fruit")]
    {
        world.hide(password);
        assert_eq!(world.sign_in(browser, &url, (name, password)).await.status, 422);
    }
    let answer = world.sign_in(browser, &url, ADA).await;
    world.code(&answer);
    answer
}

#[tokio::test]
async fn a_sign_in_is_reported_with_person_client_and_request() {
    let (world, mut browser) = (World::new().await, Browser::new());
    let page = sign_in_every_way(&world, &mut browser).await;
    let common = json!({
        "schema": 1, "event": "sign_in", "client": "default/app", "client_id": "default.app",
        "provider": "Local", "tenant": "default/main", "endpoint": "login", "address": "127.0.0.1",
        "user_agent": "Test/1 \"quoted\"",
    });
    let with = |more: Value| {
        let mut line = common.clone();
        line.as_object_mut().expect("an object").extend(more.as_object().expect("members").clone());
        line
    };
    let lines = world.app.audit.of("sign_in");
    let expected = [
        with(json!({"outcome": "failure", "reason": "unknown_user"})),
        with(json!({"outcome": "failure", "reason": "wrong_password", "username": "ada"})),
        with(json!({"outcome": "failure", "reason": "disabled", "username": "eve"})),
        with(json!({"outcome": "success", "username": "ada", "amr": ["pwd"]})),
    ];
    assert_eq!(lines.iter().map(fixed).collect::<Vec<_>>(), expected);
    let ada = world.app.subject("main", "ada");
    assert_eq!((&lines[1]["subject"], &lines[3]["subject"]), (&json!(ada), &json!(ada)));
    assert_eq!(lines[0].get("subject"), None, "no user has the name");
    assert_eq!(lines[3]["request_id"], page.headers["x-request-id"].to_str().expect("text"));
    assert!(!json!(lines).to_string().contains("nobody"), "it may be a password");
    world.check(&[("sign_in", "success"), ("sign_in", "failure")]);
}

#[tokio::test]
async fn pages_after_the_sign_in_are_reported() {
    let (world, browser) = (World::new().await, Browser::new());
    let [app, asks, closed, high] = ["app", "asks", "closed", "high"];
    let url = async |name: &str, more: &[(&str, &str)]| {
        world.application(name).await.authorize_url("openid profile", more)
    };
    world.code(&world.sign_in(&browser, &url(app, &[]).await, ADA).await);
    let sid = world.app.audit.last("sign_in")["sid"].clone();
    world.code(&world.sign_in(&browser, &url(app, &[("prompt", "login")]).await, ADA).await);
    let line = world.app.audit.last("step_up");
    assert_eq!(
        (&line["sid"], &line["outcome"], &line["amr"]),
        (&sid, &json!("success"), &json!(["pwd"]))
    );

    for (action, event) in [("deny", "consent_refused"), ("allow", "consent_given")] {
        let page = browser.open(&url(asks, &[]).await).await;
        let answer = browser.submit(&page.form("/consent"), &[("action", action)]).await;
        assert_eq!(answer.answer().contains_key("code"), action == "allow");
        let line = world.app.audit.last(event);
        let expected = (&json!("default/asks"), &json!("openid profile"), &sid);
        assert_eq!((&line["client"], &line["scope"], &line["sid"]), expected);
    }
    let page = browser.open(&url(closed, &[]).await).await;
    assert_eq!(page.status, 403, "{}", page.body);
    let line = world.app.audit.last("entry_refused");
    assert_eq!((&line["by"], &line["client"]), (&json!("OidcClient"), &json!("default/closed")));
    assert!(line["cause"].as_str().is_some_and(|cause| cause == "access.groups"), "{line}");
    // The same button as that of the consent page, but no consent was asked for.
    let refused = world.app.audit.of("consent_refused").len();
    browser.submit(&page.form("/consent"), &[("action", "deny")]).await;
    assert_eq!(world.app.audit.of("consent_refused").len(), refused);

    let answer = browser.open(&url(high, &[]).await).await.answer();
    assert_eq!(answer["error"], "unmet_authentication_requirements");
    let line = world.app.audit.last("step_up");
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&json!("failure"), &json!("level_unreachable"))
    );
    world.check(&REPORTED[2..7]);
}

#[tokio::test]
async fn the_end_of_a_session_is_reported_with_its_kind() {
    let (world, browser) = (World::new().await, Browser::new());
    let app = world.application("app").await;
    let url = app.authorize_url("openid", &[("prompt", "login")]);
    world.code(&world.sign_in(&browser, &url, ADA).await);
    let first = world.app.audit.last("sign_in");
    let page = world.sign_in(&browser, &url, BOB).await;
    let line = world.app.audit.last("logout");
    assert_eq!((&line["kind"], &line["sid"]), (&json!("replaced"), &first["sid"]));
    assert_eq!(line["subject"], first["subject"], "that of the session that ended");

    let second = world.app.audit.last("sign_in");
    let (status, tokens) = app.redeem(&world.code(&page)).await;
    assert_eq!(status, 200, "{tokens}");
    world.hide_tokens(&tokens);
    let end = app.endpoint("end_session_endpoint");
    let hint = tokens["id_token"].as_str().expect("a token");
    browser.open(&format!("{end}?id_token_hint={hint}")).await;
    let line = world.app.audit.last("logout");
    assert_eq!((&line["kind"], &line["sid"]), (&json!("rp_initiated"), &second["sid"]));
    assert_eq!((&line["client_id"], &line["endpoint"]), (&json!("default.app"), &json!("logout")));

    let ada = world.app.subject("main", "ada");
    world.change("username: ada, ", "username: ada, disabled: true, ");
    world.app.wait_until_void("main", &ada).await;
    let line = world.app.audit.last("logout");
    assert_eq!((&line["kind"], &line["subject"]), (&json!("person_ended"), &json!(ada)));
    assert_eq!((line.get("sid"), line.get("request_id")), (None, None), "all sessions, no request");
    world.check(&[("logout", "success")]);
}

#[tokio::test]
async fn attempts_that_come_too_soon_are_reported_as_such() {
    let (world, browser) = (World::new().await, Browser::new());
    let url = world.application("app").await.authorize_url("openid", &[]);
    for _ in 0..5 {
        assert_eq!(world.sign_in(&browser, &url, ("ada", "wrong one")).await.status, 422);
    }
    assert_eq!(world.sign_in(&browser, &url, ADA).await.status, 429);
    let line = world.app.audit.last("attempt_throttled");
    let members =
        ["attempt", "provider", "client_id", "retry_after"].map(|member| line[member].clone());
    assert_eq!(members, [json!("sign_in"), json!("Local"), json!("default.app"), json!(4)]);
    assert_eq!(world.app.audit.of("sign_in").len(), 5, "it was not judged");
    world.hide("wrong one");
    world.check(&[("attempt_throttled", "failure")]);
}
