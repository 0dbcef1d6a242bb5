//! Revocation (RFC 7009).

use serde_json::Value;

use super::{
    browser::Application,
    world::{World, assert_error, text},
};

impl World {
    async fn revoke(&self, caller: &Application, token: &str) -> (u16, Value) {
        let form = [("token", token), ("token_type_hint", "nonsense")];
        let response = caller.post("revocation_endpoint", &form).await;
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

#[tokio::test]
async fn either_token_revokes_the_grant() {
    // RFC 7009 §2.1
    let world = World::new().await;
    let alice = world.alice().await;
    for kind in ["refresh_token", "access_token"] {
        let tokens = alice.tokens(&alice.web, "openid offline_access").await;
        assert_eq!(world.revoke(&alice.web, text(&tokens, kind)).await.0, 200);
        assert_eq!(alice.web.userinfo(text(&tokens, "access_token")).await.0, 401, "{kind}");
        let refresh = text(&tokens, "refresh_token");
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        assert_error(&alice.web.token(&form).await, 400, "invalid_grant");
        assert_eq!(world.revoke(&alice.web, text(&tokens, kind)).await.0, 200, "again");
    }
}

#[tokio::test]
async fn public_client_revokes_only_its_own_tokens() {
    // RFC 7009 §2.1
    let world = World::new().await;
    let (alice, spa) = (world.alice().await, world.application("spa").await);
    let (its, others) =
        (alice.tokens(&spa, "openid").await, alice.tokens(&alice.web, "openid").await);
    let foreign = text(&others, "access_token");
    assert_error(&world.revoke(&spa, foreign).await, 400, "invalid_grant");
    assert_eq!(alice.web.userinfo(foreign).await.0, 200);
    assert_eq!(world.revoke(&spa, text(&its, "access_token")).await.0, 200);
    assert_eq!(spa.userinfo(text(&its, "access_token")).await.0, 401);
}

#[tokio::test]
async fn revoking_an_invalid_token_succeeds() {
    // RFC 7009 §2.2
    let world = World::new().await;
    let web = world.application("web").await;
    assert_eq!(world.revoke(&web, "nonsense").await.0, 200);
}

#[tokio::test]
async fn revoked_client_credentials_token_is_inactive() {
    let world = World::new().await;
    let web = world.application("web").await;
    let (_, tokens) = web.token(&[("grant_type", "client_credentials")]).await;
    let token = text(&tokens, "access_token");
    let active = async |token: &str| world.introspect(&web, token).await.1["active"].clone();
    assert_eq!(active(token).await, true);
    assert_eq!(world.revoke(&web, token).await.0, 200);
    assert_eq!(active(token).await, false);
}
