//! Clients that may not be: those that register themselves, and those described by documents.

use std::fs;

use serde_json::{Value, json};

use super::world::ClientKeys;
use crate::support::dev::Dev;

/// A tenant under the profile at which clients register.
const OPEN: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: secure}
spec: {profile: Fapi2Security, registration: {mode: Open, requestsPerMinute: 100}}
";

#[tokio::test(flavor = "multi_thread")]
async fn registered_clients_follow_the_profile_of_the_tenant() {
    // Security Profile §5.3.2.1
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("open.yaml"), OPEN).expect("written");
    let dev = Dev::start(folder.path());
    dev.awaits("Open  ").await;
    let (http, url) =
        (reqwest::Client::new(), format!("{}/default/secure/oauth/register", dev.base_url));
    let base = json!({
        "redirect_uris": ["https://rp.test/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": ClientKeys::of_app().jwks,
    });
    let register = async |change: &dyn Fn(&mut Value)| -> (u16, Value) {
        let mut metadata = base.clone();
        change(&mut metadata);
        let response = http.post(&url).json(&metadata).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.expect("JSON"))
    };
    let (status, answer) = register(&|_| ()).await;
    assert_eq!(status, 201, "{answer}");
    for (name, value) in base.as_object().expect("an object") {
        assert_eq!(answer[name], *value, "{name} in {answer}");
    }
    for change in [
        &(|it: &mut Value| it["token_endpoint_auth_method"] = "none".into()) as &dyn Fn(&mut Value),
        &|it| it["token_endpoint_auth_method"] = "client_secret_basic".into(),
        &|it| it["token_endpoint_auth_method"] = "client_secret_jwt".into(),
        &|it| it["token_endpoint_auth_method"] = Value::Null,
        &|it| it["response_types"] = json!(["code id_token"]),
        &|it| it["grant_types"] = json!(["implicit"]),
        &|it| it["id_token_signed_response_alg"] = "RS256".into(),
        &|it| it["token_endpoint_auth_signing_alg"] = "RS256".into(),
        &|it| it["request_object_signing_alg"] = "none".into(),
        &|it| it["request_uris"] = json!(["https://rp.test/object"]),
        &|it| it["dpop_bound_access_tokens"] = false.into(),
        &|it| it["require_pushed_authorization_requests"] = false.into(),
    ] {
        let (status, answer) = register(change).await;
        assert_eq!(
            (status, &answer["error"]),
            (400, &json!("invalid_client_metadata")),
            "{answer}"
        );
        let description = answer["error_description"].as_str().expect("a description");
        assert!(!description.is_empty());
    }
}
