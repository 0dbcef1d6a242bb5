//! FAPI 2.0 Security Profile: client authentication, tokens and their keys.

use serde_json::{Value, json};

use super::{
    dpop::claims as proof_claims,
    world::{Party, World, assert_error, text},
};

const CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// A change of an assertion.
type Change = Box<dyn Fn(&mut Value)>;

#[tokio::test]
async fn fapi2_security_profile_final_ensure_invalid_client_assertions_fail() {
    // §5.3.2.1, 6 and 8
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let (issuer, now) = (party.issuer().to_owned(), world.now());
    let token_endpoint = party.application.endpoint("token_endpoint").to_owned();
    let par = party.application.endpoint("pushed_authorization_request_endpoint").to_owned();
    let refused: Vec<(&str, Change)> = vec![
        ("aud: the token endpoint", Box::new(move |it| it["aud"] = token_endpoint.as_str().into())),
        ("aud: the PAR endpoint", Box::new(move |it| it["aud"] = par.as_str().into())),
        (
            "aud: an array",
            Box::new({
                let issuer = issuer.clone();
                move |it| it["aud"] = json!([issuer])
            }),
        ),
        ("aud: with a slash", Box::new(move |it| it["aud"] = format!("{issuer}/").into())),
        ("aud: another", Box::new(|it| it["aud"] = "https://other.test".into())),
        ("no aud", Box::new(|it| it["aud"] = Value::Null)),
        // fapi2-security-profile-final-ensure-client-assertion-with-no-sub-fails
        ("no sub", Box::new(|it| it["sub"] = Value::Null)),
        ("no iss", Box::new(|it| it["iss"] = Value::Null)),
        ("another iss", Box::new(|it| it["iss"] = "default.other".into())),
        ("no exp", Box::new(|it| it["exp"] = Value::Null)),
        ("no jti", Box::new(|it| it["jti"] = Value::Null)),
        ("exp: 5 minutes ago", Box::new(move |it| it["exp"] = (now - 300).into())),
        ("another client", Box::new(|it| it["sub"] = "default.other".into())),
        ("iat: 61 s ahead", Box::new(move |it| it["iat"] = (now + 61).into())),
        ("nbf: 61 s ahead", Box::new(move |it| it["nbf"] = (now + 61).into())),
    ];
    let parameters = party.parameters(&[("client_id", "")]);
    let request: Vec<_> =
        parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for (what, change) in refused {
        for (endpoint, form) in [
            ("token_endpoint", &CREDENTIALS[..]),
            ("pushed_authorization_request_endpoint", &request[..]),
        ] {
            let assertion = party.assertion_with("PS256", &change);
            let proof = party.proof(endpoint);
            let answer = party.send(endpoint, form, Some(&assertion), Some(&proof)).await;
            let error = (answer.0, &answer.1["error"]);
            assert_eq!(error, (401, &json!("invalid_client")), "{what} at {endpoint}");
        }
    }
    // fapi2-security-profile-final-ensure-client-assertion-in-token-endpoint
    let proof = party.proof("token_endpoint");
    let form = [CREDENTIALS[0], ("client_id", party.id())];
    let answer = party.send("token_endpoint", &form, None, Some(&proof)).await;
    assert_error(&answer, 401, "invalid_client");
    let assertion = party.assertion_with("PS256", |_| {});
    for status in [200, 401] {
        let proof = party.proof("token_endpoint");
        let answer =
            party.send("token_endpoint", &CREDENTIALS, Some(&assertion), Some(&proof)).await;
        assert_eq!(answer.0, status, "an assertion counts once: {}", answer.1);
    }
}

