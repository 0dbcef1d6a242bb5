//! Modules of client assertions (Security Profile §5.3.2.1), in the variants with `private_key_jwt`.

use serde_json::{Value, json};

use crate::fapi2::{
    suite::{PAR, VariantClient},
    world::{assert_error, pairs},
};

const TOKEN: &str = "token_endpoint";
const CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// A token request of the client itself with an assertion and the key of its tokens.
async fn token(client: &VariantClient<'_>, assertion: Option<&str>) -> (u16, Value) {
    let proof = client.variant.is_dpop().then(|| client.party.proof(TOKEN));
    client.party.send(TOKEN, &CREDENTIALS, assertion, proof.as_deref()).await
}

/// A pushed request in the form of the variant, with an assertion.
async fn push(client: &VariantClient<'_>, assertion: &str) -> (u16, Value) {
    let parameters = client.parameters(&[]);
    let object = client.party.object_of(&parameters, "PS256", |_| {});
    let signed = [("request", object.as_str()), ("client_id", client.party.id())];
    let form = if client.variant.is_signed() { signed.to_vec() } else { pairs(&parameters) };
    client.party.send(PAR, &form, Some(assertion), None).await
}

/// Asserts that assertions with a changed claim are refused at both endpoints.
async fn refuses(client: &VariantClient<'_>, name: &str, value: &Value) {
    let assertion = || client.party.assertion_with("PS256", |claims| claims[name] = value.clone());
    assert_error(&token(client, Some(&assertion())).await, 401, "invalid_client");
    assert_error(&push(client, &assertion()).await, 401, "invalid_client");
}

pub async fn ensure_signed_client_assertion_with_rs256_fails(client: &VariantClient<'_>) {
    // §5.4.1
    for algorithm in ["RS256", "PS384", "none"] {
        let assertion = || client.party.assertion_with(algorithm, |_| {});
        assert_error(&token(client, Some(&assertion())).await, 401, "invalid_client");
        assert_error(&push(client, &assertion()).await, 401, "invalid_client");
    }
    for algorithm in ["PS256", "ES256", "EdDSA"] {
        let assertion = || client.party.assertion_with(algorithm, |_| {});
        let (status, answer) = token(client, Some(&assertion())).await;
        assert_eq!(status, 200, "{algorithm}: {answer}");
        let (status, answer) = push(client, &assertion()).await;
        assert_eq!(status, 201, "{algorithm}: {answer}");
    }
}

pub async fn ensure_client_assertion_in_token_endpoint(client: &VariantClient<'_>) {
    assert_error(&token(client, None).await, 401, "invalid_client");
    let proof = client.variant.is_dpop().then(|| client.party.proof(TOKEN));
    let form = [CREDENTIALS[0], ("client_id", client.party.id())];
    let answer = client.party.send(TOKEN, &form, None, proof.as_deref()).await;
    assert_error(&answer, 401, "invalid_client");
    // An assertion counts once (RFC 7523 §5.2).
    let assertion = client.party.assertion_with("PS256", |_| {});
    assert_eq!(token(client, Some(&assertion)).await.0, 200);
    assert_error(&token(client, Some(&assertion)).await, 401, "invalid_client");
}

pub async fn ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    client: &VariantClient<'_>,
) {
    refuses(client, "exp", &json!(client.suite.world.now() - 300)).await;
}

pub async fn ensure_client_assertion_with_wrong_aud_fails(client: &VariantClient<'_>) {
    refuses(client, "aud", &json!("https://other.test")).await;
}

pub async fn ensure_client_assertion_with_no_sub_fails(client: &VariantClient<'_>) {
    refuses(client, "sub", &Value::Null).await;
}

pub async fn par_test_array_as_audience_fails(client: &VariantClient<'_>) {
    // §5.3.2.1, 8
    let issuer = client.party.issuer();
    for aud in [json!([issuer]), json!([issuer, "https://other.test"])] {
        refuses(client, "aud", &aud).await;
    }
}

pub async fn par_test_par_endpoint_url_as_audience_fails(client: &VariantClient<'_>) {
    refuses(client, "aud", &json!(client.party.application.endpoint(PAR))).await;
}

pub async fn par_test_token_endpoint_url_as_audience_fails(client: &VariantClient<'_>) {
    refuses(client, "aud", &json!(client.party.application.endpoint(TOKEN))).await;
}

/// An assertion that is issued, and valid, some seconds from now.
fn assertion_ahead(client: &VariantClient<'_>, seconds: i64) -> String {
    let at = client.suite.world.now() + seconds;
    client.party.assertion_with("PS256", |claims| {
        claims["iat"] = at.into();
        claims["nbf"] = at.into();
        claims["exp"] = (at + 60).into();
    })
}

pub async fn par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    client: &VariantClient<'_>,
) {
    // §5.3.2.1, 13
    let (status, answer) = push(client, &assertion_ahead(client, 8)).await;
    assert_eq!(status, 201, "{answer}");
    let (status, answer) = token(client, Some(&assertion_ahead(client, 8))).await;
    assert_eq!(status, 200, "{answer}");
}

pub async fn par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    client: &VariantClient<'_>,
) {
    // §5.3.2.1, 13
    let answer = push(client, &assertion_ahead(client, 61)).await;
    assert_error(&answer, 401, "invalid_client");
    let answer = token(client, Some(&assertion_ahead(client, 61))).await;
    assert_error(&answer, 401, "invalid_client");
}
