//! Claims about the user, in ID tokens and userinfo.

use serde_json::{Value, json};

use super::happy::{Flow, complete, flow};
use crate::conformance::{
    checks::{self, of_scope, standard_claims, text},
    op::Op,
    person::Person,
    rp::{Rp, Variant},
};

/// The claims of a userinfo answer in JSON.
async fn userinfo(answer: reqwest::Response, flow: &Flow) -> Value {
    assert_eq!(answer.status(), 200);
    checks::is_json(&answer);
    let person: Value = answer.json().await.expect("JSON");
    standard_claims(&person);
    for id_token in [&flow.front, &flow.back].into_iter().flatten() {
        assert_eq!(id_token["sub"], person["sub"], "OIDC Core §5.3.2");
    }
    person
}

/// The claims of the user, from userinfo or the ID token as the response type requires (OIDC Core §5.4).
async fn user_claims(rp: &Rp<'_>, flow: &Flow) -> Value {
    match flow.access_token() {
        Some(token) => userinfo(rp.userinfo(token).await, flow).await,
        None => flow.id_token().clone(),
    }
}

/// Asserts that every claim of these scopes is returned.
async fn scope(op: &Op, variant: Variant, scope: &str) {
    let rp = op.register(variant).await;
    let flow = flow(&rp, &Person::default(), &[("scope", scope)]).await;
    let user_claims = user_claims(&rp, &flow).await;
    for name in scope.split(' ').flat_map(of_scope) {
        assert!(user_claims.get(name).is_some(), "no {name} in {user_claims}");
    }
    if variant.response_type != "id_token" {
        // Claims of userinfo are not repeated in the ID token.
        let twice = flow.id_token().as_object().expect("an object").keys();
        let twice = twice.filter(|name| name.as_str() != "sub" && user_claims.get(name).is_some());
        assert_eq!(twice.count(), 0, "{}", flow.id_token());
    }
    rp.unregister().await;
}

pub async fn oidcc_scope_profile(op: &Op, variant: Variant) {
    scope(op, variant, "openid profile").await;
}

pub async fn oidcc_scope_email(op: &Op, variant: Variant) {
    scope(op, variant, "openid email").await;
}

pub async fn oidcc_scope_address(op: &Op, variant: Variant) {
    scope(op, variant, "openid address").await;
}

pub async fn oidcc_scope_phone(op: &Op, variant: Variant) {
    scope(op, variant, "openid phone").await;
}

pub async fn oidcc_scope_all(op: &Op, variant: Variant) {
    scope(op, variant, "openid email phone address profile").await;
}

pub async fn oidcc_alternate_happy_flow(op: &Op, variant: Variant) {
    // RFC 6749 §3.3: neither scopes nor parameters have an order.
    let rp = op.register(variant).await;
    let request = rp.request_with(&[("scope", "email openid")]);
    let visit = Person::default().visits(&rp.url(request.iter().rev())).await;
    let flow = complete(&rp, visit.response(&rp), Some("a-nonce")).await;
    let user_claims = user_claims(&rp, &flow).await;
    assert_eq!(text(&user_claims, "email"), "ada@example.com");
    assert_eq!(user_claims["email_verified"], true);
    rp.unregister().await;
}

pub async fn oidcc_userinfo_get(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    let flow = flow(&rp, &Person::default(), &[]).await;
    let token = flow.access_token().expect("one");
    userinfo(rp.userinfo(token).await, &flow).await;
    rp.unregister().await;
}

pub async fn oidcc_userinfo_post_header(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    let flow = flow(&rp, &Person::default(), &[]).await;
    // A form without fields.
    let request = op.http.post(op.endpoint("userinfo_endpoint"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.bearer_auth(flow.access_token().expect("one"));
    userinfo(request.send().await.expect("an answer"), &flow).await;
    rp.unregister().await;
}

pub async fn oidcc_userinfo_post_body(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    let flow = flow(&rp, &Person::default(), &[]).await;
    let request = op.http.post(op.endpoint("userinfo_endpoint"));
    let request = request.form(&[("access_token", flow.access_token().expect("one"))]);
    userinfo(request.send().await.expect("an answer"), &flow).await;
    rp.unregister().await;
}

pub async fn oidcc_claims_essential(op: &Op, variant: Variant) {
    // OIDC Core §5.5
    let rp = op.register(variant).await;
    let alone = variant.response_type == "id_token";
    let member = if alone { "id_token" } else { "userinfo" };
    let asked = json!({ member: { "name": { "essential": true } } }).to_string();
    let flow = flow(&rp, &Person::default(), &[("claims", &asked)]).await;
    assert_eq!(text(&user_claims(&rp, &flow).await, "name"), "Ada Lovelace");
    assert_eq!(flow.id_token().get("name").is_some(), alone, "{}", flow.id_token());
    rp.unregister().await;
}

pub async fn oidcc_ensure_request_with_acr_values_succeeds(op: &Op, variant: Variant) {
    let supported = op.metadata["acr_values_supported"].as_array().expect("a list");
    let supported: Vec<_> = supported.iter().map(|it| it.as_str().expect("text")).collect();
    let rp = op.register(variant).await;
    let changes = [("acr_values", supported.join(" "))];
    let changes = changes.each_ref().map(|(name, value)| (*name, value.as_str()));
    let flow = flow(&rp, &Person::default(), &changes).await;
    let acr = text(flow.id_token(), "acr");
    assert!(supported.contains(&acr), "{acr} is one of {supported:?}");
    rp.unregister().await;
}
