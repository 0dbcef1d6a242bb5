//! Providers whose answers cannot be used: each has a page in plain words, an audit line with the
//! cause, and ends only this sign-in.

use std::time::Duration;

use serde_json::json;

use super::{
    app::TestApp,
    attacks::{World, manifests},
    browser::{Browser, Page, claims},
    upstream::Script,
    world::answered_with,
};
use crate::support::tls::TlsServer;

/// Panics unless a page and the audit line of its request contain these texts.
fn assert_shown_and_logged(
    app: &TestApp,
    page: &Page,
    (status, text): (u16, &str),
    (reason, cause): (&str, &str),
) {
    assert_eq!(page.status, status, "{cause}: {:?} {}", page.left_for, page.body);
    assert!(page.body.contains(text), "{text}: {}", page.body);
    assert!(page.body.contains("Start again"), "nothing is lost: {}", page.body);
    let line = app.audit.last("sign_in");
    assert_eq!((&line["outcome"], &line["reason"]), (&json!("failure"), &json!(reason)), "{line}");
    let found = line["cause"].as_str().unwrap_or_default();
    assert!(found.contains(cause), "{cause}: {line}");
    assert_eq!(line["request_id"], page.headers["x-request-id"].to_str().expect("text"));
}

const BROKEN: (u16, &str) = (502, "could not be used");
const CLAIMS: (u16, &str) = (502, "did not say enough about you, or too much");
const AWAY: (u16, &str) = (503, "does not answer at the moment");

#[tokio::test]
async fn failures_that_the_provider_reports_are_its_own() {
    let world = World::new().await;
    for (error, shown, reason) in [
        ("temporarily_unavailable", AWAY, "provider_unavailable"),
        ("server_error", AWAY, "provider_unavailable"),
        ("invalid_request", BROKEN, "provider_answer"),
    ] {
        let away = world.go("corp", &[]).await;
        let page = world.back(&away, "corp", &[("code", ""), ("error", error)]).await;
        assert_shown_and_logged(&world.app, &page, shown, (reason, error));
    }
}

