//! Devices that people let in, and people who may not.

use std::time::Duration;

use serde_json::json;

use super::{
    authenticator::{enter, set_up_app},
    browser::{Application, Browser, claims},
    world::{
        ALICE, GRANT_TYPE, World, allow, answer, ask, assert_error, codes, is_question, poll,
        sign_in, text, type_code,
    },
};
use crate::support::dpop::DpopKey;

#[tokio::test]
async fn a_person_lets_a_device_in() {
    // RFC 8628 §3.2 to §3.5
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, Browser::new());
    let codes = codes(&tv, "openid profile offline_access").await;
    assert_eq!(codes["verification_uri"], world.page());
    let user_code = text(&codes, "user_code");
    assert_eq!(user_code.len(), 9, "{user_code}");
    let complete = format!("{}?user_code={user_code}", world.page());
    assert_eq!(codes["verification_uri_complete"], complete);
    assert_eq!((&codes["expires_in"], &codes["interval"]), (&json!(600), &json!(5)));
    assert_error(&poll(&tv, &codes).await, "authorization_pending");

    let typed = user_code.to_lowercase().replace('-', "");
    let page = type_code(&browser, &world.page(), &typed).await;
    assert!(page.body.contains("to continue to <strong>Living Room TV</strong>"), "{}", page.body);
    let page = sign_in(&browser, &page, ALICE).await;
    assert!(is_question(&page), "whatever the consent of the client: {}", page.body);
    for words in ["Allow Living Room TV?", user_code, "from the address 127.0.0.1", "Alice Rivera"]
    {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let reloaded = browser.open(page.url.as_str()).await;
    assert!(is_question(&reloaded));
    world.wait();
    assert_error(&poll(&tv, &codes).await, "authorization_pending");
    let page = answer(&browser, &reloaded, "allow").await;
    assert!(
        page.left_for.is_none() && page.body.contains("The device has access"),
        "{}",
        page.body
    );

    world.wait();
    let (status, tokens) = poll(&tv, &codes).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(tokens["scope"], "offline_access openid profile");
    let id_token = claims(text(&tokens, "id_token"));
    assert_eq!((&id_token["aud"], &id_token["amr"]), (&json!("default.tv"), &json!(["pwd"])));
    assert_eq!(id_token["name"], "Alice Rivera", "a claim of the scope profile");
    assert_eq!(tv.userinfo(text(&tokens, "access_token")).await.0, 200);
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_eq!(tv.token(&refresh).await.0, 200);
    let line = world.app.audit.last("consent_given");
    assert_eq!(
        (&line["client"], &line["device_address"]),
        (&json!("default/tv"), &json!("127.0.0.1"))
    );
}

#[tokio::test]
async fn a_person_refuses_a_device() {
    // RFC 8628 §3.5
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let refused = codes(&tv, "openid").await;
    let page = type_code(&browser, &world.page(), text(&refused, "user_code")).await;
    let page = answer(&browser, &page, "deny").await;
    assert!(
        page.left_for.is_none() && page.body.contains("The device has no access"),
        "{}",
        page.body
    );
    assert_error(&poll(&tv, &refused).await, "access_denied");
    let line = world.app.audit.last("consent_refused");
    assert_eq!(line["device_address"], "127.0.0.1");
    world.wait();
    assert_error(&poll(&tv, &refused).await, "access_denied");

    let cancelled = codes(&tv, "openid").await;
    let stranger = Browser::new();
    let page = type_code(&stranger, &world.page(), text(&cancelled, "user_code")).await;
    let page = stranger.submit(&page.form("/login"), &[("action", "cancel")]).await;
    assert!(page.body.contains("The device has no access"), "{}", page.body);
    let lines = world.app.audit.of("consent_refused");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!((lines[1].get("subject"), &lines[1]["client"]), (None, &json!("default/tv")));
    assert_error(&poll(&tv, &cancelled).await, "access_denied");
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes() {
    // RFC 8628 §3.5
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let (first, second) = (codes(&tv, "openid").await, codes(&tv, "openid").await);
    let question = type_code(&browser, &world.page(), text(&first, "user_code")).await;
    world.app.clock.advance(Duration::from_mins(10));
    assert_error(&poll(&tv, &first).await, "expired_token");
    let page = answer(&browser, &question, "allow").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("This code is no longer valid"), "{}", page.body);
    let page = type_code(&browser, &world.page(), text(&second, "user_code")).await;
    assert!(page.status == 422 && page.body.contains("No device is waiting"), "{}", page.body);
    world.app.clock.advance(Duration::from_mins(10));
    assert_error(&poll(&tv, &first).await, "expired_token");
}

