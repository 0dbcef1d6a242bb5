//! Reuse of authorization codes.

use crate::conformance::{
    checks::{self, text},
    op::Op,
    person::Person,
    rp::{Rp, Variant},
};

/// Redeems a code again after some seconds: it is refused and revokes the tokens of the first use
/// (RFC 6749 §4.1.2).
async fn reuse(op: &Op, variant: Variant, seconds: u64) {
    let rp = op.register(variant).await;
    let response = rp.send(&Person::default(), &[]).await.response(&rp);
    let tokens = rp.redeem(&response["code"]).await;
    let access_token = text(&tokens, "access_token");
    assert_eq!(rp.userinfo(access_token).await.status(), 200);
    op.wait(seconds);
    let again = rp.token(&Rp::code_form(&response["code"])).await;
    assert_eq!(checks::token_error(again).await, "invalid_grant");
    assert_eq!(rp.userinfo(access_token).await.status(), 401);
    rp.unregister().await;
}

pub async fn oidcc_codereuse(op: &Op, variant: Variant) {
    reuse(op, variant, 0).await;
}

pub async fn oidcc_codereuse_30seconds(op: &Op, variant: Variant) {
    reuse(op, variant, 30).await;
}
