//! FAPI 2.0 Security Profile: authorization requests that are not pushed, and those of strangers.

use serde_json::Value;

use super::{
    browser::Browser,
    world::{World, assert_error},
};

#[tokio::test]
async fn fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails()
 {
    // §5.3.2.2, 3
    let world = World::new().await;
    for (tenant, name) in [("secure", "app"), ("plain", "own")] {
        let party = world.party(tenant, name).await;
        let url = party.application.authorize_url("openid", &[]);
        let answer = Browser::new().open(&url).await.answer();
        assert_eq!(answer["error"], "invalid_request", "{answer:?}");
        assert!(!answer.contains_key("code"));
        // Neither an object by value nor one by reference replaces it.
        let object = party.object_with("PS256", |claims| claims["response_mode"] = Value::Null);
        let url = party.application.authorize_url("openid", &[("request", &object)]);
        assert_eq!(Browser::new().open(&url).await.answer()["error"], "invalid_request");
        let uri = [("request_uri", "https://rp.test/object")];
        let url = party.application.authorize_url("openid", &uri);
        let error = Browser::new().open(&url).await.answer()["error"].clone();
        // The tenant supports no references, or the client's is refused before it is fetched.
        assert!(["request_uri_not_supported", "invalid_request"].contains(&&*error), "{error}");
    }
}

#[tokio::test]
async fn pushed_requests_need_client_authentication() {
    // §5.3.2.2, 4
    let world = World::new().await;
    let party = world.party("secure", "app").await;
    let all = party.parameters(&[]);
    let all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let endpoint = "pushed_authorization_request_endpoint";
    assert_error(&party.send(endpoint, &all, None, None).await, 401, "invalid_client");
    let url = party.application.endpoint(endpoint);
    let secret = [&all[..], &[("client_secret", "a secret")]].concat();
    assert_error(&party.send(endpoint, &secret, None, None).await, 401, "invalid_client");
    let basic = world.http.post(url).basic_auth(party.id(), Some("x")).form(&all);
    assert_eq!(basic.send().await.expect("an answer").status(), 401);
}
