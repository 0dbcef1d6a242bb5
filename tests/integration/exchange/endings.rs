//! Ends of a token that was got by exchange, and of the tokens that may be exchanged.

use std::time::Duration;

use serde_json::json;

use super::{
    browser::Browser,
    world::{ALICE, BOB, MANIFESTS, ORDERS, TICKETS, World, assert_error, exchange, granted, text},
};

/// Asserts that neither token of the person is of use any more.
async fn assert_ended(world: &World, before: &str, after: &str, words: &str) {
    let inactive = json!({ "active": false });
    assert_eq!(world.introspect(&world.orders, after).await, inactive);
    let refused = exchange(&world.gateway, before, &[("resource", ORDERS)]).await;
    assert_error(&refused, "invalid_request", words);
    let refused = exchange(&world.orders, after, &[("resource", TICKETS)]).await;
    assert_error(&refused, "invalid_request", words);
}

#[tokio::test]
async fn a_revoked_grant_ends_it() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let after = world.for_orders(&tokens).await;
    let revoked = [("token", text(&tokens, "refresh_token"))];
    assert_eq!(world.web.post("revocation_endpoint", &revoked).await.status(), 200);
    let (before, after) = (text(&tokens, "access_token"), text(&after, "access_token"));
    assert_ended(&world, before, after, "has been revoked").await;
}

#[tokio::test]
async fn an_ended_session_ends_it() {
    let world = World::new().await;
    let browser = Browser::new();
    let tokens = world.tokens_in(&browser, ALICE, "openid gateway.use shared").await;
    let after = world.for_orders(&tokens).await;
    let id_token = text(&tokens, "id_token");
    let end = format!("{}?id_token_hint={id_token}", world.web.endpoint("end_session_endpoint"));
    browser.open(&end).await;
    let (before, after) = (text(&tokens, "access_token"), text(&after, "access_token"));
    assert_ended(&world, before, after, "").await;
}

#[tokio::test]
async fn a_disabled_or_deleted_person_ends_it() {
    let world = World::new().await;
    let alice = world.tokens_of(ALICE).await;
    let bob = world.tokens_of(BOB).await;
    let after = world.for_orders(&alice).await;
    world.change("  username: alice\n  email", "  username: alice\n  disabled: true\n  email");
    let (before, after) = (text(&alice, "access_token"), text(&after, "access_token"));
    assert_ended(&world, before, after, "disabled or deleted").await;
    let gone =
        "kind: OidcUser\nmetadata: {name: bob}\nspec: {tenantRef: {name: shop}, username: bob";
    world.change(gone, &gone.replace("bob", "robert"));
    let refused = exchange(&world.gateway, text(&bob, "access_token"), &[("resource", TICKETS)]);
    assert_error(&refused.await, "invalid_request", "disabled or deleted");
}

#[tokio::test]
async fn the_person_has_to_be_let_in_by_both_clients() {
    // docs/access.md
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let after = world.for_orders(&tokens).await;
    let (before, after) = (text(&tokens, "access_token"), text(&after, "access_token"));
    for name in ["web", "gateway"] {
        let open = format!("kind: OidcClient\nmetadata: {{name: {name}}}\nspec:\n");
        world.change(&open, &format!("{open}  access: {{groups: [absent]}}\n"));
        world.app.audit.clear();
        assert_ended(&world, before, after, "").await;
        let line = world.app.audit.last("entry_refused");
        assert_eq!(line["client"], format!("default/{name}"), "{line}");
    }
    // The last client of a chain too.
    let open = "kind: OidcClient\nmetadata: {name: orders}\nspec:\n";
    world.change(open, &format!("{open}  access: {{groups: [absent]}}\n"));
    let refused = exchange(&world.orders, after, &[("resource", TICKETS)]).await;
    assert_error(&refused, "invalid_request", "may not use this application");
    world.app.serve(MANIFESTS);
    granted(exchange(&world.orders, after, &[("resource", TICKETS)]).await);
}

