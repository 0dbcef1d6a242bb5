//! GitHub is asked again about people who are signed in, with the access token of their sign-in.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    app::TestApp,
    browser::{Browser, claims},
    github::{GITHUB, GROUPS, publish, sign_in_with},
    world::{LOGOUT, application, refresh_at, tokens, with_application},
};

const SCOPES: &str = "openid profile email groups offline_access";
const PLACE: (&str, &str) = ("github.com", "https://api.github.com");
const TOKEN: &str = "https://github.com/login/oauth/access_token";
const USER: &str = "https://api.github.com/user";
const TEAMS: &str = "https://api.github.com/user/teams?per_page=100";
const QUARTER: Duration = Duration::from_mins(16);
const RETRY: Duration = Duration::from_secs(31);

/// A person of GitHub who is signed in.
struct Octocat {
    app: TestApp,
    browser: Browser,
    refresh_token: String,
}

impl Octocat {
    async fn signed_in(token_response: Option<Value>) -> Self {
        let refresh = "refresh: {mode: Upstream, interval: 15m, keepFor: 1h}";
        let told = format!("consent: Implied\n  backchannelLogoutUri: {LOGOUT}");
        let manifests = with_application(&GITHUB.replace("# REFRESH", refresh));
        let app = TestApp::start(&manifests.replacen("consent: Implied", &told, 1)).await;
        publish(&app, PLACE, &["acme"]);
        if let Some(response) = token_response {
            app.publish(TOKEN, &response.to_string());
        }
        let browser = Browser::new();
        let page = sign_in_with(&browser, &app, (PLACE.0, SCOPES)).await;
        let tokens = tokens(&app, &page).await;
        let refresh_token = tokens["refresh_token"].as_str().expect("one").to_owned();
        Self { app, browser, refresh_token }
    }

    /// A refresh of tokens at a time after the last one: the groups, or the error.
    async fn groups_after(&mut self, time: Duration) -> Result<Value, Value> {
        self.app.clock.advance(time);
        let (status, tokens) = refresh_at(&application(&self.app).await, &self.refresh_token).await;
        if status != 200 {
            return Err(tokens["error"].clone());
        }
        tokens["refresh_token"].as_str().expect("one").clone_into(&mut self.refresh_token);
        Ok(claims(tokens["id_token"].as_str().expect("one"))["groups"].clone())
    }

    async fn has_session(&self) -> bool {
        let url = application(&self.app).await.authorize_url(SCOPES, &[("prompt", "none")]);
        self.browser.open(&url).await.answer().contains_key("code")
    }

    /// The access tokens with which the person was asked for.
    fn used(&self) -> Vec<String> {
        self.app.calls(USER)
    }
}

fn invalid_grant() -> Result<Value, Value> {
    Err(json!("invalid_grant"))
}

#[tokio::test]
async fn teams_count_at_the_next_refresh_of_tokens() {
    let mut octocat = Octocat::signed_in(None).await;
    let team = json!([{"slug": "ops", "name": "Ops", "organization": {"login": "acme"}}]);
    octocat.app.publish(TEAMS, &team.to_string());
    let before = json!(GROUPS);
    assert_eq!(octocat.groups_after(Duration::from_mins(14)).await, Ok(before));
    assert_eq!(octocat.groups_after(QUARTER).await, Ok(json!(["acme:ops"])));
    assert_eq!(octocat.used(), ["Bearer gho_x", "Bearer gho_x"]);
}

