//! FAPI 2.0 Security Profile: authorization requests and responses.

use serde_json::{Value, json};

use super::{
    browser::{Browser, Page},
    dpop::DpopKey,
    world::{ALICE, World, assert_error, text},
};

fn assert_page(page: &Page, words: &str) {
    assert_eq!((page.status, &page.left_for), (400, &None), "{}", page.body);
    assert!(page.body.contains(words), "{words}: {}", page.body);
}

#[tokio::test]
async fn fapi2_security_profile_final_happy_flow() {
    let world = World::new().await;
    for (tenant, name) in [("secure", "app"), ("secure", "other"), ("plain", "own")] {
        let party = world.party(tenant, name).await;
        let url = party.pushed_url(&[]).await;
        let page = party.sign_in(&Browser::new(), &url).await;
        // §5.3.2.2: the status 303, and `iss`
        assert_eq!(page.status, 303);
        let answer = page.answer();
        assert_eq!((&*answer["iss"], &*answer["state"]), (party.issuer(), "a-state"));
        let (status, tokens) = party.token(&party.code_form(&answer["code"])).await;
        assert_eq!((status, &tokens["token_type"]), (200, &json!("DPoP")), "{tokens}");
        let token = text(&tokens, "access_token");
        let (jwks, issuer) = (party.application.jwks().await, party.issuer());
        let claims = super::browser::verified(token, &jwks, issuer);
        assert_eq!(claims["cnf"], json!({ "jkt": party.key.thumbprint() }));
        let id_token = text(&tokens, "id_token");
        let claims = super::browser::verified(id_token, &jwks, party.id());
        assert_eq!(claims["nonce"], "a-nonce");
        // §5.4.1
        for jwt in [token, id_token] {
            let algorithm = jsonwebtoken::decode_header(jwt).expect("a JWT").alg;
            assert_eq!(algorithm, jsonwebtoken::Algorithm::ES256, "{name}");
        }
        let proof = party.userinfo_proof(token);
        let (status, person) = party.userinfo("DPoP", token, Some(&proof)).await;
        assert_eq!((status, &person["sub"]), (200, &claims["sub"]), "{person}");
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails()
 {
    // §5.3.2.2, 3
    let world = World::new().await;
    for (tenant, name) in [("secure", "app"), ("plain", "own")] {
        let party = world.party(tenant, name).await;
        let url = party.application.authorize_url("openid", &[]);
        let answer = Browser::new().open(&url).await.answer();
        assert_eq!(answer["error"], "invalid_request", "{answer:?}");
        assert!(!answer.contains_key("code"));
        // Neither an object by value nor one by reference replaces it.
        let object = party.object_with("PS256", |claims| claims["response_mode"] = Value::Null);
        let url = party.application.authorize_url("openid", &[("request", &object)]);
        assert_eq!(Browser::new().open(&url).await.answer()["error"], "invalid_request");
        let uri = [("request_uri", "https://rp.test/object")];
        let url = party.application.authorize_url("openid", &uri);
        let error = Browser::new().open(&url).await.answer()["error"].clone();
        assert!(["request_uri_not_supported", "invalid_request_uri"].contains(&&*error), "{error}");
    }
}

#[tokio::test]
async fn pushed_requests_need_client_authentication() {
    // §5.3.2.2, 4
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let all = party.parameters(&[]);
    let all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let endpoint = "pushed_authorization_request_endpoint";
    assert_error(&party.send(endpoint, &all, None, None).await, 401, "invalid_client");
    let url = party.application.endpoint(endpoint);
    // fapi2-security-profile-final-par-attempt-invalid-http-method
    for method in [reqwest::Method::PUT, reqwest::Method::GET] {
        let answer = world.http.request(method, url).send().await.expect("an answer");
        assert_eq!(answer.status(), 405);
    }
    let secret = [&all[..], &[("client_secret", "a secret")]].concat();
    assert_error(&party.send(endpoint, &secret, None, None).await, 401, "invalid_client");
    let basic = world.http.post(url).basic_auth(party.id(), Some("x")).form(&all);
    assert_eq!(basic.send().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn fapi2_security_profile_final_par_ensure_pkce_required() {
    // §5.3.2.2, 5; also fapi2-security-profile-final-par-plain-pkce-rejected
    let world = World::new().await;
    for (tenant, name) in [("secure", "app"), ("plain", "own")] {
        let party = world.party(tenant, name).await;
        for more in [
            &[("code_challenge", ""), ("code_challenge_method", "")][..],
            &[("code_challenge_method", "plain")],
            &[("code_challenge_method", "")],
        ] {
            assert_error(&party.push(more).await, 400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request() {
    // §5.3.2.2, 6; also fapi2-security-profile-final-ensure-request-object-without-redirect-uri-fails
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    assert_error(&party.push(&[("redirect_uri", "")]).await, 400, "invalid_request");
    for uri in ["https://rp.test/other", "https://rp.test/cb?x=1", "http://rp.test/cb"] {
        assert_error(&party.push(&[("redirect_uri", uri)]).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_response_type_code_idtoken_fails() {
    // §5.3.2.2, 1; also fapi2-security-profile-final-ensure-response-type-token-fails
    let world = World::new().await;
    for (tenant, name) in [("secure", "app"), ("plain", "own")] {
        let party = world.party(tenant, name).await;
        for (response_type, error) in [
            ("code id_token", "unauthorized_client"),
            ("id_token", "unauthorized_client"),
            ("token", "unsupported_response_type"),
        ] {
            assert_error(&party.push(&[("response_type", response_type)]).await, 400, error);
        }
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_par_attempt_reuse_request_uri() {
    let world = World::new().await;
    let (party, browser) = (world.party("secure", "app").await, Browser::new());
    let url = party.pushed_url(&[]).await;
    // fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds
    assert_eq!(browser.open(&url).await.status, 200);
    assert!(party.sign_in(&browser, &url).await.answer().contains_key("code"));
    assert_page(&browser.open(&url).await, "was used already");
}

#[tokio::test]
async fn fapi2_security_profile_final_par_attempt_to_use_expired_request_uri() {
    // §5.3.2.2, 12
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let url = party.pushed_url(&[]).await;
    world.wait(91);
    assert_page(&Browser::new().open(&url).await, "has expired");
}

#[tokio::test]
async fn fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client() {
    let world = World::new().await;
    let (party, other) = (world.party("secure", "app").await, world.party("secure", "other").await);
    let (_, answer) = party.push(&[]).await;
    let url = other.url_of(text(&answer, "request_uri"));
    assert_page(&Browser::new().open(&url).await, "issued to another application");
}

#[tokio::test]
async fn fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param()
{
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let (_, answer) = party.push(&[]).await;
    let again = [("request_uri", text(&answer, "request_uri"))];
    assert_error(&party.push(&again).await, 400, "invalid_request");
}

#[tokio::test]
async fn parameters_of_the_browser_do_not_count() {
    // fapi2-security-profile-final-par-without-duplicate-parameters,
    // fapi2-security-profile-final-state-only-outside-request-object-not-used
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let url = party.pushed_url(&[("state", "")]).await;
    let url = format!("{url}&state=other&scope=openid+email&response_type=token&nonce=other");
    let answer = party.sign_in(&Browser::new(), &url).await.answer();
    assert!(answer.contains_key("code") && !answer.contains_key("state"), "{answer:?}");
    let (_, tokens) = party.token(&party.code_form(&answer["code"])).await;
    assert_eq!(super::browser::claims(text(&tokens, "id_token"))["nonce"], "a-nonce");
    assert_eq!(tokens["scope"], "offline_access openid");
}

#[tokio::test]
async fn fapi2_security_profile_final_user_rejects_authentication() {
    // §5.3.2.2, 13: the page names client and scopes
    let world = World::new().await;
    let (party, browser) = (world.party("secure", "app").await, Browser::new());
    let page = browser.open(&party.pushed_url(&[]).await).await;
    let (name, password) = ALICE;
    let fields = [("username", name), ("password", password)];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert!(page.body.contains("Ledger"), "{}", page.body);
    let page = browser.submit(&page.form("/consent"), &[("action", "deny")]).await;
    let answer = page.answer();
    assert_eq!((&*answer["error"], &*answer["iss"]), ("access_denied", party.issuer()));
}

#[tokio::test]
async fn requests_may_lack_state_and_nonce_and_have_long_ones() {
    // §5.3.2.2, 14; fapi2-security-profile-final-ensure-authorization-request-without-state-success,
    // -without-nonce-success, -with-64-char-nonce-success, -with-long-nonce, -with-long-state
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let (long, longer) = ("n".repeat(64), "s".repeat(384));
    for (state, nonce) in [("", ""), ("", &*long), ("", &*longer), (&*longer, "")] {
        let url = party.pushed_url(&[("state", state), ("nonce", nonce)]).await;
        let answer = party.sign_in(&Browser::new(), &url).await.answer();
        assert_eq!(answer.get("state").map_or("", String::as_str), state);
        let (_, tokens) = party.token(&party.code_form(&answer["code"])).await;
        let claims = super::browser::claims(text(&tokens, "id_token"));
        assert_eq!(claims["nonce"].as_str().unwrap_or_default(), nonce);
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_other_scope_order_succeeds() {
    // RFC 6749 §3.3
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    for scope in ["openid email offline_access", "offline_access email openid"] {
        let code = party.code(&[("scope", scope)]).await;
        let (status, tokens) = party.token(&party.code_form(&code)).await;
        assert_eq!(status, 200, "{scope}: {tokens}");
        assert_eq!(tokens["scope"], "email offline_access openid", "{scope}");
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_test_claims_parameter_identity_claims() {
    // OIDC Core §5.5
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    assert_eq!(party.application.metadata["claims_parameter_supported"], true);
    let asked = json!({ "name": null, "email": { "essential": true }, "unknown": null });
    let asked = json!({ "id_token": asked, "userinfo": asked, "elsewhere": asked }).to_string();
    let code = party.code(&[("claims", &asked)]).await;
    let (status, tokens) = party.token(&party.code_form(&code)).await;
    assert_eq!(status, 200, "{tokens}");
    let token = text(&tokens, "access_token");
    let proof = party.userinfo_proof(token);
    let (status, person) = party.userinfo("DPoP", token, Some(&proof)).await;
    assert_eq!(status, 200, "{person}");
    let id_token = super::browser::claims(text(&tokens, "id_token"));
    assert_eq!(person["sub"], id_token["sub"]);
    for claims in [person, id_token] {
        assert_eq!(
            (&claims["name"], &claims["email"]),
            (&json!("Alice Rivera"), &json!("alice@example.com"))
        );
        for other in ["unknown", "preferred_username"] {
            assert!(claims.get(other).is_none(), "{other}: {claims}");
        }
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails() {
    // §5.3.2.1, 12; RFC 9449 §10.1
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let endpoint = "pushed_authorization_request_endpoint";
    let push = async |jkt: &str, proof: Option<&str>| {
        let all = party.parameters(&[("dpop_jkt", jkt)]);
        let all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let assertion = party.assertion_with("EdDSA", |_| {});
        party.send(endpoint, &all, Some(&assertion), proof).await
    };
    let other = DpopKey::new();
    let proof = party.proof(endpoint);
    assert_error(&push(&other.thumbprint(), Some(&proof)).await, 400, "invalid_dpop_proof");
    // fapi2-security-profile-final-ensure-dpop-auth-code-binding-success: `dpop_jkt` alone,
    // -ensure-dpopproof-at-par-endpoint-binding-success: the proof alone
    let own = || party.key.thumbprint();
    for (jkt, with_proof) in [(own(), true), (own(), false), (String::new(), true)] {
        let proof = with_proof.then(|| party.proof(endpoint));
        let (status, answer) = push(&jkt, proof.as_deref()).await;
        assert_eq!(status, 201, "{answer}");
        let url = party.url_of(text(&answer, "request_uri"));
        let code = party.sign_in(&Browser::new(), &url).await.answer()["code"].clone();
        // fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt,
        // -ensure-token-endpoint-fails-with-mismatched-dpop-jkt
        let now = lanyard::model::Clock::now(&*world.app.clock);
        let wrong = other.proof("POST", party.application.endpoint("token_endpoint"), now);
        let assertion = party.assertion_with("PS256", |_| {});
        let form = party.code_form(&code);
        let refused = party.send("token_endpoint", &form, Some(&assertion), Some(&wrong)).await;
        assert_error(&refused, 400, "invalid_grant");
        assert_eq!(party.token(&form).await.0, 200, "the code is not spent by another key");
    }
}
