//! Modules about refresh tokens.

use serde_json::{Value, json};

use super::happy::{Flow, flow};
use crate::conformance::{
    checks::{self, id_token, text},
    op::Op,
    person::Person,
    rp::{Rp, Variant},
};

const OFFLINE: &str = "openid offline_access";

/// Adds the refresh token grant to the metadata.
pub fn refreshes(metadata: &mut Value) {
    metadata["grant_types"].as_array_mut().expect("a list").push(json!("refresh_token"));
}

/// Runs a flow that returns a refresh token.
pub async fn offline(rp: &Rp<'_>, person: &Person) -> Flow {
    flow(rp, person, &[("scope", OFFLINE), ("prompt", "consent")]).await
}

/// Refreshes, and asserts that the new ID token belongs to the same sign-in (OIDC Core §12.2).
pub async fn refresh(rp: &Rp<'_>, before: &Flow) -> Value {
    let tokens = before.tokens.as_ref().expect("a code");
    let form = form(text(tokens, "refresh_token"));
    let fresh = checks::tokens(rp.token(&form).await).await;
    let old = before.back.as_ref().expect("an ID token");
    // It has no nonce.
    let new = id_token(rp, text(&fresh, "id_token"), None).await;
    for same in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(old.get(same), new.get(same), "{same}");
    }
    assert!(new["iat"].as_i64() > old["iat"].as_i64(), "{new}");
    assert_ne!(fresh["access_token"], tokens["access_token"]);
    assert_eq!(rp.userinfo(text(&fresh, "access_token")).await.status(), 200);
    fresh
}

fn form(refresh_token: &str) -> [(&str, &str); 3] {
    [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("scope", OFFLINE)]
}

pub async fn oidcc_refresh_token(op: &Op, variant: Variant) {
    assert!(op.supports("grant_types_supported", "refresh_token"));
    let (first, second) =
        (op.register_with(variant, refreshes).await, op.register_with(variant, refreshes).await);
    let ada = Person::default();
    let before = offline(&first, &ada).await;
    op.wait(1);
    refresh(&first, &before).await;
    let before = offline(&second, &ada).await;
    op.wait(1);
    let fresh = refresh(&second, &before).await;
    // The first client cannot use the token of the second.
    let answer = first.token(&form(text(&fresh, "refresh_token"))).await;
    assert_eq!(checks::token_error(answer).await, "invalid_grant");
    first.unregister().await;
    second.unregister().await;
}
