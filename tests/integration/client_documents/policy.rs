//! The policy of the tenant: which hosts, redirect URIs and scopes it accepts, and how it ends access.

use serde_json::json;

use super::{
    browser::Browser,
    world::{ALICE, REDIRECT, URL, World, assert_page, document, refresh, text},
};

const LISTED: &str = "hosts: [app.test, \"*.apps.test\"]";

#[tokio::test]
async fn a_tenant_without_a_policy_fetches_nothing() {
    let world = World::new().await;
    let notes = world.application_at("closed", URL, REDIRECT).await;
    assert!(notes.metadata.get("client_id_metadata_document_supported").is_none());
    let page = Browser::new().open(&notes.authorize_url("openid", &[])).await;
    assert_page(&page, "No application with this client_id");
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    assert_eq!(notes.token(&form).await.0, 401);
    assert_eq!(world.app.fetches(URL), 0);
}

#[tokio::test]
async fn only_documents_of_listed_hosts_are_fetched() {
    let world = World::new().await;
    for (url, accepted) in [
        (URL, true),
        ("https://a.apps.test/client", true),
        ("https://apps.test/client", false),
        ("https://evil.test/client", false),
        ("https://app.test.evil.test/client", false),
    ] {
        let mut own = document(url);
        own["redirect_uris"] = json!(["http://127.0.0.1/cb"]);
        world.app.publish(url, &own.to_string());
        let notes = world.application_at("listed", url, "http://127.0.0.1/cb").await;
        let page = Browser::new().open(&notes.authorize_url("openid", &[])).await;
        assert_eq!(
            (page.status == 200, world.app.fetches(url)),
            (accepted, accepted.into()),
            "{url}"
        );
        if !accepted {
            assert_page(&page, "accepts no client metadata documents of this host");
        }
    }
}

#[tokio::test]
async fn redirect_hosts_and_scopes_are_those_of_the_tenant() {
    let world = World::new().await;
    let mut own = document(URL);
    own["redirect_uris"] =
        json!([REDIRECT, "http://localhost/cb", "https://rp.test/cb", "app.test:/cb"]);
    world.publish(&own);
    for (redirect, accepted) in [
        (REDIRECT, true),
        ("http://localhost/cb", false),
        ("https://rp.test/cb", false),
        ("app.test:/cb", false),
    ] {
        let notes = world.application_at("listed", URL, redirect).await;
        let page = Browser::new().open(&notes.authorize_url("openid", &[])).await;
        assert_eq!(page.status == 200, accepted, "{redirect}");
    }
    let notes = world.application_at("listed", URL, REDIRECT).await;
    let url = notes.authorize_url("openid email", &[]);
    let answer = notes.sign_in(&Browser::new(), &url, ALICE).await;
    let (_, tokens) = notes.redeem(&answer["code"]).await;
    assert_eq!(text(&tokens, "scope"), "openid", "{tokens}");
}

#[tokio::test]
async fn a_document_with_unknown_scopes_only_has_none_of_the_tenant() {
    let world = World::new().await;
    let mut own = document(URL);
    own["scope"] = json!("unknown");
    world.publish(&own);
    let notes = world.application_at("listed", URL, REDIRECT).await;
    let page = Browser::new().open(&notes.authorize_url("openid", &[])).await;
    assert_page(&page, "invalid_scope");
}

#[tokio::test]
async fn removing_a_host_ends_the_access_of_its_clients() {
    let world = World::new().await;
    let notes = world.application_at("listed", URL, REDIRECT).await;
    let url = notes.authorize_url("openid offline_access", &[]);
    let answer = notes.sign_in(&Browser::new(), &url, ALICE).await;
    let (status, tokens) = notes.redeem(&answer["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(notes.userinfo(text(&tokens, "access_token")).await.0, 200);
    world.change(LISTED, "hosts: [\"*.apps.test\"]");
    assert_eq!(notes.userinfo(text(&tokens, "access_token")).await.0, 401);
    assert_eq!(refresh(&notes, &tokens).await.0, 401);
    let page = Browser::new().open(&url).await;
    assert_page(&page, "accepts no client metadata documents of this host");
    // The policy allows the host again before the grant has ended.
    world.change(LISTED, LISTED);
    assert_eq!(refresh(&notes, &tokens).await.0, 200);
}

#[tokio::test]
async fn a_host_can_be_denied_where_all_others_are_accepted() {
    let world = World::new().await;
    let notes = world.notes().await;
    let tokens = world.tokens(&notes).await;
    world.change("mode: AnyHost", "mode: AnyHost\n    deniedHosts: [app.test]");
    assert_eq!(notes.userinfo(text(&tokens, "access_token")).await.0, 401);
    assert_eq!(refresh(&notes, &tokens).await.0, 401);
    let page = Browser::new().open(&notes.authorize_url("openid", &[])).await;
    assert_page(&page, "accepts no client metadata documents of this host");
    world.change("mode: AnyHost", "mode: AnyHost\n    deniedHosts: [\"*.app.test\"]");
    assert_eq!(refresh(&notes, &tokens).await.0, 200, "the pattern does not name the host itself");
}
