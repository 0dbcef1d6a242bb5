//! Signing algorithms that a client registers for its tokens (OIDC Registration §2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    browser::{claims, verified},
    world::{World, text},
};

fn header(jwt: &str) -> Value {
    let header = jwt.split('.').next().expect("a header");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn id_tokens_have_the_algorithm_of_the_client_or_the_tenants_first() {
    // id_token_signed_response_alg
    let world = World::new().await;
    let alice = world.alice_elsewhere().await;
    for (name, algorithm) in [("chooses-elsewhere", "EdDSA"), ("web-elsewhere", "ES256")] {
        let client = world.application(name).await;
        let tokens = alice.tokens(&client, "openid").await;
        let id_token = text(&tokens, "id_token");
        assert_eq!(header(id_token)["alg"], algorithm, "{name}");
        let claims = verified(id_token, &client.jwks().await, &client.client_id);
        assert!(claims["at_hash"].is_string());
    }
}

#[tokio::test]
async fn unsigned_id_token_is_for_clients_that_registered_none() {
    let world = World::new().await;
    let (alice, client) =
        (world.alice_elsewhere().await, world.application("unsigned-elsewhere").await);
    let tokens = alice.tokens(&client, "openid").await;
    let id_token = text(&tokens, "id_token");
    assert_eq!(header(id_token)["alg"], "none");
    assert!(id_token.ends_with('.'));
    assert_eq!(claims(id_token)["aud"], "default.unsigned-elsewhere");
    let advertised = &client.metadata["id_token_signing_alg_values_supported"];
    assert_eq!(*advertised, json!(["ES256", "EdDSA", "RS256", "PS256"]), "never none");
}

#[tokio::test]
async fn userinfo_is_a_jwt_for_clients_that_registered_an_algorithm() {
    // OIDC Core §5.3.2
    let world = World::new().await;
    let (alice, client) =
        (world.alice_elsewhere().await, world.application("chooses-elsewhere").await);
    let tokens = alice.tokens(&client, "openid profile").await;
    let url = client.endpoint("userinfo_endpoint");
    let token = text(&tokens, "access_token");
    let response = world.http.get(url).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/jwt");
    let jwt = response.text().await.expect("text");
    assert_eq!(header(&jwt)["alg"], "RS256");
    let userinfo = claims(&jwt);
    assert_eq!(userinfo["iss"], world.app.issuer("other"));
    assert_eq!(userinfo["aud"], "default.chooses-elsewhere");
    assert_eq!(userinfo["sub"], claims(text(&tokens, "id_token"))["sub"]);
    // A userinfo JWT is not accepted as an ID token hint.
    let end = client.endpoint("end_session_endpoint");
    let page = alice.browser.open(&format!("{end}?id_token_hint={jwt}")).await;
    assert_eq!(page.status, 400, "{}", page.body);
}
