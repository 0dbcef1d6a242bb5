//! URLs of clients must not lead to addresses inside the network.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::net::TcpListener;

use super::{
    browser::Browser,
    world::{ALICE, World},
};

/// A listener on an internal address: its port and the number of connections.
async fn inside() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let called = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&called);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, called)
}

/// Equivalent forms of the listener's address.
fn addresses(port: u16) -> [String; 5] {
    ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"]
        .map(|host| format!("https://{host}:{port}/one"))
}

#[tokio::test]
async fn request_objects_are_not_fetched_from_internal_addresses() {
    let (world, (port, called)) = (World::guarded().await, inside().await);
    for uri in addresses(port) {
        world.change("https://objects.invalid/one", &uri);
        let signs = world.application("signs").await;
        let url = signs.authorize_url("openid", &[("request_uri", &uri)]);
        let page = Browser::new().open(&url).await;
        assert_eq!(page.answer()["error"], "invalid_request_uri", "{uri}");
    }
    assert_eq!(called.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn sector_documents_are_not_fetched_from_internal_addresses() {
    let (world, (port, called)) = (World::guarded().await, inside().await);
    for uri in addresses(port) {
        let written = "logoUri: https://rp.test/logo.png";
        world.change(written, &format!("subjectType: pairwise\n  sectorIdentifierUri: {uri}"));
        let trusted = world.application("trusted").await;
        let page = Browser::new().open(&trusted.authorize_url("openid", &[])).await;
        assert_eq!((page.status, page.left_for), (503, None), "{uri}");
    }
    assert_eq!(called.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn logout_tokens_are_not_sent_to_internal_addresses() {
    let (world, (port, called)) = (World::guarded().await, inside().await);
    let mut undelivered = world.app.app.accounts.logout_outbox.undelivered();
    world.change("https://rp.invalid/backchannel", &addresses(port)[0]);
    let (leaver, browser) = (world.application("leaver").await, Browser::new());
    let url = leaver.authorize_url("openid", &[]);
    let answer = leaver.sign_in(&browser, &url, ALICE).await;
    let (_, tokens) = leaver.redeem(&answer["code"]).await;
    let hint = tokens["id_token"].as_str().expect("an ID token");
    let leave = leaver.endpoint("end_session_endpoint");
    browser.open(&format!("{leave}?id_token_hint={hint}")).await;
    let state = undelivered.wait_for(|clients| !clients.is_empty()).await.expect("counted").clone();
    let error = state.values().find_map(|it| it.last_error.clone()).expect("a reason");
    assert!(error.contains("not an address that may be called"), "{error}");
    assert_eq!(called.load(Ordering::SeqCst), 0);
}