#[tokio::test]
async fn its_client_revokes_it_alone() {
    // RFC 7009 §2.1: the grant is not that of the client.
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let (one, two) = (world.for_orders(&tokens).await, world.for_orders(&tokens).await);
    let (one, two) = (text(&one, "access_token"), text(&two, "access_token"));
    let revoked = world.gateway.post("revocation_endpoint", &[("token", one)]).await;
    assert_eq!(revoked.status(), 200);
    assert_eq!(world.introspect(&world.orders, one).await, json!({ "active": false }));
    assert_eq!(world.introspect(&world.orders, two).await["active"], true);
    let refused = exchange(&world.orders, one, &[("resource", TICKETS)]).await;
    assert_error(&refused, "invalid_request", "has been revoked");
    granted(exchange(&world.orders, two, &[("resource", TICKETS)]).await);
    assert_eq!(
        world.introspect(&world.gateway, text(&tokens, "access_token")).await["active"],
        true
    );
    // No other client revokes it.
    let refused = world.orders.post("revocation_endpoint", &[("token", two)]).await;
    assert_eq!(refused.status(), 400);
    // Without its client it is of no use.
    world.change("metadata: {name: gateway}\nspec:\n  tenantRef: {name: shop}\n  grantTypes", "metadata: {name: gateway}\nspec:\n  tenantRef: {name: shop}\n  clientId: default.portal\n  grantTypes");
    assert_eq!(world.introspect(&world.orders, two).await, json!({ "active": false }));
    let refused = exchange(&world.orders, two, &[("resource", TICKETS)]).await;
    assert_error(&refused, "invalid_request", "its client");
}

/// The manifests in which another object has the client ID of the object `gateway`.
fn with_another_gateway() -> String {
    let client = |name: &str, id: &str| {
        format!("kind: OidcClient\nmetadata: {{name: {name}}}\nspec:\n{id}  tenantRef")
    };
    let (old, new) = (client("gateway", ""), client("second", "  clientId: default.gateway\n"));
    let changed = MANIFESTS.replace(&old, &new);
    assert_ne!(changed, MANIFESTS);
    changed
        .replace("clientRef: {name: gateway}", "clientRef: {name: second}")
        .replace("client: {name: gateway}", "client: {name: second}")
}

#[tokio::test]
async fn another_object_with_the_client_id_does_not_inherit_it() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let after = world.for_orders(&tokens).await;
    let (before, after) = (text(&tokens, "access_token"), text(&after, "access_token"));
    let own = [("grant_type", "client_credentials")];
    let (_, of_client) = world.gateway.token(&own).await;
    let of_client = text(&of_client, "access_token");
    assert_eq!(world.introspect(&world.orders, after).await["active"], true);
    assert_eq!(world.introspect(&world.gateway, of_client).await["active"], true);
    world.app.serve(&with_another_gateway());
    let inactive = json!({ "active": false });
    assert_eq!(world.introspect(&world.orders, after).await, inactive);
    assert_eq!(world.introspect(&world.gateway, of_client).await, inactive);
    let refused = exchange(&world.orders, after, &[("resource", TICKETS)]).await;
    assert_error(&refused, "invalid_request", "its client");
    // The object has tokens of its own.
    let again = granted(exchange(&world.gateway, before, &[("resource", ORDERS)]).await);
    let again = world.introspect(&world.orders, text(&again, "access_token")).await;
    assert_eq!(again["active"], true, "{again}");
    let (_, of_client) = world.gateway.token(&own).await;
    let of_client = text(&of_client, "access_token");
    assert_eq!(world.introspect(&world.gateway, of_client).await["active"], true);
}

#[tokio::test]
async fn an_expired_token_is_not_exchanged() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    world.wait(Duration::from_secs(600));
    let token = text(&tokens, "access_token");
    let refused = exchange(&world.gateway, token, &[("resource", ORDERS)]).await;
    assert_error(&refused, "invalid_request", "has expired");
}