#[tokio::test]
async fn the_client_authenticates_and_has_the_grant_type() {
    // RFC 8628 §3.1
    let world = World::new().await;
    let mut cli = world.application("cli").await;
    let asked = codes(&cli, "openid").await;
    assert_error(&poll(&cli, &asked).await, "authorization_pending");
    cli.client_secret = Some("wrong".to_owned());
    assert_eq!(ask(&cli, &[]).await.0, 401);
    assert_eq!(poll(&cli, &asked).await.0, 401);
    let web = world.application("web").await;
    assert_error(&ask(&web, &[("scope", "openid")]).await, "unauthorized_client");
    let tv = world.application("tv").await;
    let asked = codes(&tv, "openid").await;
    world.change("device_code\", refresh_token]", "device_code\"]");
    assert_error(&poll(&tv, &asked).await, "authorization_pending");
    world.change(
        "  grantTypes: [\"urn:ietf:params:oauth:grant-type:device_code\", refresh_token]",
        "  redirectUris: [\"https://tv.test/cb\"]\n  grantTypes: [authorization_code, refresh_token]",
    );
    world.wait();
    assert_error(&poll(&tv, &asked).await, "unauthorized_client");
    let browser = world.signed_in(ALICE).await;
    let page = type_code(&browser, &world.page(), text(&asked, "user_code")).await;
    assert_eq!(page.status, 400, "{}", page.body);
}

#[tokio::test]
async fn metadata_has_the_endpoint_where_a_client_has_the_grant() {
    // RFC 8628 §4
    let world = World::new().await;
    for (tenant, has) in [("shop", true), ("plain", false)] {
        let issuer = world.app.issuer(tenant);
        let found = Application::discover(&issuer, "x", None, "https://rp.test/cb").await.metadata;
        let endpoint = format!("{issuer}/oauth/device_authorization");
        assert_eq!(found["device_authorization_endpoint"] == endpoint.as_str(), has, "{found}");
        let grants = found["grant_types_supported"].as_array().expect("a list");
        assert_eq!(grants.contains(&json!(GRANT_TYPE)), has, "{grants:?}");
    }
}

