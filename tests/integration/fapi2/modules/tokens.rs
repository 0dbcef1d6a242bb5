//! Modules of the token endpoint: codes, and the key that tokens are bound to.

use crate::fapi2::{
    certificates::Identity,
    suite::VariantClient,
    world::{assert_error, text},
};

pub async fn ensure_holder_of_key_required(client: &VariantClient<'_>) {
    // Security Profile §5.3.2.1, 4
    let (code, renewed) = (client.code(&[]).await, Identity::self_signed("renewed.test"));
    client.assert_refused_without_key(&client.party.code_form(&code)).await;
    let (status, tokens) = client.redeem(&code).await;
    assert_eq!(status, 200, "nothing was spent: {tokens}");
    let token = text(&tokens, "access_token");
    let keyless = client.with_other_keys(None);
    for scheme in ["Bearer", "DPoP"] {
        let (status, answer) = keyless.party.userinfo(scheme, token, None).await;
        assert_eq!(status, 401, "{scheme} without a key: {answer}");
    }
    let thief = client.with_other_keys(Some(&renewed));
    for scheme in ["Bearer", "DPoP"] {
        let proof = thief.party.userinfo_proof(token);
        let (status, answer) = thief.party.userinfo(scheme, token, Some(&proof)).await;
        assert_eq!(status, 401, "{scheme} with another key: {answer}");
    }
    client.assert_accepted(token).await;
}

pub async fn ensure_authorization_code_is_bound_to_client(client: &VariantClient<'_>) {
    let (code, other) = (client.code(&[]).await, client.other().await);
    assert_error(&other.redeem(&code).await, 400, "invalid_grant");
    let (status, tokens) = client.redeem(&code).await;
    assert_eq!(status, 200, "nothing was spent: {tokens}");
}

pub async fn ensure_client_id_in_token_endpoint(client: &VariantClient<'_>) {
    let (code, other) = (client.code(&[]).await, client.other().await);
    let form = [&client.party.code_form(&code)[..], &[("client_id", other.party.id())]].concat();
    let refused = client.token(&form).await;
    if client.variant.has_assertions() {
        assert_error(&refused, 400, "invalid_request");
    } else {
        assert_error(&refused, 401, "invalid_client");
    }
    let (status, tokens) = client.redeem(&code).await;
    assert_eq!(status, 200, "nothing was spent: {tokens}");
}

pub async fn attempt_reuse_authorization_code_after_one_second(client: &VariantClient<'_>) {
    // §5.3.2.2, 9
    let code = client.code(&[]).await;
    let (_, tokens) = client.redeem(&code).await;
    let token = text(&tokens, "access_token");
    client.assert_accepted(token).await;
    client.suite.world.wait(1);
    assert_error(&client.redeem(&code).await, 400, "invalid_grant");
    assert!(!client.is_active(token).await, "its tokens are revoked");
}

pub async fn ensure_token_endpoint_fails_with_expired_auth_code(client: &VariantClient<'_>) {
    // §5.3.2.1, 11
    let code = client.code(&[]).await;
    client.suite.world.wait(61);
    assert_error(&client.redeem(&code).await, 400, "invalid_grant");
}

/// The token request for a code without its last parameter, the verifier.
fn without_verifier<'a>(client: &'a VariantClient<'_>, code: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut form = client.party.code_form(code);
    let (name, _) = form.pop().expect("parameters");
    assert_eq!(name, "code_verifier");
    form
}

pub async fn ensure_pkce_code_verifier_required(client: &VariantClient<'_>) {
    let code = client.code(&[]).await;
    let refused = client.token(&without_verifier(client, &code)).await;
    assert_error(&refused, 400, "invalid_grant");
}

pub async fn incorrect_pkce_code_verifier_rejected(client: &VariantClient<'_>) {
    let code = client.code(&[]).await;
    let mut form = without_verifier(client, &code);
    form.push(("code_verifier", "another-verifier-of-at-least-forty-three-characters"));
    assert_error(&client.token(&form).await, 400, "invalid_grant");
}
