//! Sign-ins of clients that a document describes: pages, tokens, and what remains of them.

use lanyard::model::Clock;
use serde_json::{Value, json};

use super::{
    browser::{Browser, VERIFIER, claims},
    dpop::DpopKey,
    publisher::signed,
    world::{
        ALICE, REDIRECT, TICKETS, URL, World, answer, assert_page, document, is_consent, refresh,
        sign_in, text,
    },
};

/// The public half of the key of `signed`.
const JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[tokio::test]
async fn a_document_can_require_bound_tokens_and_pushed_requests() {
    // RFC 9449 §5.2, RFC 9126 §6
    let world = World::new().await;
    let mut restricted = document(URL);
    restricted["dpop_bound_access_tokens"] = json!(true);
    world.publish(&restricted);
    let notes = world.notes().await;
    let url = notes.authorize_url("openid offline_access", &[]);
    let code = notes.sign_in(&Browser::new(), &url, ALICE).await["code"].clone();
    let (status, refused) = notes.redeem(&code).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_dpop_proof")), "{refused}");
    let (key, endpoint) = (DpopKey::new(), notes.endpoint("token_endpoint"));
    let form = [
        ("client_id", URL),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let proof = key.proof("POST", endpoint, world.app.clock.now());
    let request = reqwest::Client::new().post(endpoint).header("dpop", proof).form(&form);
    let tokens: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(tokens["token_type"], "DPoP", "{tokens}");
    let (status, refused) = refresh(&notes, &tokens).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_dpop_proof")), "{refused}");
    restricted["require_pushed_authorization_requests"] = json!(true);
    world.publish(&restricted);
    world.wait(3600);
    assert_page(&Browser::new().open(&url).await, "pushed");
}

#[tokio::test]
async fn a_client_signs_a_person_in_without_registration() {
    let world = World::new().await;
    let notes = world.notes().await;
    assert_eq!(notes.metadata["client_id_metadata_document_supported"], true);
    let tokens = world.tokens(&notes).await;
    assert_eq!(claims(text(&tokens, "id_token"))["aud"], URL);
    let access = claims(text(&tokens, "access_token"));
    assert_eq!(access["client_id"], URL);
    let (status, person) = notes.userinfo(text(&tokens, "access_token")).await;
    assert_eq!((status, &person["email"]), (200, &json!("alice@example.com")));
    let (status, refreshed) = refresh(&notes, &tokens).await;
    assert_eq!(status, 200, "{refreshed}");
    assert_ne!(refreshed["refresh_token"], tokens["refresh_token"], "tokens always rotate");
    assert_eq!(world.app.fetches(URL), 1, "the document is cached");
    // No object stands behind the client: its place in audit lines is the URL.
    for event in ["sign_in", "consent_given", "token_issued"] {
        for line in world.app.audit.of(event) {
            assert_eq!((&line["client"], &line["client_id"]), (&json!(URL), &json!(URL)), "{line}");
        }
    }
    assert!(!world.app.audit.of("sign_in").is_empty());
}

#[tokio::test]
async fn consent_is_asked_each_time_and_names_both_hosts() {
    // §8.1, §8.5
    let world = World::new().await;
    let (notes, browser) = (world.notes().await, Browser::new());
    let page = browser.open(&notes.authorize_url("openid email", &[])).await;
    assert!(page.body.contains("<strong>app.test</strong>"), "{}", page.body);
    let page = sign_in(&browser, &page).await;
    assert!(is_consent(&page), "{}", page.body);
    assert!(page.body.contains("describes itself at <strong>app.test</strong>"));
    assert!(page.body.contains("It redirects you to <strong>app.test</strong>"));
    assert!(answer(&browser, &page, "allow").await.answer().contains_key("code"));
    let again = browser.open(&notes.authorize_url("openid email", &[])).await;
    assert!(is_consent(&again), "asked again: {}", again.body);
    let refused = answer(&browser, &again, "deny").await;
    assert_eq!(refused.answer()["error"], "access_denied");
}

#[tokio::test]
async fn a_link_does_not_redirect_to_a_url_that_anyone_can_choose() {
    // RFC 9700 §4.11.2. With and without a session the answer is the same, so it reveals nothing about the person.
    let world = World::new().await;
    let (notes, signed_in) = (world.notes().await, Browser::new());
    notes.sign_in(&signed_in, &notes.authorize_url("openid", &[]), ALICE).await;
    for (name, value, words) in [
        ("prompt", "none", "prompt=none"),
        ("scope", "unknown", "scope"),
        ("response_type", "token", "response_type"),
        ("request", "not-a-jwt", "request"),
        ("acr_values", "x", ""),
    ] {
        let url = notes.authorize_url("openid", &[(name, value)]);
        for browser in [&signed_in, &Browser::new()] {
            let page = browser.open(&url).await;
            assert!(page.left_for.is_none(), "{name}: {:?}", page.left_for);
            assert!(page.body.contains(words), "{name}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn a_program_on_the_device_is_named_as_one() {
    let world = World::new().await;
    let browser = Browser::new();
    // RFC 8252 §7.3: any port.
    let notes = world.application(URL, "http://127.0.0.1:51004/cb").await;
    let page = browser.open(&notes.authorize_url("openid", &[])).await;
    let page = sign_in(&browser, &page).await;
    assert!(is_consent(&page) && page.body.contains("a program on this device"), "{}", page.body);
    assert!(page.body.contains("<strong>127.0.0.1</strong>"));
    let code = answer(&browser, &page, "allow").await.answer().remove("code").expect("a code");
    assert_eq!(notes.redeem(&code).await.0, 200);
}

#[tokio::test]
async fn a_token_for_a_resource_server_of_the_policy() {
    // RFC 8707
    let world = World::new().await;
    let (notes, browser) = (world.notes().await, Browser::new());
    let resource = [("resource", TICKETS)];
    let url = notes.authorize_url("tickets.read", &resource);
    let page = browser.open(&url).await;
    let page = sign_in(&browser, &page).await;
    assert!(page.body.contains("Tickets") && page.body.contains("See tickets"), "{}", page.body);
    let code = answer(&browser, &page, "allow").await.answer().remove("code").expect("a code");
    let (status, tokens) = notes.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    let access = claims(text(&tokens, "access_token"));
    assert_eq!((&access["aud"], &access["scope"]), (&json!(TICKETS), &json!("tickets.read")));
    for other in ["https://invoices.test/api", "https://unknown.test"] {
        let page = browser.open(&notes.authorize_url("openid", &[("resource", other)])).await;
        assert_page(&page, "resource");
    }
}

#[tokio::test]
async fn pkce_is_required() {
    let world = World::new().await;
    let notes = world.notes().await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let page = Browser::new().open(&notes.authorize_url("openid", &without)).await;
    assert_page(&page, "code_challenge");
    let url = notes.authorize_url("openid", &[]);
    let code = &notes.sign_in(&Browser::new(), &url, ALICE).await["code"];
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
    let (status, refused) = notes.token(&form).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{refused}");
}

#[tokio::test]
async fn a_pushed_request_is_of_the_document_too() {
    // RFC 9126
    let world = World::new().await;
    let notes = world.notes().await;
    let url = url::Url::parse(&notes.authorize_url("openid", &[])).expect("a URL");
    let parameters: Vec<_> = url.query_pairs().into_owned().collect();
    let parameters: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| name != "client_id")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let pushed = notes.post("pushed_authorization_request_endpoint", &parameters).await;
    assert_eq!(pushed.status().as_u16(), 201);
    let pushed: serde_json::Value = pushed.json().await.expect("JSON");
    let reference = [("client_id", URL), ("request_uri", text(&pushed, "request_uri"))];
    let mut url = url::Url::parse(notes.endpoint("authorization_endpoint")).expect("a URL");
    url.query_pairs_mut().extend_pairs(reference);
    let answer = notes.sign_in(&Browser::new(), url.as_str(), ALICE).await;
    assert_eq!(notes.redeem(&answer["code"]).await.0, 200);
}

#[tokio::test]
async fn a_key_in_the_document_makes_the_client_confidential() {
    // §8.2, RFC 7523 §2.2
    let world = World::new().await;
    let jwks_uri = "https://app.test/jwks";
    world.app.publish(jwks_uri, JWKS);
    let inline: serde_json::Value = serde_json::from_str(JWKS).expect("JSON");
    for (name, keys) in [("inline", ("jwks", inline)), ("by URL", ("jwks_uri", json!(jwks_uri)))] {
        let url = format!("https://app.test/{}", name.replace(' ', "-"));
        let mut confidential = document(&url);
        confidential["token_endpoint_auth_method"] = json!("private_key_jwt");
        confidential[keys.0] = keys.1;
        world.app.publish(&url, &confidential.to_string());
        let notes = world.application(&url, REDIRECT).await;
        let request = notes.authorize_url("openid offline_access", &[]);
        let code = &notes.sign_in(&Browser::new(), &request, ALICE).await["code"];
        let (status, refused) = notes.redeem(code).await;
        assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")), "{name}");
        let now = world.app.clock.now().secs();
        let assertion = signed(&json!({
            "iss": url, "sub": url, "aud": world.app.issuer("any"), "iat": now, "exp": now + 60,
            "jti": name,
        }));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        let (status, tokens) = notes.token(&form).await;
        assert_eq!(status, 200, "{name}: {tokens}");
    }
}

#[tokio::test]
async fn the_account_page_shows_and_ends_its_access() {
    let world = World::new().await;
    let notes = world.notes().await;
    let browser = Browser::new();
    let url = notes.authorize_url("openid offline_access", &[]);
    let code = &notes.sign_in(&browser, &url, ALICE).await["code"];
    let (_, tokens) = notes.redeem(code).await;
    let page = browser.open(&format!("{}/account", world.app.issuer("any"))).await;
    assert!(
        page.body.contains("It describes itself at <strong>app.test</strong>"),
        "{}",
        page.body
    );
    let page = browser.submit(&page.form("/account"), &[("application", URL)]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let (status, refused) = refresh(&notes, &tokens).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{refused}");
    let line = world.app.audit.last("access_withdrawn");
    assert_eq!(line["client_id"], URL, "{line}");
}

#[tokio::test]
async fn every_replica_knows_the_grants_and_fetches_the_document_when_it_needs_it() {
    let world = World::new().await;
    let notes = world.notes().await;
    let tokens = world.tokens(&notes).await;
    let replica = world.app.start_replica();
    let at_replica = |method: reqwest::Method, endpoint: &str| {
        let mut url = url::Url::parse(notes.endpoint(endpoint)).expect("a URL");
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        url.set_port(Some(replica.address.port())).expect("an http URL");
        reqwest::Client::new().request(method, url).header("host", host)
    };
    let shown = at_replica(reqwest::Method::GET, "userinfo_endpoint")
        .bearer_auth(text(&tokens, "access_token"));
    assert_eq!(shown.send().await.expect("an answer").status().as_u16(), 200);
    assert_eq!(world.app.fetches(URL), 1, "a token needs no document");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&tokens, "refresh_token")),
        ("client_id", URL),
    ];
    let refreshed = at_replica(reqwest::Method::POST, "token_endpoint").form(&form);
    assert_eq!(refreshed.send().await.expect("an answer").status().as_u16(), 200);
    assert_eq!(world.app.fetches(URL), 2);
}
