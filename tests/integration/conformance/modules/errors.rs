//! Requests that are refused.

use crate::conformance::{checks, op::Op, person::Person, rp::Variant};

pub async fn oidcc_response_type_missing(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    let visit = rp.send(&Person::default(), &[("response_type", "")]).await;
    let error = checks::error(&visit.response_to_no_type(&rp), &rp.request()["state"]);
    assert!(["invalid_request", "unsupported_response_type"].contains(&error.as_str()), "{error}");
    rp.unregister().await;
}

pub async fn oidcc_ensure_request_without_nonce_fails(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    let response = rp.send(&Person::default(), &[("nonce", "")]).await.response(&rp);
    assert_eq!(checks::error(&response, &rp.request()["state"]), "invalid_request");
    rp.unregister().await;
}

pub async fn oidcc_ensure_registered_redirect_uri(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    let changes = [("redirect_uri", "https://rp.test/not-registered")];
    let visit = rp.send(&Person::default(), &changes).await;
    assert!(visit.error_page().contains("redirect_uri"), "the page names the parameter");
    rp.unregister().await;
}
