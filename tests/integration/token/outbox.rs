//! Back-channel logout notifications in the store: the cost of looking for due ones, and those of an
//! earlier release.

use std::{
    fmt::Write as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use lanyard::{
    model::{Clock as _, TenantId},
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind},
};
use tokio::time::sleep;

use super::{
    app::TestApp,
    store::{Interleaving, Plan},
};

/// A tenant with clients that want to be notified of logouts.
fn manifests(clients: usize) -> String {
    let mut text = "apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: shop}
spec: {}
"
    .to_owned();
    for n in 0..clients {
        write!(
            text,
            "---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: app-{n}}}
spec:
  tenantRef: {{name: shop}}
  redirectUris: [\"https://rp.test/cb\"]
  tokenEndpointAuthMethod: none
  backchannelLogoutUri: https://rp.test/{n}
"
        )
        .expect("written to memory");
    }
    text
}

#[tokio::test(start_paused = true)]
async fn looking_for_due_notifications_is_one_query_whatever_the_number_of_clients() {
    for clients in [0, 1000] {
        let plan = Arc::new(Plan::default());
        let over = Arc::clone(&plan);
        let wrap = move |inner| Arc::new(Interleaving { inner, plan: over }) as _;
        let app = TestApp::start_over(&manifests(clients), wrap).await;
        let counts = || {
            let counters = [&plan.due_lists, &plan.lists, &plan.writes, &plan.reads];
            counters.map(|counter| counter.load(Ordering::SeqCst))
        };
        // A process looks once for notifications that an earlier release has stored.
        sleep(Duration::from_secs(31)).await;
        let served = app.app.registry.snapshot().tenants().flat_map(|it| it.clients()).count();
        assert_eq!(served, clients);
        let before = counts();
        assert_eq!(before[1], clients, "lists at the start");
        sleep(Duration::from_mins(1)).await;
        let [due_lists, others @ ..] = before;
        let [lists, writes, reads] = others;
        // Twelve looks and one count, of notifications, mails and CIBA notifications.
        assert_eq!(counts(), [due_lists + 39, lists, writes, reads], "{clients} clients");
    }
}

/// Stores a notification of the client `app-0` in its first format and without a due time, as builds before the
/// outbox did.
async fn store_unscheduled_notification(app: &TestApp) -> RecordKey {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    // The format version, client, subject and `sid`, no failed attempts, and due at the epoch.
    let value = [vec![1], text("default.app-0"), text("ada"), text("sid-1"), vec![0, 0]].concat();
    let now = app.clock.now();
    let record = Record {
        key: RecordKey::new(RecordKind::Logout, &TenantId::new("default", "shop"), "unscheduled"),
        value: value.into(),
        expires_at: now.plus(Duration::from_hours(3)),
        owners: vec![IndexEntry::new(IndexKind::Client, "default.app-0")],
        due_at: None,
    };
    let key = record.key.clone();
    assert_eq!(app.store.insert(record, now).await, Ok(true));
    key
}

#[tokio::test(start_paused = true)]
async fn unscheduled_notifications_are_delivered() {
    let app = TestApp::start(&manifests(1)).await;
    let mut notifications = app.receive("https://rp.test/0");
    let key = store_unscheduled_notification(&app).await;
    let form = notifications.recv().await.expect("a notification");
    assert!(form.starts_with("logout_token="), "{form}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(app.store.get(&key, app.clock.now()).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_is_asked_once_in_ten_minutes_for_unscheduled_notifications() {
    let plan = Arc::new(Plan::default());
    plan.lists_fail.store(true, Ordering::SeqCst);
    let over = Arc::clone(&plan);
    let wrap = move |inner| Arc::new(Interleaving { inner, plan: over }) as _;
    let app = TestApp::start_over(&manifests(3), wrap).await;
    let mut notifications = app.receive("https://rp.test/0");
    store_unscheduled_notification(&app).await;
    let lists = || plan.lists.load(Ordering::SeqCst);
    sleep(Duration::from_mins(9)).await;
    assert_eq!(lists(), 1);
    sleep(Duration::from_mins(10)).await;
    assert_eq!(lists(), 2);
    plan.lists_fail.store(false, Ordering::SeqCst);
    let form = notifications.recv().await.expect("a notification");
    assert!(form.starts_with("logout_token="), "{form}");
    sleep(Duration::from_mins(30)).await;
    assert_eq!(lists(), 2 + 3, "each client is looked up once more, and none again");
}
