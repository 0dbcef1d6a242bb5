//! Plan `oidcc-3rdparty-init-login-certification-test-plan`.

use serde_json::{Value, json};

use crate::conformance::{checks, op::Op, rp::Variant};

const CODE: Variant = Variant::of("code");

#[tokio::test]
async fn oidcc_3rd_party_init_login() {
    // OIDC Core §4, OIDC Registration §4.3
    let op = Op::start().await;
    let uri = json!("https://rp.test/initiate_login");
    let rp = op.register_with(CODE, |it| it["initiate_login_uri"] = uri.clone()).await;
    let request = op.http.get(rp.text("registration_client_uri"));
    let request = request.bearer_auth(rp.text("registration_access_token"));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    checks::is_json(&answer);
    let read: Value = answer.json().await.expect("JSON");
    assert_eq!(read["initiate_login_uri"], uri);
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_3rd_party_init_login_nohttps() {
    let op = Op::start().await;
    let uri = json!("http://rp.test/initiate_login");
    let error = op.refuses_to_register(CODE, |it| it["initiate_login_uri"] = uri).await;
    assert_eq!(error, "invalid_client_metadata");
}
