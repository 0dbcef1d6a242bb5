//! FAPI 2.0 Message Signing: signed requests, responses and introspection.

use serde_json::{Value, json};

use super::{
    browser::{Browser, verified},
    world::{Party, World, assert_error, text},
};

/// The claims of the response of a sign-in by a request object.
async fn response(party: &Party<'_>, object: &str, more: &[(&str, &str)]) -> Value {
    let (status, answer) = party.push_object(object, more).await;
    assert_eq!(status, 201, "{answer}");
    let url = party.url_of(text(&answer, "request_uri"));
    let answer = party.sign_in(&Browser::new(), &url).await.answer();
    assert_eq!(answer.keys().collect::<Vec<_>>(), ["response"]);
    verified(&answer["response"], &party.application.jwks().await, party.id())
}

#[tokio::test]
async fn request_objects_have_each_algorithm_of_the_profile() {
    let world = World::new().await;
    let party = world.party("signing", "signer").await;
    for algorithm in ["PS256", "ES256", "EdDSA"] {
        let object = party.object_with(algorithm, |_| {});
        let claims = response(&party, &object, &[]).await;
        assert_eq!((&claims["iss"], &claims["state"]), (&json!(party.issuer()), &json!("a-state")));
        let (status, tokens) = party.token(&party.code_form(text(&claims, "code"))).await;
        assert_eq!(status, 200, "{tokens}");
        let header = jsonwebtoken::decode_header(text(&tokens, "id_token")).expect("a JWT");
        assert_eq!(header.alg, jsonwebtoken::Algorithm::PS256);
    }
}

#[tokio::test]
async fn plain_requests_are_refused() {
    // Message Signing §5.3.1, 1
    let world = World::new().await;
    let party = world.party("signing", "signer").await;
    assert_error(&party.push(&[("response_mode", "jwt")]).await, 400, "invalid_request");
    let object = party.object_with("PS256", |_| {});
    let url = party.application.authorize_url("openid", &[("request", &object)]);
    let answer = Browser::new().open(&url).await.answer();
    let claims = verified(&answer["response"], &party.application.jwks().await, party.id());
    assert_eq!(claims["error"], "invalid_request", "it has to be pushed");
}

#[tokio::test]
async fn optional_request_objects_need_an_algorithm_of_the_profile() {
    // Security Profile §5.4.1
    let world = World::new().await;
    for (tenant, name) in [("secure", "app"), ("plain", "own")] {
        let party = world.party(tenant, name).await;
        for algorithm in ["RS256", "none", "PS384"] {
            let object = party.object_with(algorithm, |_| {});
            let answer = party.push_object(&object, &[]).await;
            assert_error(&answer, 400, "invalid_request_object");
        }
        let object = party.object_with("PS256", |_| {});
        let (status, answer) = party.push_object(&object, &[]).await;
        assert_eq!(status, 201, "{name}: {answer}");
    }
}

