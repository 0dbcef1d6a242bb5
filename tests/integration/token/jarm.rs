//! Authorization responses as JWTs (JWT Secured Authorization Response Mode, JARM), and attacks with them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    browser::{Application, Browser, Page, agree, verified},
    publisher::signed,
    world::{ALICE, World, text},
};

/// Names and values of a response that the browser posts.
fn posted(page: &Page) -> BTreeMap<String, String> {
    page.form("/cb").fields.into_iter().collect()
}

/// The claims of the only parameter of a response.
async fn response(client: &Application, answer: &BTreeMap<String, String>) -> Value {
    assert_eq!(answer.keys().collect::<Vec<_>>(), ["response"]);
    verified(&answer["response"], &client.jwks().await, &client.client_id)
}

/// The response to a request of Alice, who is signed in.
async fn answer(browser: &Browser, client: &Application, more: &[(&str, &str)]) -> Page {
    browser.open(&client.authorize_url("openid", &[&[("prompt", "none")], more].concat())).await
}

#[tokio::test]
async fn each_advertised_mode_is_the_mode_of_the_response() {
    // JARM §2.3; OAuth 2.0 Multiple Response Types §2.1
    let world = World::new().await;
    let alice = world.alice().await;
    let modes = alice.web.metadata["response_modes_supported"].as_array().expect("a list").clone();
    let names =
        ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"];
    assert_eq!(modes, names);
    for mode in names {
        let page = answer(&alice.browser, &alice.web, &[("response_mode", mode)]).await;
        if mode.starts_with("form_post") {
            assert_eq!((page.status, &page.left_for), (200, &None), "{mode}");
        } else {
            let left_for = page.left_for.as_ref().expect("back at the application");
            assert_eq!(left_for.fragment().is_some(), mode.starts_with("fragment"), "{mode}");
        }
        let answer = if mode.starts_with("form_post") { posted(&page) } else { page.answer() };
        assert_eq!(answer.contains_key("response"), mode.contains("jwt"), "{mode}: {answer:?}");
        if mode.contains("jwt") {
            assert!(response(&alice.web, &answer).await["code"].is_string(), "{mode}");
        } else {
            assert!(answer.contains_key("code"), "{mode}");
        }
    }
}

#[tokio::test]
async fn the_jwt_names_its_issuer_and_recipient_and_expires() {
    // JARM §2.1, §2.4
    let world = World::new().await;
    let alice = world.alice().await;
    let page = answer(&alice.browser, &alice.web, &[("response_mode", "jwt")]).await;
    let claims = response(&alice.web, &page.answer()).await;
    let issuer = world.app.issuer("shop");
    assert_eq!((&claims["iss"], &claims["state"]), (&json!(issuer), &json!("a-state")));
    assert_eq!(claims["aud"], "default.web");
    let lifetime = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    assert_eq!(lifetime, Some(300), "at most ten minutes");
    assert!(claims.get("sub").is_none() && claims.get("nonce").is_none(), "{claims}");
    let (status, tokens) = alice.web.redeem(text(&claims, "code")).await;
    assert_eq!(status, 200, "{tokens}");
}

#[tokio::test]
async fn sign_in_pages_and_refused_consent_answer_with_a_jwt() {
    let world = World::new().await;
    let (web, browser) = (world.application("web").await, Browser::new());
    let url = web.authorize_url("openid", &[("response_mode", "jwt")]);
    let claims = response(&web, &web.sign_in(&browser, &url, ALICE).await).await;
    assert_eq!(web.redeem(text(&claims, "code")).await.0, 200);
    world.change("  consent: Implied\n  redirectUris: [\"https://rp.test/cb\"]\n  grantTypes: [authorization_code, refresh_token, client_credentials]\n  scopes", "  redirectUris: [\"https://rp.test/cb\"]\n  grantTypes: [authorization_code, refresh_token, client_credentials]\n  scopes");
    let page = browser.open(&web.authorize_url("openid email", &[("response_mode", "jwt")])).await;
    let denied = browser.submit(&page.form("/consent"), &[("action", "deny")]).await;
    let claims = response(&web, &denied.answer()).await;
    assert_eq!((&claims["error"], &claims["state"]), (&json!("access_denied"), &json!("a-state")));
    let allowed = agree(&browser, page).await;
    assert!(response(&web, &allowed.answer()).await["code"].is_string());
}

#[tokio::test]
async fn every_error_that_goes_to_the_application_is_signed() {
    // JARM §2.1
    let world = World::new().await;
    let alice = world.alice().await;
    for (more, error) in [
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("response_type", "id_token")], "unauthorized_client"),
        (vec![("response_type", "nonsense")], "unsupported_response_type"),
        (vec![("scope", "nonsense")], "invalid_scope"),
        (vec![("resource", "https://unknown.test")], "invalid_target"),
        (vec![("registration", "{}")], "registration_not_supported"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("request", "nonsense")], "invalid_request_object"),
        (vec![("request_uri", "https://unknown.test/x")], "invalid_request_uri"),
        (vec![("id_token_hint", "nonsense")], "invalid_request"),
        (vec![("max_age", "-1")], "invalid_request"),
    ] {
        let more = [&more[..], &[("response_mode", "jwt")]].concat();
        let page = answer(&alice.browser, &alice.web, &more).await;
        let claims = response(&alice.web, &page.answer()).await;
        assert_eq!(claims["error"], error, "{more:?}: {claims}");
        assert!(text(&claims, "error_description").ends_with('.'), "{claims}");
        assert_eq!((&claims["state"], claims.get("code")), (&json!("a-state"), None));
    }
    let page = answer(&Browser::new(), &alice.web, &[("response_mode", "form_post.jwt")]).await;
    assert_eq!(response(&alice.web, &posted(&page)).await["error"], "login_required");
    // An error without a proven redirect URI is a page.
    let more = [("response_mode", "jwt"), ("redirect_uri", "https://evil.test/cb")];
    let page = answer(&alice.browser, &alice.web, &more).await;
    assert_eq!((page.status, &page.left_for), (400, &None), "{}", page.body);
}

