//! The rules of OpenID Connect CIBA Core 1.0 for requests, their errors and metadata, one row each.

use serde_json::json;

use super::{
    browser::Application,
    world::{ALICE, GRANT_TYPE, World, ask, ask_alice, assert_error, poll, text},
};

/// A request that is refused: the section, the client, the parameters, and the error.
type RefusedRequest =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

const REFUSED: &[RefusedRequest] = &[
    (
        "§7.1 scope has openid",
        "bank",
        &[("login_hint", "alice"), ("scope", "profile")],
        "invalid_scope",
    ),
    ("§7.1 scope is required", "bank", &[("login_hint", "alice")], "invalid_scope"),
    (
        "§13 a scope that the client lacks",
        "bank",
        &[("login_hint", "alice"), ("scope", "admin")],
        "invalid_scope",
    ),
    ("§7.1 a hint is required", "bank", &[("scope", "openid")], "invalid_request"),
    (
        "§7.1 one hint only",
        "bank",
        &[("scope", "openid"), ("login_hint", "alice"), ("id_token_hint", "e.y.J")],
        "invalid_request",
    ),
    (
        "§7.1 login_hint_token is not supported",
        "bank",
        &[("scope", "openid"), ("login_hint_token", "e.y.J")],
        "invalid_request",
    ),
    (
        "§7.1 an ID token of this issuer",
        "bank",
        &[("scope", "openid"), ("id_token_hint", "e.y.J")],
        "invalid_request",
    ),
    (
        "§7.1.1 signed requests are not supported",
        "bank",
        &[("request", "e.y.J"), ("scope", "openid"), ("login_hint", "alice")],
        "invalid_request",
    ),
    (
        "§7.1 requested_expiry is positive",
        "bank",
        &[("scope", "openid"), ("login_hint", "alice"), ("requested_expiry", "0")],
        "invalid_request",
    ),
    (
        "§7.1 requested_expiry is a number",
        "bank",
        &[("scope", "openid"), ("login_hint", "alice"), ("requested_expiry", "1h")],
        "invalid_request",
    ),
    (
        "§13 unknown_user_id",
        "bank",
        &[("scope", "openid"), ("login_hint", "nobody")],
        "unknown_user_id",
    ),
    (
        "§13 a disabled user is unknown",
        "bank",
        &[("scope", "openid"), ("login_hint", "carol")],
        "unknown_user_id",
    ),
    (
        "§13 invalid_binding_message",
        "bank",
        &[("scope", "openid"), ("login_hint", "alice"), ("binding_message", "<b>now</b>")],
        "invalid_binding_message",
    ),
    (
        "§7.1 ping needs client_notification_token",
        "pager",
        &[("scope", "openid"), ("login_hint", "alice")],
        "invalid_request",
    ),
    (
        "§7.1 client_notification_token is a bearer token",
        "pager",
        &[("scope", "openid"), ("login_hint", "alice"), ("client_notification_token", "a b")],
        "invalid_request",
    ),
    (
        "§13 unauthorized_client",
        "web",
        &[("scope", "openid"), ("login_hint", "alice")],
        "unauthorized_client",
    ),
    (
        "RFC 8707 §2",
        "bank",
        &[("scope", "openid"), ("login_hint", "alice"), ("resource", "https://unknown.test")],
        "invalid_target",
    ),
    (
        "RFC 9396 §5",
        "bank",
        &[("scope", "openid"), ("login_hint", "alice"), ("authorization_details", "[]")],
        "invalid_authorization_details",
    ),
    (
        "RFC 6749 §3.1 no parameter twice",
        "bank",
        &[("scope", "openid"), ("login_hint", "alice"), ("login_hint", "bob")],
        "invalid_request",
    ),
];