#[tokio::test]
async fn answers_that_are_huge_wrong_or_redirect_are_reported() {
    let world = World::new().await;
    let answers: [(_, _, (&str, &str)); 6] = [
        ((200, "x".repeat(1_000_000)), BROKEN, ("provider_answer", "larger than")),
        ((200, "<html>".to_owned()), BROKEN, ("provider_answer", "token response")),
        ((302, String::new()), BROKEN, ("provider_answer", "302")),
        (
            (400, r#"{"error":"invalid_grant"}"#.to_owned()),
            BROKEN,
            ("provider_answer", "invalid_grant"),
        ),
        (
            (401, r#"{"error":"invalid_client"}"#.to_owned()),
            BROKEN,
            ("provider_answer", "invalid_client"),
        ),
        ((503, String::new()), AWAY, ("provider_unavailable", "503")),
    ];
    for (answer, shown, told) in answers {
        let page = world.sign_in("corp", |script| script.token_response = Some(answer)).await;
        assert_shown_and_logged(&world.app, &page, shown, told);
    }
    let counted = ["provider_failed", "failed"].map(|outcome| answered_with(&world.app, outcome));
    assert_eq!(counted, [6, 0], "none is a fault of this installation");
    assert!(world.sign_in("corp", |_| {}).await.left_for.is_some(), "the next sign-in succeeds");
}

/// Groups with names of a length.
fn groups(count: usize, length: usize) -> Vec<String> {
    (0..count).map(|nth| format!("{nth:0length$}")).collect()
}

#[tokio::test]
async fn claims_without_an_account_are_reported() {
    let world = World::new().await;
    for (id_token, cause) in [
        (json!({"preferred_username": null}), "preferred_username"),
        (json!({"preferred_username": ""}), "preferred_username"),
        (json!({"preferred_username": ["ada"]}), "preferred_username"),
        (json!({"sub": "5".repeat(5 * 1024)}), "sub"),
    ] {
        let page = world.sign_in("corp", |script| script.id_token = id_token).await;
        assert_shown_and_logged(&world.app, &page, CLAIMS, ("claims", cause));
    }
    let page = world.sign_in("corp", |script| script.id_token = json!({"sub": null})).await;
    assert_shown_and_logged(&world.app, &page, BROKEN, ("provider_answer", "sub"));
    assert!(world.app.audit.of("person_admitted").is_empty(), "nothing is stored");
}

#[tokio::test]
async fn too_many_groups_are_reported_and_never_cut() {
    let world = World::new().await;
    for (groups, shown, told) in [
        (groups(2000, 9), CLAIMS, ("claims", "2000 groups, more than 1000")),
        (groups(900, 40), CLAIMS, ("claims", "bytes of JSON, more than 32768")),
        (groups(2000, 40), CLAIMS, ("claims", "bytes, more than 65536")),
    ] {
        let page = world.sign_in("corp", |script| script.id_token = json!({"groups": groups}));
        assert_shown_and_logged(&world.app, &page.await, shown, told);
        assert!(world.app.audit.last("sign_in").to_string().len() < 2048, "no groups in the line");
    }
    let all = groups(1000, 9);
    let page = world.sign_in("corp", |script| script.id_token = json!({"groups": all})).await;
    let found = world.id_token(&page).await["groups"].as_array().map(Vec::len);
    assert_eq!(found, Some(1000), "all of them");
    let (before, after) =
        ("{claim: groups, prefix: \"corp:\"}", "{claim: groups, include: [\"000000007\"]}");
    world.serve(&[(before, after)]);
    let all = groups(2000, 9);
    let page = world.sign_in("corp", |script| script.id_token = json!({"groups": all})).await;
    assert_eq!(world.id_token(&page).await["groups"], json!(["000000007"]), "those that count");
}

#[tokio::test]
async fn a_provider_that_changes_its_keys_is_followed() {
    let world = World::new().await;
    // The published key is that of another pair when the person leaves for the provider, and right at the answer.
    let before = |script: &mut Script| {
        script.kid = "before";
        script.unsigned = true;
    };
    let page = world.sign_in("corp", before).await;
    assert_shown_and_logged(&world.app, &page, BROKEN, ("provider_answer", "signature"));
    world.app.clock.advance(Duration::from_mins(1));
    let away = world.go("corp", &[]).await;
    world.upstream.answers(|_| {});
    let page = world.back(&away, "corp", &[]).await;
    assert!(
        page.left_for.is_some(),
        "the new key is fetched though the old one is fresh: {}",
        page.body
    );
    // A token that no published key has signed.
    let world = World::new().await;
    let page = world.sign_in("corp", |script| script.unsigned = true).await;
    assert_shown_and_logged(&world.app, &page, BROKEN, ("provider_answer", "signature"));
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_reported_and_delays_only_its_people() {
    let world = World::new().await;
    let other = world.go("corp", &[]).await;
    let nonce = other.request["nonce"].clone();
    let slow = world.go("corp", &[]).await;
    world.upstream.answers(|script| script.delay = Duration::from_secs(60));
    let started = tokio::time::Instant::now();
    let page = world.back(&slow, "corp", &[]).await;
    assert_shown_and_logged(
        &world.app,
        &page,
        AWAY,
        ("provider_unavailable", "did not answer in time"),
    );
    assert!(started.elapsed() < Duration::from_secs(30));
    world.upstream.answers(|_| {});
    *world.upstream.nonce.lock().expect("whole") = nonce;
    assert!(
        world.back(&other, "corp", &[]).await.left_for.is_some(),
        "the other person is signed in"
    );
}

/// The URL that a browser is sent to at the provider, for an application with these parameters.
async fn url_at_provider(world: &World, more: &[(&str, &str)]) -> Result<String, Box<Page>> {
    let mut parameters = vec![("identity_provider", "corp")];
    parameters.extend_from_slice(more);
    let url = world.application().await.authorize_url("openid profile email", &parameters);
    let page = Browser::new().open(&url).await;
    page.left_for.clone().map(String::from).ok_or_else(|| Box::new(page))
}

/// Longest URL of a request to a provider.
const MAX_URL: usize = 8000;

#[tokio::test]
async fn no_request_to_a_provider_is_longer_than_servers_take() {
    let world = World::new().await;
    let usual = url_at_provider(&world, &[]).await.unwrap_or_else(|page| panic!("{}", page.body));
    let usual_state = state_of(&usual).len();
    assert!(usual_state < 1100, "{usual_state}");
    // The state contains the request of the application in base64url: four characters for three bytes.
    let mut last = usual_state;
    let mut refused = None;
    for thousands in 1..=8 {
        let state = "s".repeat(thousands * 1000);
        match url_at_provider(&world, &[("state", &state)]).await {
            Ok(url) => {
                assert!(refused.is_none(), "a shorter one was refused");
                assert!(url.len() <= MAX_URL, "{}", url.len());
                let length = state_of(&url).len();
                assert!(length > last && length < usual_state + thousands * 1400, "{length}");
                last = length;
            }
            Err(page) => {
                let shown = (400, "asks for more than can be passed on to Acme");
                let told = ("request_too_long", "more than 8000, since it carries the request");
                assert_shown_and_logged(&world.app, &page, shown, told);
                refused = refused.or(Some(thousands));
            }
        }
    }
    assert!(refused.is_some_and(|thousands| thousands >= 4), "{refused:?}");
    // The whole URL counts, whatever makes it long.
    for name in ["login_hint", "ui_locales"] {
        let long = "e".repeat(7000);
        let page = url_at_provider(&world, &[(name, &long)]).await;
        assert_eq!(page.err().map(|page| page.status), Some(400), "{name}");
    }
}

fn state_of(url: &str) -> String {
    let url = url::Url::parse(url).expect("a URL");
    let state = url.query_pairs().find(|(name, _)| name == "state");
    state.expect("a state").1.into_owned()
}

#[tokio::test]
async fn a_provider_deleted_during_a_sign_in_is_reported() {
    let world = World::new().await;
    let away = world.go("corp", &[]).await;
    world.serve(&[("metadata: {name: corp}", "metadata: {name: renamed}")]);
    let page = world.back(&away, "corp", &[]).await;
    let shown = (404, "It was removed or changed a moment ago.");
    assert_shown_and_logged(&world.app, &page, shown, ("provider_gone", ""));
    assert_eq!(world.app.audit.last("sign_in")["provider"], "corp");
}

/// The page of a provider at an address that the server cannot use.
async fn sent_to(app: &TestApp) -> Page {
    let secret = Some("a secret of at least thirty-two characters");
    let issuer = app.issuer("main");
    let application =
        super::browser::Application::discover(&issuer, "default.app", secret, "https://rp.test/cb");
    let url = application.await.authorize_url("openid", &[("identity_provider", "corp")]);
    Browser::new().open(&url).await
}

#[tokio::test]
async fn a_provider_inside_the_network_is_called_only_if_the_installation_says_so() {
    let upstream = super::upstream::Upstream::start().await;
    let manifests = manifests(&upstream.issuer, &[]);
    let app = TestApp::start_guarded(&manifests).await;
    let page = sent_to(&app).await;
    assert_shown_and_logged(
        &app,
        &page,
        (502, "so it was not asked"),
        ("provider_unavailable", "list the host of an identity provider in upstreamHosts"),
    );
    assert!(!page.body.contains("127.0.0.1:"), "the person does not see it: {}", page.body);
}

#[tokio::test]
async fn an_expired_certificate_is_reported() {
    let server = TlsServer::start(2020, async |_| {}).await;
    let issuer = format!("https://localhost:{}", server.port);
    let manifests = manifests(&issuer, &[]);
    let app = TestApp::start_trusting(&manifests, &server.certificate).await;
    let page = sent_to(&app).await;
    assert_shown_and_logged(&app, &page, AWAY, ("provider_unavailable", "expired"));
}

#[tokio::test]
async fn the_same_person_signs_in_from_two_tabs() {
    let world = World::new().await;
    let (application, browser) = (world.application().await, Browser::new());
    let mut tabs = Vec::new();
    for _ in 0..2 {
        let more = [("identity_provider", "corp"), ("prompt", "login")];
        let page = browser.open(&application.authorize_url("openid", &more)).await;
        let url = page.left_for.unwrap_or_else(|| panic!("{} {}", page.status, page.body));
        tabs.push(url.query_pairs().into_owned().collect::<std::collections::BTreeMap<_, _>>());
    }
    let mut sessions = Vec::new();
    for tab in &tabs {
        world.upstream.nonce.lock().expect("whole").clone_from(&tab["nonce"]);
        let auth_time = json!(lanyard::model::Clock::now(&*world.app.clock).secs());
        world.upstream.answers(|script| script.id_token = json!({"auth_time": auth_time}));
        let callback = format!("{}/callback/corp", world.app.issuer("main"));
        let answer = [("code", "a-code"), ("state", tab["state"].as_str())];
        let url = url::Url::parse_with_params(&callback, answer).expect("a URL");
        let page = browser.open(url.as_str()).await;
        let tokens = world.tokens(&page).await;
        sessions.push(claims(tokens["id_token"].as_str().expect("an ID token"))["sid"].clone());
    }
    assert!(sessions[0].is_string());
    assert_eq!(sessions[0], sessions[1], "one session, which the second tab continues");
    assert!(world.app.audit.of("logout").is_empty(), "nothing has ended");
}
