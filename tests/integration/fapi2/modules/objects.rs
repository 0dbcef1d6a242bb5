//! Modules of request objects (Message Signing §5.3.1, RFC 9101), most of them in the variants that sign requests.

use serde_json::{Value, json};

use super::ensure_redirect_uri_in_authorization_request;
use crate::fapi2::{
    browser::claims,
    suite::{PAR, VariantClient},
    world::{assert_error, pairs, text},
};

const REFUSED: (u16, &str) = (400, "invalid_request_object");

/// Asserts that the object is refused after a claim was set to this value; without a value the claim is removed.
async fn refuses(client: &VariantClient<'_>, name: &str, value: Option<Value>) {
    let answer = client.push_changed("PS256", |claims| match value {
        Some(value) => claims[name] = value,
        None => drop(claims.as_object_mut().expect("an object").remove(name)),
    });
    let answer = answer.await;
    assert_error(&answer, REFUSED.0, REFUSED.1);
}

/// Asserts that the object leads to a code after a claim was set to this value.
async fn accepts(client: &VariantClient<'_>, name: &str, value: Value) {
    let url = client.url_of(&client.push_changed("PS256", |it| it[name] = value).await);
    let response = client.response(&url).await;
    assert!(response.get("code").is_some(), "{response}");
}

pub async fn ensure_request_object_with_multiple_aud_succeeds(client: &VariantClient<'_>) {
    accepts(client, "aud", json!([client.party.issuer(), "https://other.test"])).await;
}

pub async fn ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    client: &VariantClient<'_>,
) {
    // Security Profile §5.3.2.1, 13
    accepts(client, "nbf", json!(client.suite.world.now() + 8)).await;
}

pub async fn ensure_request_object_without_exp_fails(client: &VariantClient<'_>) {
    refuses(client, "exp", None).await;
}

pub async fn ensure_request_object_without_nbf_fails(client: &VariantClient<'_>) {
    refuses(client, "nbf", None).await;
}

pub async fn ensure_expired_request_object_fails(client: &VariantClient<'_>) {
    refuses(client, "exp", Some(json!(client.suite.world.now() - 300))).await;
}

pub async fn ensure_request_object_with_bad_aud_fails(client: &VariantClient<'_>) {
    let token_endpoint = client.party.application.endpoint("token_endpoint");
    for aud in [json!("https://other.test"), json!(token_endpoint)] {
        refuses(client, "aud", Some(aud)).await;
    }
}

pub async fn ensure_request_object_with_exp_over_60_fails(client: &VariantClient<'_>) {
    // The name counts minutes.
    refuses(client, "exp", Some(json!(client.suite.world.now() + 3601))).await;
}

pub async fn ensure_request_object_with_nbf_over_60_fails(client: &VariantClient<'_>) {
    refuses(client, "nbf", Some(json!(client.suite.world.now() - 3601))).await;
}

pub async fn par_authorization_request_containing_request_uri(client: &VariantClient<'_>) {
    // RFC 9126 §2.1
    let (_, pushed) = client.push(&[]).await;
    refuses(client, "request_uri", Some(pushed["request_uri"].clone())).await;
}

pub async fn ensure_signed_request_object_with_rs256_fails(client: &VariantClient<'_>) {
    // Security Profile §5.4.1
    for algorithm in ["RS256", "PS384"] {
        let answer = client.push_changed(algorithm, |_| {}).await;
        assert_error(&answer, REFUSED.0, REFUSED.1);
    }
}

pub async fn ensure_request_object_signature_algorithm_is_not_none(client: &VariantClient<'_>) {
    assert_error(&client.push_changed("none", |_| {}).await, REFUSED.0, REFUSED.1);
}

pub async fn ensure_request_object_with_invalid_signature_fails(client: &VariantClient<'_>) {
    let object = client.party.object_of(&client.parameters(&[]), "PS256", |_| {});
    let (message, signature) = object.rsplit_once('.').expect("three parts");
    // The signature of another object, and a signature without bytes
    let other = client.party.object_of(&client.parameters(&[("state", "b")]), "PS256", |_| {});
    let (_, of_other) = other.rsplit_once('.').expect("three parts");
    assert_ne!(signature, of_other);
    for signature in [of_other, ""] {
        let answer = client.push_object(&format!("{message}.{signature}"), &[]).await;
        assert_error(&answer, REFUSED.0, REFUSED.1);
    }
}

pub async fn ensure_matching_key_in_authorization_request(client: &VariantClient<'_>) {
    // RFC 9101 §6.2
    let other = client.other().await;
    let object = client.party.object_of(&client.parameters(&[]), "PS256", |_| {});
    let header = json!({ "typ": "oauth-authz-req+jwt" });
    let object = other.party.keys.sign(header, "PS256", &claims(&object));
    assert_error(&client.push_object(&object, &[]).await, REFUSED.0, REFUSED.1);
}

pub async fn ensure_unsigned_request_at_par_endpoint_fails(client: &VariantClient<'_>) {
    let answer = client.send(PAR, &pairs(&client.parameters(&[])), None).await;
    assert_error(&answer, 400, "invalid_request");
}

pub async fn ensure_request_object_without_redirect_uri_fails(client: &VariantClient<'_>) {
    if !client.variant.is_signed() {
        return ensure_redirect_uri_in_authorization_request(client).await;
    }
    let without = client.parameters(&[("redirect_uri", "")]);
    let object = client.party.object_of(&without, "PS256", |_| {});
    let outside = [("redirect_uri", client.party.application.redirect_uri.as_str())];
    assert_error(&client.push_object(&object, &outside).await, 400, "invalid_request");
}

/// The response for pushed parameters, with others in the request of the browser, and next to the signed object.
async fn response(
    client: &VariantClient<'_>,
    inside: &[(&str, &str)],
    outside: &[(&str, &str)],
) -> Value {
    let object = client.party.object_of(&client.parameters(inside), "PS256", |_| {});
    let pushed = if client.variant.is_signed() {
        client.push_object(&object, outside).await
    } else {
        client.push(inside).await
    };
    let mut url = url::Url::parse(&client.url_of(&pushed)).expect("a URL");
    url.query_pairs_mut().extend_pairs(outside);
    client.response(url.as_str()).await
}

pub async fn state_only_outside_request_object_not_used(client: &VariantClient<'_>) {
    // RFC 9101 §6.3
    let response = response(client, &[("state", "")], &[("state", "outside")]).await;
    assert!(response.get("state").is_none(), "{response}");
}

pub async fn ensure_different_state_inside_and_outside_request_object(client: &VariantClient<'_>) {
    let response = response(client, &[], &[("state", "outside")]).await;
    assert_eq!(response["state"], "a-state");
}

pub async fn ensure_different_nonce_inside_and_outside_request_object(client: &VariantClient<'_>) {
    let response = response(client, &[], &[("nonce", "outside")]).await;
    let (status, tokens) = client.redeem(text(&response, "code")).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(text(&tokens, "id_token"))["nonce"], "a-nonce");
}