#[tokio::test]
async fn request_objects_are_for_this_issuer_and_an_hour() {
    // Message Signing §5.3.1, 2 to 4
    let world = World::new().await;
    let party = world.party("signing", "signer").await;
    let (now, issuer) = (world.now(), party.issuer().to_owned());
    let with = |name: &'static str, value: Value| {
        party.object_with("ES256", move |claims| {
            if value.is_null() {
                claims.as_object_mut().expect("an object").remove(name);
            } else {
                claims[name] = value;
            }
        })
    };
    for (name, value) in [
        ("nbf", Value::Null),
        ("exp", Value::Null),
        ("aud", Value::Null),
        ("aud", json!("https://other.test")),
        ("aud", json!(["https://other.test"])),
        ("aud", json!(party.application.endpoint("token_endpoint"))),
        ("nbf", json!(now - 3601)),
        ("nbf", json!(now + 61)),
        ("exp", json!(now + 3601)),
        ("exp", json!(now)),
        ("exp", json!(i64::MAX)),
        ("nbf", json!(i64::MIN)),
        ("nbf", json!("now")),
        ("iat", json!(now + 61)),
        ("sub", json!("default.signer")),
        ("iss", json!("default.other")),
        ("request_uri", json!("https://rp.test/x")),
    ] {
        let answer = party.push_object(&with(name, value.clone()), &[]).await;
        assert_eq!(
            (answer.0, &answer.1["error"]),
            (400, &json!("invalid_request_object")),
            "{name}: {value}"
        );
    }
    for (name, value) in [
        // fapi2-security-profile-final-ensure-request-object-with-multiple-aud-succeeds
        ("aud", json!([issuer, "https://other.test"])),
        ("nbf", json!(now - 3300)),
        ("nbf", json!(now + 10)),
        ("exp", json!(now + 3600)),
        ("iat", json!(now + 8)),
    ] {
        let (status, answer) = party.push_object(&with(name, value.clone()), &[]).await;
        assert_eq!(status, 201, "{name}: {value}: {answer}");
    }
    let typed = |typ: &str| {
        let claims = super::browser::claims(&with("iat", json!(now)));
        party.keys.sign(json!({ "typ": typ }), "PS256", &claims)
    };
    assert_eq!(party.push_object(&typed("oauth-authz-req+jwt"), &[]).await.0, 201);
    for typ in ["client-authentication+jwt", "dpop+jwt", "at+jwt"] {
        let answer = party.push_object(&typed(typ), &[]).await;
        assert_error(&answer, 400, "invalid_request_object");
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_state_only_outside_request_object_not_used() {
    // RFC 9101 §6.3; also -ensure-different-state-inside-and-outside-request-object and -nonce
    let world = World::new().await;
    let party = world.party("signing", "signer").await;
    let object = party.object_with("PS256", |claims| {
        let claims = claims.as_object_mut().expect("an object");
        claims.remove("state");
        claims.remove("nonce");
    });
    let outside = [("state", "outside"), ("nonce", "outside"), ("scope", "openid profile")];
    let claims = response(&party, &object, &outside).await;
    assert!(claims.get("state").is_none(), "{claims}");
    let (_, tokens) = party.token(&party.code_form(text(&claims, "code"))).await;
    assert!(super::browser::claims(text(&tokens, "id_token")).get("nonce").is_none());
    assert_eq!(tokens["scope"], "openid");
    let object = party.object_with("PS256", |_| {});
    let claims = response(&party, &object, &[("state", "outside"), ("nonce", "outside")]).await;
    assert_eq!(claims["state"], "a-state");
    // Required parameters do not count outside of the object either.
    for name in ["redirect_uri", "code_challenge", "response_type", "response_mode"] {
        let object = party.object_with("PS256", |claims| {
            claims.as_object_mut().expect("an object").remove(name);
        });
        let all = party.parameters(&[("response_mode", "jwt")]);
        let value = &all.iter().find(|(other, _)| other == name).expect("a parameter").1;
        let answer = party.push_object(&object, &[(name, value.as_str())]).await;
        assert_error(&answer, 400, "invalid_request");
    }
}

#[tokio::test]
async fn responses_are_jwts_whatever_the_request_asks_for() {
    // Message Signing §5.4.1
    let world = World::new().await;
    let party = world.party("signing", "signer").await;
    for mode in ["query", "fragment", "form_post", "", "web_message"] {
        let object = party.object_with("PS256", |claims| claims["response_mode"] = mode.into());
        assert_error(&party.push_object(&object, &[]).await, 400, "invalid_request");
    }
    for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] {
        let object = party.object_with("PS256", |claims| claims["response_mode"] = mode.into());
        assert_eq!(party.push_object(&object, &[]).await.0, 201, "{mode}");
    }
    // Errors of plain requests are signed too.
    let url = party.application.authorize_url("openid", &[("response_mode", "query")]);
    let answer = Browser::new().open(&url).await.answer();
    assert_eq!(answer.keys().collect::<Vec<_>>(), ["response"]);
}

