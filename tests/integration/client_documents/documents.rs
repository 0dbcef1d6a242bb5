//! Documents that cannot be used, and how often one is fetched.

use serde_json::{Value, json};

use super::{
    browser::{Browser, Page},
    world::{ALICE, REDIRECT, URL, World, assert_page, document, refresh, sign_in, text},
};

async fn open(world: &World, url: &str) -> Page {
    open_for(world, url, REDIRECT).await
}

async fn open_for(world: &World, url: &str, redirect: &str) -> Page {
    let notes = world.application(url, redirect).await;
    Browser::new().open(&notes.authorize_url("openid", &[])).await
}

#[tokio::test]
async fn a_document_that_cannot_be_used_says_why() {
    let world = World::new().await;
    let change = |name: &str, value: Value| {
        let mut document = document(URL);
        document[name] = value;
        document.to_string()
    };
    for (number, (text, words)) in [
        (
            change("client_id", json!("https://app.test/other")),
            "a client_id that differs from the URL",
        ),
        ("<html>".to_owned(), "is not a JSON object"),
        (change("client_secret", json!("s")), "contains client_secret"),
        (
            change("token_endpoint_auth_method", json!("client_secret_basic")),
            "none or private_key_jwt",
        ),
        (change("redirect_uris", json!([])), "no usable redirect_uris"),
        (change("redirect_uris", json!(["https://evil.test/cb"])), "redirectHosts"),
        (change("grant_types", json!(["implicit"])), "no usable grant_types"),
        (change("id_token_encrypted_response_alg", json!("RSA-OAEP")), "encryption is not"),
        (change("require_signed_request_object", json!(true)), "has require_signed_request_object"),
        (change("id_token_signed_response_alg", json!("PS256")), "has no key of the algorithm"),
        (change("padding", json!("x".repeat(5 * 1024))), "is larger than 5 KiB"),
    ]
    .into_iter()
    .enumerate()
    {
        // Each has a URL of its own, because a URL is fetched at most four times in a minute.
        let url = format!("https://app.test/{number}");
        world.app.publish(&url, &text.replace(URL, &url));
        let page = open(&world, &url).await;
        assert_page(&page, words);
        assert!(page.body.contains("app.test"), "the host is named: {}", page.body);
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        let (status, refused) = world.application(&url, REDIRECT).await.token(&form).await;
        assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")), "{words}");
        assert!(refused["error_description"].as_str().is_some_and(|it| it.contains(words)));
        let line = world.app.audit.last("client_authentication_failed");
        assert_eq!(line["client_id"], url, "{line}");
    }
}

#[tokio::test]
async fn a_client_id_that_is_not_the_url_of_a_document_is_not_fetched() {
    let world = World::new().await;
    for id in [
        "https://app.test",
        "https://app.test/",
        "https://app.test/a/../client.json",
        "https://app.test/client.json#x",
        "https://app.test/client.json?a=b",
        "https://me:secret@app.test/client.json",
        "https://app.test:443/client.json",
    ] {
        world.app.publish(id, &document(id).to_string());
        assert_page(&open(&world, id).await, "A client_id that is a URL must have https");
        assert_eq!(world.app.fetches(id), 0, "{id}");
    }
    let plain = "http://app.test/client.json";
    world.app.publish(plain, &document(plain).to_string());
    assert_page(&open(&world, plain).await, "No application with this client_id");
    assert_eq!(world.app.fetches(plain), 0);
}

#[tokio::test]
async fn a_status_other_than_200_is_an_error_that_is_not_cached() {
    // §5, §5.2
    let world = World::new().await;
    world.app.publish_with_status(URL, 404, "");
    assert_page(&open(&world, URL).await, "must be delivered with status 200");
    world.app.publish_with_status(URL, 503, "");
    assert_page(&open(&world, URL).await, "temporarily_unavailable");
    world.publish(&document(URL));
    assert_eq!(open(&world, URL).await.status, 200);
    assert_eq!(world.app.fetches(URL), 3);
}

