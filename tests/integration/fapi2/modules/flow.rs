//! Modules in which the client follows the rules, and those of the person's answer.

use serde_json::json;

use crate::fapi2::{
    browser::{Browser, claims, verified},
    suite::VariantClient,
    world::{ALICE, assert_error, text},
};

pub async fn happy_flow(client: &VariantClient<'_>) {
    let party = &client.party;
    let url = client.pushed_url(&[]).await;
    let page = party.sign_in(&Browser::new(), &url).await;
    // Security Profile §5.3.2.2: the status 303, and `iss`
    assert_eq!(page.status, 303);
    let response = client.read_response(&page).await;
    assert_eq!(
        (&response["iss"], &response["state"]),
        (&json!(party.issuer()), &json!("a-state")),
        "{response}"
    );
    let (status, tokens) = client.redeem(text(&response, "code")).await;
    assert_eq!((status, text(&tokens, "token_type")), (200, client.scheme()), "{tokens}");
    let token = text(&tokens, "access_token");
    let jwks = party.application.jwks().await;
    let bound = if client.variant.is_dpop() {
        json!({ "jkt": party.key.thumbprint() })
    } else {
        json!({ "x5t#S256": client.identity.thumbprint() })
    };
    assert_eq!(verified(token, &jwks, party.issuer())["cnf"], bound);
    let mut jwts = vec![token];
    if client.variant.is_openid() {
        let id_token = text(&tokens, "id_token");
        assert_eq!(verified(id_token, &jwks, party.id())["nonce"], "a-nonce");
        jwts.push(id_token);
    } else {
        assert!(tokens.get("id_token").is_none(), "{tokens}");
    }
    // §5.4.1
    for jwt in jwts {
        let algorithm = jsonwebtoken::decode_header(jwt).expect("a JWT").alg;
        assert_eq!(algorithm, jsonwebtoken::Algorithm::ES256);
    }
    client.assert_accepted(token).await;
}

pub async fn user_rejects_authentication(client: &VariantClient<'_>) {
    // §5.3.2.2, 13. The second client asks for consent.
    let (client, browser) = (client.other().await, Browser::new());
    let page = browser.open(&client.pushed_url(&[]).await).await;
    let (name, password) = ALICE;
    let fields = [("username", name), ("password", password)];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert!(page.body.contains("Ledger"), "the page names the client: {}", page.body);
    let page = browser.submit(&page.form("/consent"), &[("action", "deny")]).await;
    let response = client.read_response(&page).await;
    assert_eq!(
        (text(&response, "error"), text(&response, "iss"), text(&response, "state")),
        ("access_denied", client.party.issuer(), "a-state")
    );
    assert!(response.get("code").is_none(), "{response}");
}

/// Signs in with these values of `state` and `nonce`, which are returned; an empty one is not sent.
async fn returns(client: &VariantClient<'_>, state: &str, nonce: &str) {
    let url = client.pushed_url(&[("state", state), ("nonce", nonce)]).await;
    let response = client.response(&url).await;
    assert_eq!(response["state"].as_str().unwrap_or_default(), state);
    let (status, tokens) = client.redeem(text(&response, "code")).await;
    assert_eq!(status, 200, "{tokens}");
    if client.variant.is_openid() {
        let id_token = claims(text(&tokens, "id_token"));
        assert_eq!(id_token["nonce"].as_str().unwrap_or_default(), nonce);
    }
}

pub async fn ensure_authorization_request_without_state_success(client: &VariantClient<'_>) {
    returns(client, "", "a-nonce").await;
}

pub async fn ensure_authorization_request_without_nonce_success(client: &VariantClient<'_>) {
    returns(client, "a-state", "").await;
}

pub async fn ensure_authorization_request_with_64_char_nonce_success(client: &VariantClient<'_>) {
    returns(client, "a-state", &"n".repeat(64)).await;
}

pub async fn ensure_authorization_request_with_long_nonce(client: &VariantClient<'_>) {
    returns(client, "a-state", &"n".repeat(384)).await;
}

pub async fn ensure_authorization_request_with_long_state(client: &VariantClient<'_>) {
    returns(client, &"s".repeat(384), "").await;
}

pub async fn ensure_other_scope_order_succeeds(client: &VariantClient<'_>) {
    // RFC 6749 §3.3
    for scope in ["openid email offline_access", "offline_access email openid"] {
        let tokens = client.tokens(&[("scope", scope)]).await;
        assert_eq!(tokens["scope"], "email offline_access openid", "{scope}");
    }
}

pub async fn test_claims_parameter_identity_claims(client: &VariantClient<'_>) {
    // OIDC Core §5.5
    let asked = json!({ "name": null, "email": { "essential": true }, "unknown": null });
    let asked = json!({ "id_token": asked, "userinfo": asked, "elsewhere": asked }).to_string();
    let tokens = client.tokens(&[("claims", &asked)]).await;
    let (status, person) = client.userinfo_as(client.scheme(), text(&tokens, "access_token")).await;
    assert_eq!(status, 200, "{person}");
    let id_token = claims(text(&tokens, "id_token"));
    assert_eq!(person["sub"], id_token["sub"]);
    for claims in [person, id_token] {
        let (name, email) = (&claims["name"], &claims["email"]);
        assert_eq!((name, email), (&json!("Alice Rivera"), &json!("alice@example.com")));
        for other in ["unknown", "preferred_username"] {
            assert!(claims.get(other).is_none(), "{other}: {claims}");
        }
    }
}

pub async fn access_token_type_header_case_sensitivity(client: &VariantClient<'_>) {
    // RFC 9110 §11.1
    let tokens = client.tokens(&[]).await;
    let (token, scheme) = (text(&tokens, "access_token"), client.scheme());
    for spelling in [scheme.to_owned(), scheme.to_lowercase(), scheme.to_uppercase()] {
        let (status, answer) = client.userinfo_as(&spelling, token).await;
        let expected = if client.variant.is_openid() { 200 } else { 403 };
        assert_eq!(status, expected, "{spelling}: {answer}");
    }
}

pub async fn refresh_token(client: &VariantClient<'_>) {
    // §5.3.2.1, 9: no rotation
    let tokens = client.tokens(&[]).await;
    let token = text(&tokens, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    for _ in 0..2 {
        client.suite.world.wait(2);
        let (status, answer) = client.token(&form).await;
        assert_eq!((status, text(&answer, "token_type")), (200, client.scheme()), "{answer}");
        assert_eq!(answer["refresh_token"], token, "it stays the same");
        client.assert_accepted(text(&answer, "access_token")).await;
    }
    client.assert_refused_without_key(&form).await;
    let alone = [&form[..], &[("client_id", client.party.id())]].concat();
    let stranger = client.with_other_keys(None);
    let proof = stranger.party.proof("token_endpoint");
    let answer = stranger.party.send("token_endpoint", &alone, None, Some(&proof)).await;
    assert_error(&answer, 401, "invalid_client");
    let other = client.other().await;
    assert_error(&other.token(&form).await, 400, "invalid_grant");
    let (status, answer) = client.token(&form).await;
    assert_eq!(status, 200, "nothing was spent: {answer}");
}
