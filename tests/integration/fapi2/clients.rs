//! Clients that may not be: those that register themselves, and those described by documents.

use serde_json::{Value, json};

use super::world::{ClientKeys, World};

#[tokio::test]
async fn registered_clients_follow_the_profile_of_the_tenant() {
    // Security Profile §5.3.2.1
    let world = World::new().await;
    let before = "profile: Fapi2Security}";
    world.change_all(&[(
        before,
        "profile: Fapi2Security, registration: {mode: Open, requestsPerMinute: 100}}",
    )]);
    let url = format!("{}/oauth/register", world.app.issuer("secure"));
    let register = async |change: &dyn Fn(&mut Value)| -> (u16, Value) {
        let mut metadata = json!({
            "redirect_uris": ["https://rp.test/cb"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": ClientKeys::of_app().jwks,
        });
        change(&mut metadata);
        let response = world.http.post(&url).json(&metadata).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.expect("JSON"))
    };
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
