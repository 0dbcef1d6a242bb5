//! The `claims` parameter and authentication levels (OIDC Core §5.5, §3.1.2.1).

use serde_json::{Value, json};

use super::{
    browser::{Application, Browser, agree, claims},
    world::{ALICE, World, is_consent, sign_in},
};

/// The claims of the ID token and of userinfo after a request in a browser where Alice is signed in.
async fn granted(
    client: &Application,
    browser: &Browser,
    changes: &[(&str, &str)],
) -> (Value, Value) {
    let page = browser.open(&client.authorize_url("openid", changes)).await;
    let (status, tokens) = client.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let (status, person) = client.userinfo(tokens["access_token"].as_str().expect("one")).await;
    assert_eq!(status, 200, "{person}");
    (claims(tokens["id_token"].as_str().expect("one")), person)
}

#[tokio::test]
async fn requested_claims_are_returned_where_they_were_requested() {
    // OIDC Core §5.5
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let asked = json!({
        "userinfo": { "name": { "essential": true }, "nickname": null, "groups": null, "tenant_sub": null },
        "id_token": { "email": null, "auth_time": { "essential": true } },
    });
    let (id_token, person) = granted(&trusted, &browser, &[("claims", &asked.to_string())]).await;
    assert_eq!(person["name"], "Alice Rivera");
    assert_eq!(id_token["email"], "alice@example.com");
    assert!(id_token["auth_time"].is_i64());
    assert!(person.get("email").is_none() && id_token.get("name").is_none());
    assert!(person.get("nickname").is_none(), "Alice has no nickname");
    assert_eq!(person["groups"], json!([]), "Alice has no groups");
    assert!(person.get("tenant_sub").is_none(), "no scope of the application contains it");
}

#[tokio::test]
async fn consent_is_required_for_claims_requested_by_name() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, Browser::new());
    let page = browser.open(&wiki.authorize_url("openid", &[])).await;
    let page = sign_in(&browser, &page, ALICE).await;
    assert!(agree(&browser, page).await.answer().contains_key("code"));
    let asked = json!({ "userinfo": { "given_name": null } }).to_string();
    let page = browser.open(&wiki.authorize_url("openid", &[("claims", &asked)])).await;
    assert!(is_consent(&page) && page.body.contains("See your given name"), "{}", page.body);
    assert!(agree(&browser, page).await.answer().contains_key("code"));
    let page = browser.open(&wiki.authorize_url("openid", &[("claims", &asked)])).await;
    assert!(page.answer().contains_key("code"), "the consent is stored");
}

#[tokio::test]
async fn requested_sub_must_be_the_signed_in_user() {
    // OIDC Core §5.5.1
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let alice = world.app.subject("shop", "alice");
    for (subject, good) in [(alice.as_str(), true), ("another-subject", false)] {
        let asked = json!({ "id_token": { "sub": { "value": subject } } }).to_string();
        let changes = [("claims", asked.as_str()), ("prompt", "none")];
        let answer = browser.open(&trusted.authorize_url("openid", &changes)).await.answer();
        let error = answer.get("error").map(String::as_str);
        assert_eq!(error, (!good).then_some("login_required"), "{subject}");
    }
}

#[tokio::test]
async fn claims_parameter_must_be_a_json_object() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    for asked in ["nonsense", "[]", r#"{"userinfo":7}"#] {
        let url = trusted.authorize_url("openid", &[("claims", asked)]);
        assert_eq!(browser.open(&url).await.answer()["error"], "invalid_request", "{asked}");
    }
}

#[tokio::test]
async fn acr_is_the_level_that_the_sign_in_reached() {
    // OIDC Core §2, acr
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    assert_eq!(trusted.metadata["acr_values_supported"], json!(["urn:shop:two", "urn:shop:one"]));
    for wanted in ["", "urn:shop:two", "urn:shop:two urn:shop:one", "unknown"] {
        let (id_token, _) = granted(&trusted, &browser, &[("acr_values", wanted)]).await;
        assert_eq!(id_token["acr"], "urn:shop:one", "{wanted}");
    }
}

#[tokio::test]
async fn essential_acr_that_cannot_be_reached_is_an_error() {
    // OIDC Core §5.5.1.1
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    for (values, error) in [
        (json!(["urn:shop:two"]), Some("unmet_authentication_requirements")),
        (json!(["urn:shop:two", "urn:shop:one"]), None),
    ] {
        let acr = json!({ "essential": true, "values": values });
        let asked = json!({ "id_token": { "acr": acr } }).to_string();
        let page = browser.open(&trusted.authorize_url("openid", &[("claims", &asked)])).await;
        assert_eq!(page.answer().get("error").map(String::as_str), error, "{values}");
    }
}

#[tokio::test]
async fn display_and_locale_hints_do_not_change_the_answer() {
    // OIDC Core §3.1.2.1
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    for display in ["page", "popup", "touch", "wap"] {
        let changes = [
            ("display", display),
            ("ui_locales", "fr-CA fr en"),
            ("claims_locales", "de"),
            ("unknown", "parameter"),
        ];
        let (_, person) = granted(&trusted, &browser, &changes).await;
        assert_eq!(person["sub"], world.app.subject("shop", "alice"));
    }
}