#[tokio::test]
async fn tokens_never_leave_in_a_query() {
    // JARM §2.3.1
    let world = World::new().await;
    let alice = world.alice().await;
    let before =
        "  grantTypes: [authorization_code, client_credentials]\n  scopes: [openid, badges]\n";
    let after = "  grantTypes: [authorization_code, implicit]\n  scopes: [openid, badges]\n  responseTypes: [code, code id_token, id_token token]\n";
    world.change(before, after);
    let poster = world.application("poster").await;
    for (response_type, mode, refused) in [
        ("code id_token", "query.jwt", true),
        ("code id_token", "query", true),
        ("id_token token", "query.jwt", true),
        ("code id_token", "jwt", false),
        ("id_token token", "jwt", false),
        ("id_token token", "fragment.jwt", false),
    ] {
        let more = [("response_type", response_type), ("response_mode", mode)];
        let page = answer(&alice.browser, &poster, &more).await;
        let left_for = page.left_for.as_ref().expect("back at the application");
        assert!(left_for.query().is_none() && left_for.fragment().is_some(), "{mode}: {left_for}");
        let answer = page.answer();
        if !mode.contains("jwt") {
            assert_eq!(answer["error"], "invalid_request", "{answer:?}");
            continue;
        }
        let claims = response(&poster, &answer).await;
        assert_eq!(claims["error"] == "invalid_request", refused, "{mode}: {claims}");
        assert_eq!(claims["id_token"].is_string(), !refused, "{mode}: {claims}");
    }
}

#[tokio::test]
async fn other_modes_are_refused_and_modes_are_not_mixed() {
    // JARM §2.3
    let world = World::new().await;
    let alice = world.alice().await;
    for mode in
        ["query.jwe", "jwt.jwt", ".jwt", "jwt query", "JWT", "query.jwt ", "form_post.jwt.jwt"]
    {
        let answer = answer(&alice.browser, &alice.web, &[("response_mode", mode)]).await.answer();
        assert_eq!(answer["error"], "invalid_request", "{mode}");
    }
    for (first, second) in [("query", "jwt"), ("jwt", "query"), ("jwt", "jwt")] {
        let url =
            alice.web.authorize_url("openid", &[("prompt", "none"), ("response_mode", first)]);
        let page = alice.browser.open(&format!("{url}&response_mode={second}")).await;
        assert!(!page.answer().contains_key("code"), "{first}, {second}");
    }
    // The mode of a signed request object counts (RFC 9101 §6.3).
    let keys = "  jwks: {keys: [{kty: OKP, crv: Ed25519, kid: one, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}\n";
    let before = "  scopes: [openid, profile, email, groups, tenant, offline_access, badges]\n";
    world.change(before, &format!("{before}{keys}"));
    let issuer = world.app.issuer("shop");
    let object = |mode: &str| {
        signed(&json!({
            "iss": "default.web", "aud": issuer, "client_id": "default.web",
            "response_type": "code", "response_mode": mode,
        }))
    };
    for (outside, inside) in [("query", "fragment.jwt"), ("fragment.jwt", "query")] {
        let object = object(inside);
        let more = [("response_mode", outside), ("request", &object)];
        let page = answer(&alice.browser, &alice.web, &more).await;
        let left_for = page.left_for.as_ref().expect("back at the application");
        assert_eq!(left_for.fragment().is_some(), inside.starts_with("fragment"), "{inside}");
        assert_eq!(page.answer().contains_key("response"), inside.contains("jwt"), "{inside}");
    }
}

#[tokio::test]
async fn a_response_is_refused_as_another_token() {
    // RFC 8725 §3.12
    let world = World::new().await;
    let alice = world.alice().await;
    let page = answer(&alice.browser, &alice.web, &[("response_mode", "jwt")]).await;
    let jwt = page.answer().remove("response").expect("a response");
    let hint = answer(&alice.browser, &alice.web, &[("id_token_hint", &jwt)]).await.answer();
    assert_eq!(hint["error"], "invalid_request");
    assert_eq!(alice.web.userinfo(&jwt).await.0, 401);
    let about = alice.web.post("introspection_endpoint", &[("token", &jwt)]).await;
    assert_eq!(about.json::<Value>().await.expect("JSON"), json!({ "active": false }));
    let end = alice.web.endpoint("end_session_endpoint");
    let page = alice.browser.open(&format!("{end}?id_token_hint={jwt}")).await;
    assert_eq!(page.status, 400, "{}", page.body);
}