#[tokio::test]
async fn a_withdrawn_access_token_ends_the_session_for_good() {
    let mut octocat = Octocat::signed_in(None).await;
    let mut notifications = octocat.app.receive(LOGOUT);
    octocat.app.publish_with_status(USER, 401, r#"{"message": "Bad credentials"}"#);
    assert_eq!(octocat.groups_after(QUARTER).await, invalid_grant());
    notifications.recv().await.expect("the application is told");
    publish(&octocat.app, PLACE, &["acme"]);
    assert!(!octocat.has_session().await);
    assert_eq!(octocat.groups_after(QUARTER).await, invalid_grant());
}

#[tokio::test]
async fn a_limit_of_requests_and_an_outage_are_survived_for_a_while() {
    let mut octocat = Octocat::signed_in(None).await;
    let before = json!(GROUPS);
    for (status, text) in [
        (403, r#"{"message": "API rate limit exceeded for user ID 1."}"#),
        (429, r#"{"message": "You have exceeded a secondary rate limit."}"#),
        (502, "<html>"),
    ] {
        octocat.app.publish_with_status(TEAMS, status, text);
        assert_eq!(octocat.groups_after(QUARTER).await, Ok(before.clone()), "{status}");
    }
    assert_eq!(
        octocat.groups_after(QUARTER).await,
        Err(json!("temporarily_unavailable")),
        "keepFor is over"
    );
    publish(&octocat.app, PLACE, &["acme"]);
    assert_eq!(octocat.groups_after(RETRY).await, Ok(before), "nothing has ended");
    assert!(octocat.has_session().await);
}

#[tokio::test]
async fn unreadable_teams_or_a_lost_membership_refuse_tokens_until_they_are_back() {
    let mut octocat = Octocat::signed_in(None).await;
    let forbidden: fn(&TestApp) = |app| {
        let text = r#"{"message": "Resource protected by organization SAML enforcement."}"#;
        app.publish_with_status(TEAMS, 403, text);
    };
    let partial: fn(&TestApp) = |app| app.publish(TEAMS, "partial:[]");
    let outside: fn(&TestApp) = |app| publish(app, PLACE, &["Evil"]);
    let other: fn(&TestApp) = |app| app.publish(USER, r#"{"id": 1, "login": "octocat"}"#);
    for (index, change) in [forbidden, partial, outside, other].into_iter().enumerate() {
        change(&octocat.app);
        assert_eq!(octocat.groups_after(QUARTER).await, invalid_grant(), "{index}");
        assert!(!octocat.has_session().await, "{index}");
        publish(&octocat.app, PLACE, &["acme"]);
        let back = octocat.groups_after(RETRY).await;
        assert_eq!(back, Ok(json!(GROUPS)), "{index}");
        assert!(octocat.has_session().await, "{index}");
    }
}

/// The tokens of people are for the host where they signed in.
#[tokio::test]
async fn another_host_gets_no_token() {
    let mut octocat = Octocat::signed_in(None).await;
    let new = ("ghe.test", "https://ghe.test/api/v3");
    publish(&octocat.app, new, &["acme"]);
    let moved = "refresh: {mode: Upstream, interval: 15m, keepFor: 1h}\n  identityKey: github.com";
    let manifests = with_application(&GITHUB.replace("# REFRESH", moved));
    octocat.app.serve(&manifests.replace("# HOST", "host: ghe.test"));
    assert_eq!(octocat.groups_after(QUARTER).await, Ok(json!(GROUPS)), "for keepFor");
    assert_eq!(octocat.groups_after(Duration::from_mins(60)).await, invalid_grant());
    assert!(octocat.app.calls("https://ghe.test/api/v3/user").is_empty());
    assert!(octocat.app.calls("https://ghe.test/login/oauth/access_token").is_empty());
}

/// User access tokens of a GitHub App expire after eight hours.
#[tokio::test]
async fn an_expired_access_token_is_renewed_first() {
    let first = json!({"access_token": "ghu_1", "refresh_token": "ghr_1", "token_type": "bearer"});
    let mut octocat = Octocat::signed_in(Some(first)).await;
    assert!(octocat.groups_after(QUARTER).await.is_ok());
    assert_eq!(octocat.app.calls(TOKEN).len(), 1, "the token has not expired yet");
    // The new token is refused, too, so the session at GitHub seems to have ended. The tokens are kept nevertheless.
    let second = json!({"access_token": "ghu_2", "refresh_token": "ghr_2", "token_type": "bearer"});
    octocat.app.publish(TOKEN, &second.to_string());
    octocat.app.publish_with_status(USER, 401, "{}");
    assert!(octocat.groups_after(QUARTER).await.is_ok(), "the tokens are new ones");
    publish(&octocat.app, PLACE, &["acme"]);
    assert!(octocat.groups_after(QUARTER).await.is_ok());
    let used = ["ghu_1", "ghu_1", "ghu_1", "ghu_2", "ghu_2"].map(|token| format!("Bearer {token}"));
    assert_eq!(octocat.used(), used);
    assert!(octocat.app.calls(TOKEN)[1].contains("grant_type=refresh_token&refresh_token=ghr_1"));
    // GitHub sends errors with the status 200.
    octocat.app.publish_with_status(USER, 401, "{}");
    octocat.app.publish(TOKEN, r#"{"error": "bad_refresh_token"}"#);
    assert_eq!(octocat.groups_after(QUARTER).await, invalid_grant());
    assert!(octocat.app.calls(TOKEN)[2].contains("refresh_token=ghr_2"));
    assert!(!octocat.has_session().await);
}
