//! Notifications of clients that a person has answered (CIBA Core §10.2).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use lanyard::{
    model::{Clock as _, Timestamp},
    store::RecordKind,
};
use serde_json::{Value, json};

use super::{
    app::TestApp,
    world::{
        ALICE, MANIFESTS, World, allow, answer, ask_alice, assert_error, open_question, poll, text,
    },
};
use crate::token::store::{Interleaving, Plan};

const ENDPOINT: &str = "https://pager.test/ping";
const TOKEN: (&str, &str) = ("client_notification_token", "8d67dc78-7faa-4d41-aabd-67707b374255");

/// The notifications that the endpoint has received, when there are so many.
async fn received(app: &TestApp, count: usize) -> Vec<String> {
    for _ in 0..3_000 {
        let calls = app.calls(ENDPOINT);
        if calls.len() >= count {
            return calls;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{count} notifications did not come: {:?}", app.calls(ENDPOINT));
}

/// Waits until the metric has counted so many attempts with an outcome.
async fn counted(app: &TestApp, outcome: &str, count: u64) {
    let series =
        format!("lanyard_ciba_notifications_total{{tenant=\"\",outcome=\"{outcome}\"}} {count}");
    for _ in 0..3_000 {
        let metrics = app.app.accounts.metrics.render(app.clock.now());
        if metrics.lines().any(|line| line == series) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the metrics do not have {series}");
}

/// Waits until the stored notifications are due at times for which this is true.
async fn wait_until_due(app: &TestApp, is_met: impl Fn(&[Timestamp]) -> bool) {
    let now = app.clock.now();
    let all = Timestamp::from_secs(0)..=now.plus(Duration::from_hours(1));
    for _ in 0..3_000 {
        let due = app.store.list_due(RecordKind::Ping, all.clone(), 10, now).await.expect("listed");
        let due: Vec<_> = due.records.iter().filter_map(|it| it.record.due_at).collect();
        if is_met(&due) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the notifications are not in this state");
}

#[tokio::test]
async fn a_client_is_notified_of_each_answer_once() {
    // CIBA Core §10.2
    let world = World::new().await;
    world.app.publish_with_status(ENDPOINT, 204, "");
    let (pager, browser) = (world.application("pager").await, world.signed_in(ALICE).await);
    for (count, action) in [(1, "allow"), (2, "deny")] {
        let asked = ask_alice(&pager, &[TOKEN]).await;
        let question = open_question(&world, &browser).await;
        assert_eq!(world.app.calls(ENDPOINT).len(), count - 1, "not before the answer");
        answer(&browser, &question, action).await;
        let sent = received(&world.app, count).await.pop().expect("a notification");
        let body = sent.strip_prefix("Bearer 8d67dc78-7faa-4d41-aabd-67707b374255 ").expect(&sent);
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body, json!({ "auth_req_id": text(&asked, "auth_req_id") }));
        let polled = poll(&pager, &asked).await;
        match action {
            "allow" => assert_eq!(polled.0, 200, "{}", polled.1),
            _ => assert_error(&polled, "access_denied"),
        }
    }
    assert_eq!(world.app.calls(ENDPOINT).len(), 2);
    counted(&world.app, "ok", 2).await;
    counted(&world.app, "failed", 0).await;
}

#[tokio::test]
async fn a_client_is_notified_if_the_browser_is_closed_before_the_answer_is_stored() {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let app =
        TestApp::start_over(MANIFESTS, move |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = World { app: app.await };
    world.app.publish_with_status(ENDPOINT, 204, "");
    let (pager, browser) = (world.application("pager").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&pager, &[TOKEN]).await;
    let question = open_question(&world, &browser).await;
    let hold = |kind| *plan.held_swaps.lock().expect("no panic") = kind;
    hold(Some(RecordKind::BackchannelAuthentication));
    let is_held = async {
        while !plan.holding.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        page = answer(&browser, &question, "deny") => panic!("{}", page.body),
        () = is_held => {}
    }
    let is_closed = async {
        while world.app.app.accounts.metrics.requests_in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_closed).await.expect("the request ends");
    hold(None);
    received(&world.app, 1).await;
    assert_error(&poll(&pager, &asked).await, "access_denied");
}

#[tokio::test]
async fn a_failed_notification_is_repeated_and_the_client_can_poll() {
    let world = World::new().await;
    world.app.publish_with_status(ENDPOINT, 500, "");
    let (pager, browser) = (world.application("pager").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&pager, &[TOKEN]).await;
    allow(&world, &browser).await;
    received(&world.app, 1).await;
    counted(&world.app, "failed", 1).await;
    world.app.publish_with_status(ENDPOINT, 200, "");
    world.app.clock.advance(Duration::from_secs(60));
    received(&world.app, 2).await;
    counted(&world.app, "ok", 1).await;
    assert_eq!(poll(&pager, &asked).await.0, 200);
}

#[tokio::test]
async fn an_object_that_gets_the_id_of_a_client_gets_no_notification_of_it() {
    let world = World::new().await;
    world.app.publish_with_status(ENDPOINT, 500, "");
    let (pager, browser) = (world.application("pager").await, world.signed_in(ALICE).await);
    ask_alice(&pager, &[TOKEN]).await;
    allow(&world, &browser).await;
    received(&world.app, 1).await;
    // The next attempt is due sooner than the claim of the first one ends.
    let soon = world.app.clock.now().plus(Duration::from_secs(20));
    wait_until_due(&world.app, |due| due.iter().any(|at| *at < soon)).await;
    world.change(
        "metadata: {name: pager}\nspec:",
        "metadata: {name: heir}\nspec:\n  clientId: default.pager",
    );
    world.app.publish_with_status(ENDPOINT, 204, "");
    world.app.clock.advance(Duration::from_secs(60));
    wait_until_due(&world.app, <[_]>::is_empty).await;
    assert_eq!(world.app.calls(ENDPOINT).len(), 1, "the first attempt, at the client that asked");
}

#[tokio::test]
async fn an_endpoint_inside_the_network_is_not_called() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let inside = format!("https://{}/ping", listener.local_addr().expect("bound"));
    let manifests = MANIFESTS.replace(ENDPOINT, &inside);
    let world = World { app: TestApp::start_guarded(&manifests).await };
    let (pager, browser) = (world.application("pager").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&pager, &[TOKEN]).await;
    allow(&world, &browser).await;
    assert_eq!(poll(&pager, &asked).await.0, 200, "the answer counts, and the client polls");
    // The next attempt is due sooner than the claim of the first one ends.
    let soon = world.app.clock.now().plus(Duration::from_secs(20));
    wait_until_due(&world.app, |due| due.iter().any(|at| *at < soon)).await;
    let called = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(called, Err(std::io::ErrorKind::WouldBlock));
}

#[tokio::test]
async fn a_client_that_polls_gets_no_notification() {
    let world = World::new().await;
    world.app.publish_with_status(ENDPOINT, 204, "");
    let (pager, browser) = (world.application("pager").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&pager, &[TOKEN]).await;
    world.change(
        "  backchannelTokenDeliveryMode: ping\n  backchannelClientNotificationEndpoint: https://pager.test/ping\n",
        "",
    );
    allow(&world, &browser).await;
    assert_eq!(poll(&pager, &asked).await.0, 200);
    wait_until_due(&world.app, <[_]>::is_empty).await;
    assert_eq!(world.app.calls(ENDPOINT), [""; 0]);
    world.app.serve(MANIFESTS);
    let second = ask_alice(&pager, &[TOKEN]).await;
    allow(&world, &browser).await;
    let sent = received(&world.app, 1).await;
    assert!(sent[0].contains(text(&second, "auth_req_id")), "{sent:?}");
}