#[tokio::test]
async fn scopes_and_resources_follow_their_policies() {
    // RFC 6749 §3.3, RFC 8707 §2
    let world = World::new().await;
    let tv = world.application("tv").await;
    assert_error(&ask(&tv, &[("scope", "admin")]).await, "invalid_scope");
    let of_tickets = [("resource", "https://tickets.test/api"), ("scope", "openid tickets.read")];
    assert_error(&ask(&tv, &[("resource", "https://unknown.test")]).await, "invalid_target");
    let details = ("authorization_details", r#"[{"type":"payment"}]"#);
    assert_error(&ask(&tv, &[details]).await, "invalid_authorization_details");
    let long = format!("openid {}", "x".repeat(3000));
    assert_error(&ask(&tv, &[("scope", &long)]).await, "invalid_request");

    let (status, codes) = ask(&tv, &of_tickets).await;
    assert_eq!(status, 200, "{codes}");
    let browser = world.signed_in(ALICE).await;
    let page = type_code(&browser, &world.page(), text(&codes, "user_code")).await;
    assert!(
        page.body.contains("Ticket Office") && page.body.contains("See tickets"),
        "{}",
        page.body
    );
    answer(&browser, &page, "allow").await;
    let device_code = text(&codes, "device_code");
    let narrowed = [
        ("grant_type", GRANT_TYPE),
        ("device_code", device_code),
        ("resource", "https://unknown.test"),
    ];
    assert_error(&tv.token(&narrowed).await, "invalid_target");
    let (status, tokens) = poll(&tv, &codes).await;
    assert_eq!(status, 200, "the refusal has not used the code up: {tokens}");
    assert_eq!(claims(text(&tokens, "access_token"))["aud"], "https://tickets.test/api");
}

#[tokio::test]
async fn a_person_reads_the_authorization_details_of_a_device() {
    // RFC 9396 §3
    let world = World::new().await;
    let tv = world.application("tv").await;
    let sent =
        [("scope", "openid"), ("authorization_details", r#"[{"type":"refund","ticket":7}]"#)];
    let incomplete = [("authorization_details", r#"[{"type":"refund"}]"#)];
    assert_error(&ask(&tv, &incomplete).await, "invalid_authorization_details");
    let (status, codes) = ask(&tv, &sent).await;
    assert_eq!(status, 200, "{codes}");
    let browser = world.signed_in(ALICE).await;
    let page = type_code(&browser, &world.page(), text(&codes, "user_code")).await;
    for words in ["Ticket Office", ">Refund a ticket<", ">ticket: <bdi>7<"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    answer(&browser, &page, "allow").await;
    let (status, tokens) = poll(&tv, &codes).await;
    assert_eq!(status, 200, "{tokens}");
    let token = claims(text(&tokens, "access_token"));
    assert_eq!(token["aud"], "https://tickets.test/api");
    for details in [&tokens["authorization_details"], &token["authorization_details"]] {
        assert_eq!(*details, json!([{ "type": "refund", "ticket": 7 }]));
    }
}

/// The tokens of a device that a person lets in.
async fn tokens_of(world: &World, tv: &Application, request: &[(&str, &str)]) -> serde_json::Value {
    let (status, codes) = ask(tv, request).await;
    assert_eq!(status, 200, "{codes}");
    allow(world, &world.signed_in(ALICE).await, &codes).await;
    let (status, tokens) = poll(tv, &codes).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

#[tokio::test]
async fn scopes_that_the_client_may_not_use_are_left_out() {
    // RFC 6749 §3.3
    let world = World::new().await;
    let tv = world.application("tv").await;
    let tokens = tokens_of(&world, &tv, &[("scope", "openid frobnicate profile email")]).await;
    assert_eq!(tokens["scope"], "openid profile");
    assert_eq!(claims(text(&tokens, "id_token"))["name"], "Alice Rivera");
    let tokens = tokens_of(&world, &tv, &[("scope", "openid frobnicate")]).await;
    assert_eq!(tokens["scope"], "openid");
    assert_eq!(
        claims(text(&tokens, "id_token")).get("name"),
        None,
        "of a scope that was not asked for"
    );
    // Without a scope: the client's own, except openid and offline_access.
    let tokens = tokens_of(&world, &tv, &[]).await;
    assert_eq!(tokens["scope"], "profile");
    assert_eq!(tokens.get("id_token"), None, "of a scope that was not asked for");
}

#[tokio::test]
async fn access_rules_decide_who_may_let_a_device_in() {
    let world = World::new().await;
    let (payroll, browser) = (world.application("payroll").await, world.signed_in(ALICE).await);
    let asked = codes(&payroll, "openid").await;
    let page = type_code(&browser, &world.page(), text(&asked, "user_code")).await;
    assert!(page.status == 403 && page.body.contains("You may not use payroll"), "{}", page.body);
    assert_error(&poll(&payroll, &asked).await, "authorization_pending");
    // A rule that refuses between the answer and the poll.
    let tv = world.application("tv").await;
    let allowed = codes(&tv, "openid").await;
    allow(&world, &browser, &allowed).await;
    world.change("clientName: Living Room TV", "access: {groups: [finance]}");
    assert_error(&poll(&tv, &allowed).await, "invalid_grant");
    world.app.serve(super::world::MANIFESTS);
    world.wait();
    assert_eq!(poll(&tv, &allowed).await.0, 200, "the refusal has not used the code up");
}

#[tokio::test]
async fn a_required_level_needs_the_second_factor() {
    let world = World::new().await;
    world.change(
        "displayName: Harbour Works",
        "displayName: Harbour Works\n  authenticators: {totp: Optional}",
    );
    let (vault, browser) = (world.application("vault").await, world.signed_in(ALICE).await);
    let asked = codes(&vault, "openid").await;
    let page = type_code(&browser, &world.page(), text(&asked, "user_code")).await;
    assert!(
        page.status == 403 && page.body.contains("requires a stronger sign-in"),
        "{}",
        page.body
    );
    assert_error(&poll(&vault, &asked).await, "authorization_pending");

    let account = format!("{}/account", world.app.issuer("shop"));
    let app = set_up_app(&browser, &account, &world.app.clock).await;
    let other = Browser::new();
    let page = type_code(&other, &world.page(), text(&asked, "user_code")).await;
    let page = sign_in(&other, &page, ALICE).await;
    let code = app.next_code(&world.app.clock);
    let page = enter(&other, &page, &code).await;
    assert!(is_question(&page), "{}", page.body);
    answer(&other, &page, "allow").await;
    let (status, tokens) = poll(&vault, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(text(&tokens, "id_token"))["acr"], "urn:shop:two");
}

#[tokio::test]
async fn tokens_are_bound_to_the_key_of_a_dpop_proof() {
    // RFC 9449 §5
    use lanyard::model::Clock as _;
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let codes = codes(&tv, "openid offline_access").await;
    allow(&world, &browser, &codes).await;
    let (key, other) = (DpopKey::new(), DpopKey::new());
    let send = |key: &DpopKey, form: Vec<(&'static str, String)>| {
        let endpoint = tv.endpoint("token_endpoint").to_owned();
        let proof = key.proof("POST", &endpoint, world.app.clock.now());
        async move {
            let request = reqwest::Client::new().post(endpoint).header("dpop", proof).form(&form);
            let response = request.send().await.expect("an answer");
            let status = response.status().as_u16();
            (status, response.json::<serde_json::Value>().await.expect("JSON"))
        }
    };
    let redeem = vec![
        ("client_id", tv.client_id.clone()),
        ("grant_type", GRANT_TYPE.to_owned()),
        ("device_code", text(&codes, "device_code").to_owned()),
    ];
    let (status, tokens) = send(&key, redeem).await;
    assert_eq!((status, &tokens["token_type"]), (200, &json!("DPoP")), "{tokens}");
    let access_token = claims(text(&tokens, "access_token"));
    assert_eq!(access_token["cnf"]["jkt"], key.thumbprint());
    let refresh = || {
        vec![
            ("client_id", tv.client_id.clone()),
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", text(&tokens, "refresh_token").to_owned()),
        ]
    };
    assert_error(&send(&other, refresh()).await, "invalid_grant");
    assert_eq!(send(&key, refresh()).await.0, 200);
}

#[tokio::test]
async fn a_device_is_answered_at_another_replica_than_it_polls() {
    let world = World::new().await;
    let (tv, mut browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let replica = world.app.start_replica();
    replica.serve(super::world::MANIFESTS);
    let codes = codes(&tv, "openid").await;
    browser.reach(replica.address.port());
    allow(&world, &browser, &codes).await;
    let (status, tokens) = poll(&tv, &codes).await;
    assert_eq!(status, 200, "{tokens}");
    let form = [
        ("client_id", tv.client_id.as_str()),
        ("grant_type", GRANT_TYPE),
        ("device_code", text(&codes, "device_code")),
    ];
    let url = format!("http://{}/default/shop/oauth/token", replica.address);
    let request = reqwest::Client::new().post(url).form(&form);
    let response =
        request.header("host", world.app.address.to_string()).send().await.expect("an answer");
    let answer = (response.status().as_u16(), response.json().await.expect("JSON"));
    assert_error(&answer, "invalid_grant");
    assert_eq!(tv.userinfo(text(&tokens, "access_token")).await.0, 401, "revoked");
}
