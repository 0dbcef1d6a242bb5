//! Attempts to take over clients, grants and consents with the URL of a document, and the other way around.

use serde_json::json;

use super::{
    browser::Browser,
    world::{
        ALICE, MANIFESTS, REDIRECT, TICKETS, URL, World, answer, assert_page, document, is_consent,
        refresh, sign_in, text,
    },
};

/// An object with the URL as its client ID.
fn object(name: &str, more: &str) -> String {
    format!(
        "
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: {name}}}
spec:
  tenantRef: {{name: any}}
  clientId: {URL}
  clientName: The object
  tokenEndpointAuthMethod: none
  redirectUris: [\"{REDIRECT}\"]
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, email, offline_access]
{more}"
    )
}

#[tokio::test]
async fn an_object_with_the_url_as_its_id_is_not_replaced_by_a_document() {
    let world = World::new().await;
    world.app.serve(&format!("{MANIFESTS}{}", object("own", "")));
    let (notes, browser) = (world.notes().await, Browser::new());
    let page = browser.open(&notes.authorize_url("openid", &[])).await;
    let page = sign_in(&browser, &page).await;
    assert!(page.body.contains("The object") && !page.body.contains("describes itself"));
    assert_eq!(world.app.fetches(URL), 0);
    // An object with a mistake keeps its ID.
    let broken = object("own", "  lifetimes: {accessToken: nonsense}");
    world.app.serve_with_problems(&format!("{MANIFESTS}{broken}"));
    let page = Browser::new().open(&notes.authorize_url("openid", &[])).await;
    assert_page(&page, "No application with this client_id");
    assert_eq!(world.app.fetches(URL), 0);
}

#[tokio::test]
async fn neither_inherits_grants_of_the_other() {
    let world = World::new().await;
    let notes = world.notes().await;
    let of_document = world.tokens(&notes).await;
    world.app.serve(&format!("{MANIFESTS}{}", object("heir", "")));
    let (status, refused) = refresh(&notes, &of_document).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{refused}");
    assert_eq!(notes.userinfo(text(&of_document, "access_token")).await.0, 401);
    let of_object = world.tokens(&notes).await;
    world.app.serve(MANIFESTS);
    let (status, refused) = refresh(&notes, &of_object).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{refused}");
    assert_eq!(notes.userinfo(text(&of_object, "access_token")).await.0, 401);
}

#[tokio::test]
async fn a_consent_to_an_object_does_not_cover_a_document() {
    let world = World::new().await;
    world.app.serve(&format!("{MANIFESTS}{}", object("own", "")));
    let (notes, browser) = (world.notes().await, Browser::new());
    let page = browser.open(&notes.authorize_url("openid", &[])).await;
    let page = sign_in(&browser, &page).await;
    assert!(answer(&browser, &page, "allow").await.answer().contains_key("code"));
    let again = browser.open(&notes.authorize_url("openid", &[])).await;
    assert!(again.answer().contains_key("code"), "remembered");
    world.app.serve(MANIFESTS);
    assert!(is_consent(&browser.open(&notes.authorize_url("openid", &[])).await));
}

#[tokio::test]
async fn a_document_is_neither_the_issuer_nor_a_resource_server() {
    let world = World::new().await;
    for id in [TICKETS, "https://invoices.test/api"] {
        world.app.publish(id, &document(id).to_string());
        let notes = world.application(id, REDIRECT).await;
        let page = Browser::new().open(&notes.authorize_url("openid", &[])).await;
        assert_page(&page, "accepts no client metadata documents");
        assert_eq!(world.app.fetches(id), 0, "{id}");
    }
}

#[tokio::test]
async fn codes_and_tokens_are_of_one_tenant_and_one_document() {
    let world = World::new().await;
    let notes = world.notes().await;
    let tokens = world.tokens(&notes).await;
    let elsewhere = world.application_at("listed", URL, REDIRECT).await;
    let (status, refused) = refresh(&elsewhere, &tokens).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{refused}");
    let other = "https://app.test/other.json";
    world.app.publish(other, &document(other).to_string());
    let thief = world.application(other, REDIRECT).await;
    let (status, refused) = refresh(&thief, &tokens).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{refused}");
    let url = notes.authorize_url("openid", &[]);
    let code = &notes.sign_in(&Browser::new(), &url, ALICE).await["code"];
    assert_eq!(thief.redeem(code).await.0, 400);
    assert_eq!(notes.redeem(code).await.0, 200, "the attempt used nothing up");
}

#[tokio::test]
async fn a_stranger_with_a_trusted_document_gets_no_code_at_another_place() {
    let world = World::new().await;
    for redirect in [
        "https://evil.test/cb",
        "https://app.test/cb/",
        "https://app.test/cb?x=1",
        "http://127.0.0.1:51004/other",
        "http://localhost:51004/cb",
    ] {
        let notes = world.application(URL, redirect).await;
        let page = Browser::new().open(&notes.authorize_url("openid", &[])).await;
        assert_page(&page, "The redirect_uri is not registered");
    }
}

#[tokio::test]
async fn a_document_cannot_manage_or_introspect() {
    let world = World::new().await;
    let notes = world.notes().await;
    let tokens = world.tokens(&notes).await;
    let token = text(&tokens, "access_token");
    let answer = notes.post("introspection_endpoint", &[("token", token)]).await;
    assert_eq!(answer.status().as_u16(), 401, "a public client");
    let revoked = notes.post("revocation_endpoint", &[("token", token)]).await;
    assert_eq!(revoked.status().as_u16(), 200);
    assert_eq!(notes.userinfo(token).await.0, 401);
    let form = [("grant_type", "client_credentials")];
    let (status, refused) = notes.token(&form).await;
    assert_eq!((status, &refused["error"]), (400, &json!("unauthorized_client")), "{refused}");
}
