//! Request objects, by value and by reference.

use serde_json::{Value, json};

use super::happy::complete;
use crate::conformance::{
    keys::unsigned,
    op::Op,
    person::{Person, Visit},
    rp::{Request, Rp, Variant},
};

/// The URL of a request object. It is registered before the object exists, so the fragment is not the
/// hash of the object (OIDC Core §6.2).
const REQUEST_URI: &str =
    "https://rp.test/requesturi/one#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM";

/// Registers the URL of a request object.
fn by_reference(metadata: &mut Value) {
    metadata["request_uris"] = json!([REQUEST_URI]);
}

/// Sends a request with an object and only the parameters that OAuth requires (OIDC Core §6.1).
async fn send(rp: &Rp<'_>, (name, value): (&'static str, &str), redirect_uri: &str) -> Visit {
    let inside = [
        ("state", ""),
        ("nonce", ""),
        ("response_mode", ""),
        (name, value),
        ("redirect_uri", redirect_uri),
    ];
    rp.send(&Person::default(), &inside).await
}

/// Asserts that the values of the object are used.
async fn taken(rp: &Rp<'_>, object: &Request, visit: &Visit) {
    let response = visit.response(rp);
    assert_eq!(response["state"], object["state"]);
    complete(rp, response, Some(&object["nonce"])).await;
}

pub async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    op: &Op,
    variant: Variant,
) {
    // Supported correctly, which the plan `dynamic` requires.
    oidcc_request_uri_unsigned(op, variant).await;
}

pub async fn oidcc_request_uri_unsigned(op: &Op, variant: Variant) {
    assert_eq!(op.metadata["request_uri_parameter_supported"], true);
    assert!(op.supports("request_object_signing_alg_values_supported", "none"));
    let rp = op.register_with(variant, by_reference).await;
    let object = rp.request();
    op.app.publish(REQUEST_URI, &unsigned(&json!(object)));
    let visit = send(&rp, ("request_uri", REQUEST_URI), &object["redirect_uri"]).await;
    taken(&rp, &object, &visit).await;
    rp.unregister().await;
}

pub async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    op: &Op,
    variant: Variant,
) {
    assert_eq!(op.metadata["request_parameter_supported"], true);
    // By value, only clients that registered `none` may send one. The suite accepts the error for others.
    let rp = op.register(variant).await;
    let mut object = rp.request();
    let visit = send(&rp, ("request", &unsigned(&json!(object))), &object["redirect_uri"]).await;
    let response = visit.response(&rp);
    assert_eq!(response["error"], "request_not_supported");
    assert_eq!(response["state"], object["state"]);
    rp.unregister().await;
    let none = json!("none");
    let rp = op.register_with(variant, |it| it["request_object_signing_alg"] = none).await;
    object = rp.request();
    let visit = send(&rp, ("request", &unsigned(&json!(object))), &object["redirect_uri"]).await;
    taken(&rp, &object, &visit).await;
    rp.unregister().await;
}

pub async fn oidcc_ensure_request_object_with_redirect_uri(op: &Op, variant: Variant) {
    // OIDC Core §6.1: the redirect URI of the object is used if the client may send unsigned objects.
    let none = json!("none");
    let rp = op.register_with(variant, |it| it["request_object_signing_alg"] = none).await;
    let (object, bad) = (rp.request(), "https://rp.test/callback/not-registered");
    let visit = send(&rp, ("request", &unsigned(&json!(object))), bad).await;
    taken(&rp, &object, &visit).await;
    rp.unregister().await;
    // For other clients the answer is a page about the redirect URI, which is not registered.
    let rp = op.register(variant).await;
    let object = rp.request();
    let visit = send(&rp, ("request", &unsigned(&json!(object))), bad).await;
    assert!(
        visit.error_page().contains("The redirect_uri is not registered"),
        "{}",
        visit.page.body
    );
    rp.unregister().await;
}

pub async fn oidcc_request_uri_signed_rs256(op: &Op, variant: Variant) {
    assert!(op.supports("request_object_signing_alg_values_supported", "RS256"));
    let rp = op
        .register_with(variant, |it| {
            by_reference(it);
            it["request_object_signing_alg"] = json!("RS256");
        })
        .await;
    let object = rp.request();
    let mut claims = json!(object);
    claims["iss"] = rp.client_id().into();
    claims["aud"] = op.issuer().into();
    op.app.publish(REQUEST_URI, &rp.key.sign(&claims));
    let visit = send(&rp, ("request_uri", REQUEST_URI), &object["redirect_uri"]).await;
    taken(&rp, &object, &visit).await;
    rp.unregister().await;
}
