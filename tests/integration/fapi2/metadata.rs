//! Metadata under the profiles: what they turn off is not advertised.

use serde_json::{Value, json};

use super::world::World;

async fn of(world: &World, tenant: &str) -> Value {
    let url = format!("{}/.well-known/openid-configuration", world.app.issuer(tenant));
    let metadata: Value = reqwest::get(url).await.expect("an answer").json().await.expect("JSON");
    let url = world.app.issuer(tenant);
    let (origin, path) = url.split_at(url.find("/default").expect("a path"));
    let rfc8414 = format!("{origin}/.well-known/oauth-authorization-server{path}");
    let same: Value = reqwest::get(rfc8414).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(metadata, same, "RFC 8414 §3");
    metadata
}

#[tokio::test]
async fn fapi2_security_profile_final_discovery_end_point_verification() {
    // Security Profile §5.3.2.1, §5.3.2.2, §5.4.1
    let world = World::new().await;
    let metadata = of(&world, "secure").await;
    let algorithms = json!(["PS256", "ES256", "EdDSA", "Ed25519"]);
    for endpoint in ["token", "introspection", "revocation"] {
        let methods = &metadata[format!("{endpoint}_endpoint_auth_methods_supported")];
        assert_eq!(*methods, json!(["private_key_jwt"]), "{endpoint}");
        let field = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
        assert_eq!(sorted(&metadata[&field]), sorted(&algorithms), "{endpoint}");
    }
    for field in
        ["dpop_signing_alg_values_supported", "request_object_signing_alg_values_supported"]
    {
        assert_eq!(sorted(&metadata[field]), sorted(&algorithms), "{field}");
    }
    for (field, value) in [
        ("response_types_supported", json!(["code"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("require_pushed_authorization_requests", json!(true)),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("request_uri_parameter_supported", json!(false)),
        ("id_token_signing_alg_values_supported", json!(["ES256"])),
        ("userinfo_signing_alg_values_supported", json!(["ES256"])),
        ("authorization_signing_alg_values_supported", json!(["ES256"])),
        ("introspection_signing_alg_values_supported", json!(["ES256"])),
    ] {
        assert_eq!(metadata[field], value, "{field}");
    }
    let grants = ["authorization_code", "refresh_token", "client_credentials"];
    assert_eq!(sorted(&metadata["grant_types_supported"]), sorted(&json!(grants)));
    let text = metadata.to_string();
    for gone in [
        "RS256",
        "HS256",
        "client_secret",
        "device_code",
        "grant-type:ciba",
        "implicit",
        "id_token token",
    ] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    for gone in [
        "require_signed_request_object",
        "device_authorization_endpoint",
        "backchannel_authentication_endpoint",
    ] {
        assert!(metadata.get(gone).is_none(), "{gone}");
    }
    let jwks: Value = reqwest::get(metadata["jwks_uri"].as_str().expect("a URL"))
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let keys = jwks["keys"].as_array().expect("a list");
    assert!(keys.iter().all(|key| key["alg"] == "ES256"), "{jwks}");
}

fn sorted(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("a list, not {list}"));
    let mut list: Vec<String> = list.iter().map(Value::to_string).collect();
    list.sort();
    list
}

#[tokio::test]
async fn fapi2_security_profile_final_discovery_end_point_verification_of_message_signing() {
    // Message Signing §5.3.1, §5.4.1, §5.5
    let world = World::new().await;
    let metadata = of(&world, "signing").await;
    for (field, value) in [
        ("require_signed_request_object", json!(true)),
        ("request_parameter_supported", json!(true)),
        ("response_modes_supported", json!(["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"])),
        ("authorization_signing_alg_values_supported", json!(["PS256", "ES256"])),
        ("introspection_signing_alg_values_supported", json!(["PS256", "ES256"])),
    ] {
        assert_eq!(metadata[field], value, "{field}");
    }
}

#[tokio::test]
async fn the_profile_of_a_client_leaves_the_metadata_of_its_tenant_as_it_is() {
    let world = World::new().await;
    let metadata = of(&world, "plain").await;
    assert_eq!(metadata["require_pushed_authorization_requests"], false);
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().expect("a list");
    assert!(methods.iter().any(|method| method == "client_secret_basic"));
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["RS256", "ES256"]));
}
