//! Events about superseded refresh tokens, which the replica that holds the Lease writes.

use super::*;
use crate::{
    api::EventReason,
    model::{RefreshReplays, ReportedReplays},
    source::EventRecord,
};

/// Counts that are due, as the store of all replicas returns them.
#[derive(Debug, Default)]
struct Counted(Mutex<Vec<ReportedReplays>>);

impl Counted {
    fn add(&self, client: &str, tokens: u32) {
        let client = ObjectKey::new("team", client);
        self.0.lock().expect("not poisoned").push(ReportedReplays { client, tokens });
    }

    fn is_empty(&self) -> bool {
        self.0.lock().expect("not poisoned").is_empty()
    }
}

#[async_trait]
impl RefreshReplays for Counted {
    async fn take_due(&self) -> Vec<ReportedReplays> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}

fn replays(cluster: &Cluster) -> Vec<EventRecord> {
    let mut events = cluster.source.events();
    events.retain(|event| event.reason == EventReason::RefreshTokenReplayed);
    events
}

/// Waits until the counts are taken and their Events are written.
async fn taken(counted: &Counted) {
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if counted.is_empty() {
            // The Events follow before the next look.
            tokio::time::sleep(Duration::from_secs(1)).await;
            return;
        }
    }
    panic!("the counts are not taken");
}

#[tokio::test(start_paused = true)]
async fn the_lease_holder_writes_an_event_about_replayed_refresh_tokens() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    let counted = Arc::new(Counted::default());
    cluster.context = cluster.context.clone().with_refresh_replays(Arc::clone(&counted) as _);
    let (leads, follow) = watch::channel(false);
    let running =
        tokio::spawn(run_controller(cluster.context.clone(), follow, std::future::pending::<()>()));
    counted.add("shop", 2);
    counted.add("deleted", 1);
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(!counted.is_empty(), "a replica without the Lease leaves the counts to its holder");
    assert_eq!(replays(&cluster), []);

    leads.send_replace(true);
    taken(&counted).await;
    let events = replays(&cluster);
    let [event] = &events[..] else { panic!("one for the client that exists: {events:?}") };
    assert_eq!(event.object, client());
    assert!(event.message.starts_with("Revoked 2 grants:"), "{event:?}");

    counted.add("shop", 1);
    taken(&counted).await;
    assert_eq!(replays(&cluster).len(), 2, "of a later count");
    running.abort();
}
