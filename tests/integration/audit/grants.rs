//! Tokens: issued by each grant type, replayed, revoked; and clients that do not prove their identity.

use lanyard::model::{Clock, GrantType};
use serde_json::{Value, json};

use super::{
    browser::{Application, Browser},
    world::{ADA, World},
};
use crate::support::publisher::signed;

/// The events of these tests with their outcomes.
pub const REPORTED: &[(&str, &str)] = &[
    ("token_issued", "success"),
    ("code_replayed", "failure"),
    ("refresh_token_replayed", "failure"),
    ("token_revoked", "success"),
    ("client_authentication_failed", "failure"),
    ("access_withdrawn", "success"),
    ("consent_requested", "success"),
    ("consent_requested", "failure"),
];

const SCOPE: &str = "openid offline_access";

/// A code for Ada.
async fn code(world: &World, app: &Application) -> String {
    let url = app.authorize_url(SCOPE, &[]);
    world.code(&world.sign_in(&Browser::new(), &url, ADA).await)
}

/// A successful token request.
async fn tokens(world: &World, app: &Application, parameters: &[(&str, &str)]) -> Value {
    let (status, tokens) = app.token(parameters).await;
    assert_eq!(status, 200, "{tokens}");
    world.hide_tokens(&tokens);
    tokens
}

/// The tokens of a code.
async fn redeemed(world: &World, app: &Application, code: &str) -> Value {
    let (status, tokens) = app.redeem(code).await;
    assert_eq!(status, 200, "{tokens}");
    world.hide_tokens(&tokens);
    tokens
}