#[tokio::test]
async fn one_url_is_fetched_a_few_times_in_a_minute_whatever_strangers_send() {
    let world = World::new().await;
    world.app.publish(URL, "nonsense");
    for _ in 0..10 {
        assert_page(&open(&world, URL).await, "is not a JSON object");
    }
    assert_eq!(world.app.fetches(URL), 4);
}

#[tokio::test]
async fn an_address_cannot_make_the_server_fetch_many_documents() {
    const LOOPBACK: &str = "http://127.0.0.1/cb";
    let world = World::new().await;
    let mut throttled = None;
    for number in 0..40 {
        let url = format!("https://victim.test/{number}");
        world.app.publish(&url, &document(&url).to_string());
        let page = open_for(&world, &url, LOOPBACK).await;
        if world.app.fetches(&url) == 0 {
            throttled = Some((number, page));
            break;
        }
    }
    let (number, page) = throttled.expect("a limit");
    assert_eq!(number, 30);
    assert_page(&page, "Too many client metadata documents");
    let line = world.app.audit.last("attempt_throttled");
    assert_eq!(
        (&line["attempt"], &line["client_id"]),
        (&json!("client_document"), &json!("https://victim.test/30"))
    );
    // Those that are cached are used.
    let known = open_for(&world, "https://victim.test/0", LOOPBACK).await;
    assert_eq!(known.status, 200, "{}", known.body);
    world.wait(60);
    assert_eq!(open_for(&world, "https://victim.test/30", LOOPBACK).await.status, 200);
}

#[tokio::test]
async fn a_document_is_fetched_again_at_a_refresh_when_it_is_older() {
    let world = World::new().await;
    let notes = world.notes().await;
    let mut tokens = world.tokens(&notes).await;
    assert_eq!(world.app.fetches(URL), 1);
    world.wait(601);
    let (status, refreshed) = refresh(&notes, &tokens).await;
    assert_eq!((status, world.app.fetches(URL)), (200, 2), "{refreshed}");
    tokens = refreshed;
    // A client whose document is gone has no access any more, and one whose server fails may try again.
    world.wait(601);
    world.app.publish_with_status(URL, 500, "");
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let refused = notes.post("token_endpoint", &form).await;
    assert_eq!(refused.status().as_u16(), 503);
    assert_eq!(refused.headers()["retry-after"], "30");
    let refused = refused.json::<Value>().await.expect("JSON");
    assert_eq!(text(&refused, "error"), "temporarily_unavailable", "{refused}");
    world.wait(61);
    world.app.publish_with_status(URL, 410, "");
    let (status, refused) = refresh(&notes, &tokens).await;
    assert_eq!((status, text(&refused, "error")), (401, "invalid_client"), "{refused}");
    world.wait(61);
    world.publish(&document(URL));
    assert_eq!(refresh(&notes, &tokens).await.0, 200);
}

#[tokio::test]
async fn a_document_that_changes_during_a_sign_in_is_judged_again() {
    let world = World::new().await;
    let (notes, browser) = (world.notes().await, Browser::new());
    let page = browser.open(&notes.authorize_url("openid", &[])).await;
    let mut changed = document(URL);
    changed["redirect_uris"] = json!(["https://app.test/elsewhere"]);
    world.publish(&changed);
    world.wait(601);
    // The redirect URI is not proven any more, so nothing is sent there.
    assert_page(&sign_in(&browser, &page).await, "The redirect_uri is not registered");
    world.publish(&document(URL));
    world.wait(601);
    let url = notes.authorize_url("openid", &[]);
    assert!(notes.sign_in(&Browser::new(), &url, ALICE).await.contains_key("code"));
}

#[tokio::test]
async fn strangers_do_not_use_up_the_fetches_of_documents_in_use() {
    let world = World::new().await;
    let notes = world.notes().await;
    let tokens = world.tokens(&notes).await;
    world.wait(601);
    for number in 0..40 {
        let url = format!("https://victim.test/{number}");
        open_for(&world, &url, "http://127.0.0.1/cb").await;
    }
    assert_page(
        &open_for(&world, "https://victim.test/x", "http://127.0.0.1/cb").await,
        "Too many",
    );
    let (status, refreshed) = refresh(&notes, &tokens).await;
    assert_eq!((status, world.app.fetches(URL)), (200, 2), "{refreshed}");
}
