//! Modules of DPoP proofs (RFC 9449), in the variants with `dpop`.

use lanyard::model::Clock;
use serde_json::Value;

use crate::fapi2::{
    dpop::{DpopKey, claims as proof_claims},
    suite::{PAR, VariantClient},
    world::{assert_error, pairs, text},
};

const TOKEN: &str = "token_endpoint";

/// Redeems a new code with a proof that has changed claims.
async fn redeem_with(client: &VariantClient<'_>, change: impl FnOnce(&mut Value, i64)) {
    let (party, world) = (&client.party, &client.suite.world);
    let code = client.code(&[]).await;
    let url = party.application.endpoint(TOKEN);
    let mut claims = proof_claims("POST", url, world.app.clock.now());
    change(&mut claims, world.now());
    let proof = party.key.sign(&party.key.header(), &claims);
    let (status, tokens) = client.send(TOKEN, &party.code_form(&code), Some(&proof)).await;
    assert_eq!(status, 200, "{tokens}");
    client.assert_accepted(text(&tokens, "access_token")).await;
}

pub async fn check_dpop_proof_nbf_exp(client: &VariantClient<'_>) {
    redeem_with(client, |claims, now| {
        claims["nbf"] = (now - 10).into();
        claims["exp"] = (now + 60).into();
    })
    .await;
}

pub async fn ensure_dpopproof_with_iat_10seconds_before_succeeds(client: &VariantClient<'_>) {
    redeem_with(client, |claims, now| claims["iat"] = (now - 10).into()).await;
}

pub async fn ensure_dpopproof_with_iat_10seconds_after_succeeds(client: &VariantClient<'_>) {
    redeem_with(client, |claims, now| claims["iat"] = (now + 10).into()).await;
}

/// Pushes a request in the form of the variant with this `dpop_jkt`, and with a proof of a key.
async fn push(client: &VariantClient<'_>, jkt: &str, key: Option<&DpopKey>) -> (u16, Value) {
    let parameters = client.parameters(&[("dpop_jkt", jkt)]);
    let object = client.party.object_of(&parameters, "PS256", |_| {});
    let signed = [("request", object.as_str()), ("client_id", client.party.id())];
    let form = if client.variant.is_signed() { signed.to_vec() } else { pairs(&parameters) };
    let (url, now) = (client.party.application.endpoint(PAR), client.suite.world.app.clock.now());
    let proof = key.map(|key| key.proof("POST", url, now));
    client.send(PAR, &form, proof.as_deref()).await
}

/// Asserts that a pushed request binds its code to the client's key, which is not that of a thief.
async fn binds(client: &VariantClient<'_>, pushed: &(u16, Value)) {
    let response = client.response(&client.url_of(pushed)).await;
    let code = text(&response, "code");
    let thief = DpopKey::new();
    let url = client.party.application.endpoint(TOKEN);
    let proof = thief.proof("POST", url, client.suite.world.app.clock.now());
    let refused = client.send(TOKEN, &client.party.code_form(code), Some(&proof)).await;
    assert_error(&refused, 400, "invalid_grant");
    let (status, tokens) = client.redeem(code).await;
    assert_eq!(status, 200, "the code is not spent by another key: {tokens}");
}

pub async fn ensure_mismatched_dpop_jkt_fails(client: &VariantClient<'_>) {
    // RFC 9449 §10.1
    let other = DpopKey::new().thumbprint();
    let answer = push(client, &other, Some(&client.party.key)).await;
    assert_error(&answer, 400, "invalid_dpop_proof");
}

pub async fn ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    client: &VariantClient<'_>,
) {
    binds(client, &push(client, "", Some(&client.party.key)).await).await;
}

pub async fn ensure_token_endpoint_fails_with_mismatched_dpop_jkt(client: &VariantClient<'_>) {
    binds(client, &push(client, &client.party.key.thumbprint(), None).await).await;
}

pub async fn ensure_dpopproof_at_par_endpoint_binding_success(client: &VariantClient<'_>) {
    let pushed = push(client, "", Some(&client.party.key)).await;
    let response = client.response(&client.url_of(&pushed)).await;
    let (status, tokens) = client.redeem(text(&response, "code")).await;
    assert_eq!(status, 200, "{tokens}");
}

pub async fn ensure_dpop_auth_code_binding_success(client: &VariantClient<'_>) {
    let thumbprint = client.party.key.thumbprint();
    let pushed = push(client, &thumbprint, Some(&client.party.key)).await;
    let response = client.response(&client.url_of(&pushed)).await;
    let (status, tokens) = client.redeem(text(&response, "code")).await;
    assert_eq!(status, 200, "{tokens}");
}