/// Uses a refresh token.
async fn refreshed(world: &World, app: &Application, refresh_token: &Value) -> Value {
    let token = refresh_token.as_str().expect("a token");
    tokens(world, app, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

/// Gets tokens by a grant type; returns the tokens that the last line has to name. A new grant type
/// does not compile without its line here.
async fn use_grant(world: &World, app: &Application, grant_type: GrantType) -> Value {
    match grant_type {
        GrantType::AuthorizationCode => {
            let code = code(world, app).await;
            let line = world.app.audit.last("token_issued");
            assert_eq!(line["tokens"], json!(["code"]), "{line}");
            assert_eq!(line["grant_type"], "authorization_code");
            assert_eq!(line["provider"], "Local");
            redeemed(world, app, &code).await;
            json!(["access_token", "id_token", "refresh_token"])
        }
        GrantType::Implicit => {
            let more = [("response_type", "id_token token"), ("scope", "openid")];
            let url = app.authorize_url("openid", &more);
            let answer = world.sign_in(&Browser::new(), &url, ADA).await.answer();
            world.hide(&answer["access_token"]);
            world.hide(&answer["id_token"]);
            json!(["access_token", "id_token"])
        }
        GrantType::RefreshToken => {
            let first = redeemed(world, app, &code(world, app).await).await;
            refreshed(world, app, &first["refresh_token"]).await;
            json!(["access_token", "id_token", "refresh_token"])
        }
        GrantType::DeviceCode => use_device_code(world, app, grant_type).await,
        GrantType::Ciba => ask_over_backchannel(world, app, grant_type).await,
        GrantType::TokenExchange => exchange_token(world, app, grant_type).await,
        GrantType::JwtBearer => use_assertion(world, app, grant_type).await,
        GrantType::ClientCredentials => {
            tokens(world, app, &[("grant_type", "client_credentials")]).await;
            json!(["access_token"])
        }
    }
}

/// Lets a device in, which gets its tokens.
async fn use_device_code(world: &World, app: &Application, grant_type: GrantType) -> Value {
    let asked = app.post("device_authorization_endpoint", &[("scope", SCOPE)]).await;
    let codes: Value = asked.json().await.expect("JSON");
    world.hide(codes["device_code"].as_str().expect("a code"));
    world.hide(codes["user_code"].as_str().expect("a code"));
    let browser = Browser::new();
    let page = browser.open(codes["verification_uri_complete"].as_str().expect("a URL")).await;
    let page = browser.submit(&page.form("/device"), &[]).await;
    let fields = [("username", ADA.0), ("password", ADA.1), ("action", "sign-in")];
    let page = browser.submit(&page.form("/login"), &fields).await;
    let page = browser.submit(&page.form("/consent"), &[("action", "allow")]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(world.app.audit.last("consent_given")["device_address"], "127.0.0.1");
    let device_code = codes["device_code"].as_str().expect("a code");
    let sent = [("grant_type", grant_type.as_str()), ("device_code", device_code)];
    tokens(world, app, &sent).await;
    json!(["access_token", "id_token", "refresh_token"])
}

/// Asks Ada over the backchannel, who allows it on the account page.
async fn ask_over_backchannel(world: &World, app: &Application, grant_type: GrantType) -> Value {
    let sent = [("scope", SCOPE), ("login_hint", ADA.0)];
    let asked = app.post("backchannel_authentication_endpoint", &sent).await;
    let asked: Value = asked.json().await.expect("JSON");
    let id = asked["auth_req_id"].as_str().expect("an id");
    world.hide(id);
    let line = world.app.audit.last("consent_requested");
    assert_eq!(
        (&line["client"], &line["device_address"]),
        (&json!("default/app"), &json!("127.0.0.1"))
    );
    let browser = Browser::new();
    let page = browser.open(&format!("{}/account", world.app.issuer("main"))).await;
    let fields = [("username", ADA.0), ("password", ADA.1), ("action", "sign-in")];
    let page = browser.submit(&page.form("/login"), &fields).await;
    let waiting = page.body.split("name=\"request\" value=\"").nth(1).expect("a request");
    let request = waiting.split('"').next().expect("an id");
    let page = browser.submit(&page.form("/account"), &[("request", request)]).await;
    let page = browser.submit(&page.form("/consent"), &[("action", "allow")]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    // A name that no user has may be a secret that was typed into the wrong field.
    world.hide("forbidden name");
    let unknown = [("scope", SCOPE), ("login_hint", "forbidden name")];
    assert_eq!(app.post("backchannel_authentication_endpoint", &unknown).await.status(), 400);
    world.check(&[("consent_requested", "success"), ("consent_requested", "failure")]);
    tokens(world, app, &[("grant_type", grant_type.as_str()), ("auth_req_id", id)]).await;
    json!(["access_token", "id_token", "refresh_token"])
}

/// Exchanges an access token.
async fn exchange_token(world: &World, app: &Application, grant_type: GrantType) -> Value {
    let first = redeemed(world, app, &code(world, app).await).await;
    let sent = [
        ("grant_type", grant_type.as_str()),
        ("subject_token", first["access_token"].as_str().expect("a token")),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", "https://api.test"),
    ];
    tokens(world, app, &sent).await;
    let line = world.app.audit.last("token_issued");
    let issuer = world.app.issuer("main");
    assert_eq!(
        (&line["exchanged_from"], &line["actors"]),
        (&json!(issuer), &json!(["default.app"]))
    );
    json!(["access_token"])
}

/// Sends an assertion of another issuer as the grant.
async fn use_assertion(world: &World, app: &Application, grant_type: GrantType) -> Value {
    let now = world.app.clock.now().secs();
    let issuer = world.app.issuer("main");
    let assertion = signed(&json!({
        "iss": "https://ci.test", "sub": "job", "aud": issuer, "iat": now, "exp": now + 600,
    }));
    let mut bare = app.clone();
    (bare.client_id, bare.client_secret) = ("default.job".to_owned(), None);
    let sent = [("grant_type", grant_type.as_str()), ("assertion", &assertion)];
    tokens(world, &bare, &sent).await;
    json!(["access_token"])
}

#[tokio::test]
async fn tokens_of_every_grant_type_are_reported() {
    let world = World::new().await;
    let app = world.application("app").await;
    for grant_type in GrantType::ALL {
        world.app.audit.clear();
        let expected = use_grant(&world, &app, grant_type).await;
        let line = world.app.audit.last("token_issued");
        assert_eq!(line["grant_type"], grant_type.as_str(), "{line}");
        assert_eq!(line["tokens"], expected, "{line}");
        let is_job = grant_type == GrantType::JwtBearer;
        assert_eq!(line["client"], if is_job { "default/job" } else { "default/app" });
        let has_person = grant_type != GrantType::ClientCredentials && !is_job;
        let ada = has_person.then(|| json!(world.app.subject("main", "ada")));
        assert_eq!(line.get("subject"), ada.as_ref(), "{line}");
        for name in ["sid", "grant_id"] {
            assert_eq!(line.get(name).is_some(), has_person, "{name} in {line}");
        }
        assert!(line["jti"].is_string() && line["request_id"].is_string(), "{line}");
        world.check(&[("token_issued", "success")]);
    }
}

#[tokio::test]
async fn replays_are_reported_once_with_the_grant() {
    let world = World::new().await;
    let app = world.application("app").await;
    let code = code(&world, &app).await;
    redeemed(&world, &app, &code).await;
    for _ in 0..2 {
        assert_eq!(app.redeem(&code).await.0, 400);
    }
    let lines = world.app.audit.of("code_replayed");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let ada = json!(world.app.subject("main", "ada"));
    assert_eq!((&lines[0]["subject"], &lines[0]["client"]), (&ada, &json!("default/app")));
    assert!(lines[0]["granted_at"].is_string(), "{lines:#?}");

    let first = redeemed(&world, &app, &self::code(&world, &app).await).await;
    refreshed(&world, &app, &first["refresh_token"]).await;
    world.app.clock.advance(std::time::Duration::from_mins(1));
    let stolen = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first["refresh_token"].as_str().expect("one")),
    ];
    for _ in 0..2 {
        assert_eq!(app.token(&stolen).await.0, 400);
    }
    let lines = world.app.audit.of("refresh_token_replayed");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert_eq!((&lines[0]["subject"], &lines[0]["endpoint"]), (&ada, &json!("token")));
    world.check(&REPORTED[1..3]);
}

#[tokio::test]
async fn a_revocation_is_reported_once() {
    let world = World::new().await;
    let app = world.application("app").await;
    let tokens = redeemed(&world, &app, &code(&world, &app).await).await;
    let refresh_token = tokens["refresh_token"].as_str().expect("a token");
    for _ in 0..2 {
        let answer = app.post("revocation_endpoint", &[("token", refresh_token)]).await;
        assert_eq!(answer.status(), 200);
    }
    let lines = world.app.audit.of("token_revoked");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert_eq!(lines[0]["token"], "refresh_token");
    assert_eq!(lines[0]["grant_id"], world.app.audit.last("token_issued")["grant_id"]);
    world.check(&[("token_revoked", "success")]);
}

#[tokio::test]
async fn a_withdrawal_on_the_account_page_is_reported_once() {
    let world = World::new().await;
    let (app, browser) = (world.application("app").await, Browser::new());
    let url = app.authorize_url(SCOPE, &[]);
    let code = world.code(&world.sign_in(&browser, &url, ADA).await);
    redeemed(&world, &app, &code).await;
    let page = browser.open(&format!("{}/account", world.app.issuer("main"))).await;
    let form = page.form("/account");
    world.hide(&form.fields[0].1);
    for _ in 0..2 {
        let page = browser.submit(&form, &[("application", "default.app")]).await;
        assert_eq!(page.status, 200, "{}", page.body);
    }
    let lines = world.app.audit.of("access_withdrawn");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let ada = json!(world.app.subject("main", "ada"));
    assert_eq!((&lines[0]["subject"], &lines[0]["grants"]), (&ada, &json!(1)));
    assert_eq!(lines[0]["sid"], world.app.audit.last("sign_in")["sid"]);
    world.check(&[("access_withdrawn", "success")]);
}

#[tokio::test]
async fn a_client_that_does_not_prove_its_identity_is_reported() {
    let world = World::new().await;
    let mut app = world.application("app").await;
    app.client_secret = Some("a guess of the secret".to_owned());
    world.hide("a guess of the secret");
    assert_eq!(app.token(&[("grant_type", "client_credentials")]).await.0, 401);
    let line = world.app.audit.last("client_authentication_failed");
    let members = (&line["client"], &line["client_id"], &line["credential"]);
    assert_eq!(members, (&json!("default/app"), &json!("default.app"), &json!("client")));
    assert!(line["cause"].as_str().is_some_and(|cause| cause.contains("secret")), "{line}");
    app.client_id = "default.nobody".to_owned();
    assert_eq!(app.token(&[("grant_type", "client_credentials")]).await.0, 401);
    let line = world.app.audit.last("client_authentication_failed");
    assert_eq!((line.get("client"), &line["client_id"]), (None, &json!("default.nobody")));
    world.check(&[("client_authentication_failed", "failure")]);
}