#[tokio::test]
async fn requests_that_break_a_rule_have_its_error() {
    let world = World::new().await;
    for (rule, client, sent, error) in REFUSED {
        let client = world.application(client).await;
        let (status, body) = ask(&client, sent).await;
        assert_eq!((status, body["error"].as_str()), (400, Some(*error)), "{rule}: {body}");
        assert!(text(&body, "error_description").ends_with('.'), "{rule}: {body}");
    }
    // Those who name an unknown or disabled person are reported, without the name.
    let lines = world.app.audit.of("consent_requested");
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert_eq!((&line["outcome"], line.get("subject")), (&json!("failure"), None), "{line}");
    }
}

#[tokio::test]
async fn parameters_without_a_meaning_are_ignored() {
    // CIBA Core §7.1: user_code is unsupported, and a client that polls has no notification token.
    let world = World::new().await;
    let bank = world.application("bank").await;
    let ignored = [("user_code", "1234"), ("client_notification_token", "a b"), ("unknown", "x")];
    ask_alice(&bank, &ignored).await;
}

#[tokio::test]
async fn the_client_authenticates() {
    // CIBA Core §7.1, §13 invalid_client
    let world = World::new().await;
    let mut bank = world.application("bank").await;
    let asked = ask_alice(&bank, &[]).await;
    for secret in [Some("wrong".to_owned()), None] {
        bank.client_secret = secret;
        let sent = [("scope", "openid"), ("login_hint", "nobody")];
        let (status, body) = ask(&bank, &sent).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_client")), "{body}");
        assert_eq!(poll(&bank, &asked).await.0, 401);
    }
}

#[tokio::test]
async fn a_public_client_cannot_have_the_grant() {
    // CIBA Core §7.1: the client is confidential.
    let world = World::new().await;
    let manifests = super::world::MANIFESTS.replace(
        "  clientName: Harbour Bank\n  consent: Implied\n",
        "  tokenEndpointAuthMethod: none\n",
    );
    world.app.serve_with_problems(&manifests);
    let mut bank = world.application("bank").await;
    bank.client_secret = None;
    let (status, body) = ask(&bank, &[("scope", "openid"), ("login_hint", "alice")]).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")), "{body}");
}

#[tokio::test]
async fn metadata_has_the_endpoint_where_a_client_has_the_grant() {
    // CIBA Core §4
    let world = World::new().await;
    for (tenant, has) in [("shop", true), ("plain", false)] {
        let issuer = world.app.issuer(tenant);
        let found = Application::discover(&issuer, "x", None, "https://rp.test/cb").await.metadata;
        let endpoint = format!("{issuer}/oauth/backchannel_authentication");
        let field = &found["backchannel_authentication_endpoint"];
        assert_eq!(*field == endpoint.as_str(), has, "{found}");
        let modes = &found["backchannel_token_delivery_modes_supported"];
        assert_eq!(*modes == json!(["poll", "ping"]), has, "{found}");
        assert_eq!(found["backchannel_user_code_parameter_supported"] == json!(false), has);
        let signed = "backchannel_authentication_request_signing_alg_values_supported";
        assert!(found.get(signed).is_none(), "requests are not signed");
        let grants = found["grant_types_supported"].as_array().expect("a list");
        assert_eq!(grants.contains(&json!(GRANT_TYPE)), has, "{grants:?}");
    }
}

#[tokio::test]
async fn token_requests_that_break_a_rule_have_its_error() {
    // CIBA Core §10.1, §11
    let world = World::new().await;
    let bank = world.application("bank").await;
    let grant = ("grant_type", GRANT_TYPE);
    assert_error(&bank.token(&[grant]).await, "invalid_request");
    assert_error(&bank.token(&[grant, ("auth_req_id", "forged")]).await, "invalid_grant");
    let web = world.application("web").await;
    assert_error(&web.token(&[grant, ("auth_req_id", "forged")]).await, "unauthorized_client");
    // A value that was sealed for another purpose does not open.
    let browser = super::browser::Browser::new();
    let url = web.authorize_url("openid", &[]);
    let signed_in = web.sign_in(&browser, &url, ALICE).await;
    let code = signed_in["code"].as_str();
    assert_error(&bank.token(&[grant, ("auth_req_id", code)]).await, "invalid_grant");
}