#[tokio::test]
async fn responses_of_introspection_are_signed() {
    // RFC 9701 §5; Message Signing §5.5
    let world = World::new().await;
    let party = world.party("signing", "signer").await;
    let form = [("grant_type", "client_credentials")];
    let (_, tokens) = party.token(&form).await;
    let token = text(&tokens, "access_token");
    let ask = async |party: &Party<'_>, token: &str, accept: Option<&str>| {
        let assertion = party.assertion_with("PS256", |_| {});
        let form = [
            ("token", token),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        let url = party.application.endpoint("introspection_endpoint");
        let mut request = world.http.post(url).form(&form);
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let response = request.send().await.expect("an answer");
        let media_type = response.headers()["content-type"].to_str().expect("text").to_owned();
        (media_type, response.text().await.expect("text"))
    };
    let signed = "application/token-introspection+jwt";
    let jwks = party.application.jwks().await;
    for accept in [Some(signed), Some("application/json"), None] {
        let (media_type, jwt) = ask(&party, token, accept).await;
        assert_eq!(media_type, signed, "{accept:?}");
        let header = jsonwebtoken::decode_header(&jwt).expect("a JWT");
        assert_eq!(header.typ.as_deref(), Some("token-introspection+jwt"));
        let claims = super::browser::claims(&jwt);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(party.issuer()), &json!(party.id())));
        assert_eq!(claims["iat"], world.now());
        let inner = &claims["token_introspection"];
        assert_eq!(
            (&inner["active"], &inner["cnf"]["jkt"]),
            (&json!(true), &json!(party.key.thumbprint()))
        );
        assert!(claims.get("sub").is_none() && claims.get("exp").is_none(), "{claims}");
        let key = jwks["keys"]
            .as_array()
            .expect("keys")
            .iter()
            .find(|key| key["kid"] == header.kid.as_deref().expect("a kid"));
        let key = serde_json::from_value(key.expect("published").clone()).expect("a JWK");
        let key = jsonwebtoken::DecodingKey::from_jwk(&key).expect("a key");
        let mut validation = jsonwebtoken::Validation::new(header.alg);
        validation.set_audience(&[party.id()]);
        validation.required_spec_claims.clear();
        jsonwebtoken::decode::<Value>(&jwt, &key, &validation).expect("it verifies");
    }
    let (_, jwt) = ask(&party, "nonsense", None).await;
    assert_eq!(super::browser::claims(&jwt)["token_introspection"], json!({ "active": false }));
    // The response is not accepted as a token.
    let (_, jwt) = ask(&party, token, None).await;
    assert_eq!(party.userinfo("Bearer", &jwt, None).await.0, 401);
    // Other clients get it if they accept it (RFC 9701 §4).
    let app = world.party("secure", "app").await;
    let (_, tokens) = app.token(&form).await;
    let token = text(&tokens, "access_token");
    assert_eq!(ask(&app, token, Some(signed)).await.0, signed);
    let (media_type, body) = ask(&app, token, None).await;
    assert_eq!(media_type, "application/json");
    assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON")["active"], true);
}

#[tokio::test]
async fn message_signing_requires_the_parts_that_are_chosen() {
    let world = World::new().await;
    let before = "profile: Fapi2MessageSigning";
    let party = world.party("signing", "signer").await;
    world.change_all(&[(
        before,
        "profile: Fapi2MessageSigning\n  messageSigning: {requests: false, introspection: false}",
    )]);
    assert_eq!(party.push(&[("response_mode", "jwt")]).await.0, 201);
    assert_error(&party.push(&[]).await, 400, "invalid_request");
    world.change_all(&[(
        before,
        "profile: Fapi2MessageSigning\n  messageSigning: {responses: false}",
    )]);
    let object = party.object_with("PS256", |claims| claims["response_mode"] = "query".into());
    assert_eq!(party.push_object(&object, &[]).await.0, 201);
    assert_error(&party.push(&[("response_mode", "jwt")]).await, 400, "invalid_request");
    // A client adds parts, and removes none.
    let client = "metadata: {name: signer}\nspec:\n";
    let own = format!("{client}  profile: Fapi2Security\n");
    world.change_all(&[(client, &own)]);
    assert_error(&party.push(&[("response_mode", "jwt")]).await, 400, "invalid_request");
    let own =
        format!("{client}  profile: Fapi2MessageSigning\n  messageSigning: {{requests: false}}\n");
    world.change_all(&[(client, &own)]);
    assert_error(&party.push(&[("response_mode", "jwt")]).await, 400, "invalid_request");
}