#[tokio::test]
async fn times_up_to_ten_seconds_ahead_are_accepted() {
    // §5.3.2.1, 13; fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-after-succeeds
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let (now, url) = (world.now(), party.application.endpoint("token_endpoint"));
    for (ahead, proof_ahead, expected) in
        [(10, 0, 200), (0, 10, 200), (0, -10, 200), (0, 61, 400), (0, 60, 200)]
    {
        let assertion = party.assertion_with("ES256", |claims| {
            claims["iat"] = (now + ahead).into();
            claims["nbf"] = (now + ahead).into();
        });
        let mut claims = proof_claims("POST", url, lanyard::model::Clock::now(&*world.app.clock));
        claims["iat"] = (now + proof_ahead).into();
        // fapi2-security-profile-final-check-dpop-proof-nbf-exp
        claims["nbf"] = (now - 10).into();
        claims["exp"] = (now + 60).into();
        let proof = party.key.sign(&party.key.header(), &claims);
        let answer =
            party.send("token_endpoint", &CREDENTIALS, Some(&assertion), Some(&proof)).await;
        assert_eq!(answer.0, expected, "{ahead} {proof_ahead}: {}", answer.1);
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_signed_client_assertion_with_rs256_fails() {
    // §5.4.1
    let world = World::new().await;
    for (tenant, name, grants) in [("secure", "app", true), ("plain", "own", false)] {
        let party = world.party(tenant, name).await;
        for algorithm in ["RS256", "PS384", "none", "PS256", "ES256", "EdDSA"] {
            let is_allowed = ["PS256", "ES256", "EdDSA"].contains(&algorithm);
            let assertion = party.assertion_with(algorithm, |_| {});
            let proof = party.proof("token_endpoint");
            let answer =
                party.send("token_endpoint", &CREDENTIALS, Some(&assertion), Some(&proof)).await;
            let expected = match (is_allowed, grants) {
                (false, _) => "invalid_client",
                (true, true) => "",
                (true, false) => "unauthorized_client",
            };
            assert_eq!(answer.1["error"].as_str().unwrap_or_default(), expected, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn proofs_have_the_algorithms_of_the_profile() {
    // §5.4.1
    let world = World::new().await;
    for (tenant, name) in [("secure", "app"), ("plain", "own")] {
        let party = world.party(tenant, name).await;
        let url = party.application.endpoint("token_endpoint");
        let rsa = party.keys.jwks["keys"].as_array().expect("keys");
        let rsa = rsa.iter().find(|key| key["kty"] == "RSA").expect("an RSA key");
        let code = party.code(&[]).await;
        let form = party.code_form(&code);
        for (algorithm, status) in [("RS256", 400), ("PS256", 200)] {
            let claims = proof_claims("POST", url, lanyard::model::Clock::now(&*world.app.clock));
            let header = json!({ "typ": "dpop+jwt", "jwk": rsa });
            let proof = party.keys.sign(header, algorithm, &claims);
            let assertion = party.assertion_with("PS256", |_| {});
            let answer = party.send("token_endpoint", &form, Some(&assertion), Some(&proof)).await;
            assert_eq!(answer.0, status, "{algorithm}: {}", answer.1);
            if status == 400 {
                assert_error(&answer, 400, "invalid_dpop_proof");
            }
        }
    }
}

/// A proof by the RSA key of a client, which any algorithm of RSA can sign with.
fn rsa_proof(party: &Party<'_>, algorithm: &str, claims: &Value) -> String {
    let keys = party.keys.jwks["keys"].as_array().expect("keys");
    let rsa = keys.iter().find(|key| key["kty"] == "RSA").expect("an RSA key");
    party.keys.sign(json!({ "typ": "dpop+jwt", "jwk": rsa }), algorithm, claims)
}

#[tokio::test]
async fn proofs_of_pushed_requests_and_at_userinfo_have_the_algorithms_of_the_profile() {
    // §5.4.1
    let world = World::new().await;
    let now = || lanyard::model::Clock::now(&*world.app.clock);
    for (tenant, name) in [("secure", "app"), ("plain", "own")] {
        let party = world.party(tenant, name).await;
        let par = "pushed_authorization_request_endpoint";
        let parameters = party.parameters(&[]);
        let form: Vec<_> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for (algorithm, status) in [("RS256", 400), ("PS384", 400), ("PS256", 201)] {
            let claims = proof_claims("POST", party.application.endpoint(par), now());
            let proof = rsa_proof(&party, algorithm, &claims);
            let assertion = party.assertion_with("PS256", |_| {});
            let answer = party.send(par, &form, Some(&assertion), Some(&proof)).await;
            assert_eq!(answer.0, status, "{algorithm} at {name}: {}", answer.1);
            if status == 400 {
                assert_error(&answer, 400, "invalid_dpop_proof");
            }
        }
        let code = party.code(&[]).await;
        let claims = proof_claims("POST", party.application.endpoint("token_endpoint"), now());
        let proof = rsa_proof(&party, "PS256", &claims);
        let (form, assertion) = (party.code_form(&code), party.assertion_with("PS256", |_| {}));
        let answer = party.send("token_endpoint", &form, Some(&assertion), Some(&proof)).await;
        let token = text(&answer.1, "access_token");
        for (algorithm, status) in [("RS256", 401), ("PS384", 401), ("PS256", 200)] {
            let url = party.application.endpoint("userinfo_endpoint");
            let mut claims = proof_claims("GET", url, now());
            claims["ath"] = lanyard::model::sha256_base64url(token).into();
            let proof = rsa_proof(&party, algorithm, &claims);
            let answer = party.userinfo("DPoP", token, Some(&proof)).await;
            assert_eq!(answer.0, status, "{algorithm} at {name}: {}", answer.1);
            if status == 401 {
                assert_error(&answer, 401, "invalid_dpop_proof");
            }
        }
    }
}

#[tokio::test]
async fn an_assertion_counts_once_at_all_replicas() {
    // §5.3.2.1, RFC 7523 §5.2
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let replica = world.app.start_replica();
    let assertion = party.assertion_with("PS256", |_| {});
    let proof = party.proof("token_endpoint");
    let answer = party.send("token_endpoint", &CREDENTIALS, Some(&assertion), Some(&proof)).await;
    assert_eq!(answer.0, 200, "{}", answer.1);
    let answer = at_replica(&party, replica.address.port(), &assertion).await;
    assert_error(&answer, 401, "invalid_client");
    let another = party.assertion_with("PS256", |_| {});
    let answer = at_replica(&party, replica.address.port(), &another).await;
    assert_eq!(answer.0, 200, "the replica takes an assertion that is new: {}", answer.1);
}

/// A token request with an assertion and a new proof at the replica with a port.
async fn at_replica(party: &Party<'_>, port: u16, assertion: &str) -> (u16, Value) {
    let endpoint = url::Url::parse(party.application.endpoint("token_endpoint")).expect("a URL");
    let host = &endpoint[url::Position::BeforeHost..url::Position::AfterPort];
    let mut target = endpoint.clone();
    target.set_port(Some(port)).expect("an http URL");
    let form = [
        CREDENTIALS[0],
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    let request = party.world.http.post(target).header("host", host).form(&form);
    let response = request.header("dpop", party.proof("token_endpoint")).send().await;
    let response = response.expect("an answer");
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_holder_of_key_required() {
    // §5.3.2.1, 4
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let refused = party.post("token_endpoint", &CREDENTIALS).await;
    assert_error(&refused, 400, "invalid_dpop_proof");
    let code = party.code(&[]).await;
    let form = party.code_form(&code);
    assert_error(&party.post("token_endpoint", &form).await, 400, "invalid_dpop_proof");
    let (status, tokens) = party.token(&form).await;
    assert_eq!(status, 200, "{tokens}");
    let token = text(&tokens, "access_token");
    assert_eq!(party.userinfo("Bearer", token, None).await.0, 401);
    assert_eq!(party.userinfo("DPoP", token, None).await.0, 401);
    let thief = world.party("secure", "app").await;
    let proof = thief.userinfo_proof(token);
    assert_eq!(party.userinfo("DPoP", token, Some(&proof)).await.0, 401, "another key");
    // fapi2-security-profile-final-access-token-type-header-case-sensitivity
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let proof = party.userinfo_proof(token);
        assert_eq!(party.userinfo(scheme, token, Some(&proof)).await.0, 200, "{scheme}");
    }
}

#[tokio::test]
async fn a_token_for_a_resource_server_has_an_algorithm_of_the_profile() {
    // §5.4.1
    let world = World::new().await;
    let party = world.party("plain", "own").await;
    let code =
        party.code(&[("resource", "https://accounts.test"), ("scope", "openid accounts.read")]);
    let code = code.await;
    let form = [&party.code_form(&code)[..], &[("resource", "https://accounts.test")]].concat();
    let (status, tokens) = party.token(&form).await;
    assert_eq!(status, 200, "{tokens}");
    let header = jsonwebtoken::decode_header(text(&tokens, "access_token")).expect("a JWT");
    assert_eq!(header.alg, jsonwebtoken::Algorithm::ES256);
}

#[tokio::test]
async fn tokens_from_before_the_profile_are_refused() {
    let world = World::new().await;
    world.change_all(&[("  profile: Fapi2Security\n", "")]);
    let party = world.party("plain", "own").await;
    let browser = super::browser::Browser::new();
    let url = party.application.authorize_url("openid offline_access", &[]);
    let code = party.sign_in(&browser, &url).await.answer()["code"].clone();
    let (status, tokens) = party.post("token_endpoint", &party.code_form(&code)).await;
    assert_eq!((status, &tokens["token_type"]), (200, &json!("Bearer")), "{tokens}");
    let token = text(&tokens, "access_token");
    assert_eq!(party.userinfo("Bearer", token, None).await.0, 200);
    let about = async || party.post("introspection_endpoint", &[("token", token)]).await.1;
    assert_eq!(about().await["active"], true);
    world.change_all(&[]);
    let (status, answer) = party.userinfo("Bearer", token, None).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_token")), "{answer}");
    assert_eq!(about().await, json!({ "active": false }));
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_error(&party.post("token_endpoint", &form).await, 400, "invalid_dpop_proof");
    let (status, bound) = party.token(&form).await;
    assert_eq!((status, &bound["token_type"]), (200, &json!("DPoP")), "{bound}");
}
