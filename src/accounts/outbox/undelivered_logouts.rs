//! Tracks clients with undelivered logout notifications: counted from the store, which replicas
//! share, with the error of this replica's last attempt.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::outbox_queue::DeliveryProgress;
use crate::model::{
    Client, ObjectKey, UndeliveredByClient, UndeliveredLogouts, UndeliveredReceiver,
};

/// The latest count, and the errors.
#[derive(Debug, Default)]
pub(crate) struct UndeliveredTracker {
    state: watch::Sender<UndeliveredByClient>,
    reasons: Mutex<BTreeMap<ObjectKey, String>>,
}

impl UndeliveredTracker {
    /// A receiver of new counts.
    pub(crate) fn watch(&self) -> UndeliveredReceiver {
        self.state.subscribe()
    }

    /// Records a failed attempt of this replica.
    pub(crate) fn failed(&self, client: &ObjectKey, error: String) {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).insert(client.clone(), error);
    }

    /// Publishes a count of the whole store. Errors of clients that are not in it are dropped.
    pub(crate) fn publish(&self, found: UndeliveredCount) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.retain(|client, _| found.0.contains_key(client));
        let mut clients = found.0;
        clients.retain(|_, undelivered| undelivered.waiting + undelivered.given_up > 0);
        for (client, undelivered) in &mut clients {
            undelivered.last_error = reasons.get(client).cloned();
        }
        self.state.send_if_modified(|before| {
            let changed = **before != clients;
            if changed {
                *before = Arc::new(clients);
            }
            changed
        });
    }
}

/// A count in progress.
#[derive(Debug, Default)]
pub(crate) struct UndeliveredCount(BTreeMap<ObjectKey, UndeliveredLogouts>);

impl UndeliveredCount {
    /// Counts a notification of a client.
    pub(in crate::accounts) fn count(&mut self, client: &Client, progress: DeliveryProgress) {
        let undelivered = self.0.entry(client.object.clone()).or_default();
        match progress {
            DeliveryProgress::Pending => {}
            DeliveryProgress::Retrying => undelivered.waiting += 1,
            DeliveryProgress::GivenUp => undelivered.given_up += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        DeliveryProgress::{GivenUp, Pending, Retrying},
        *,
    };
    use crate::model::fixtures;

    fn counted(notifications: &[DeliveryProgress]) -> Option<UndeliveredLogouts> {
        let (tracker, client) = (UndeliveredTracker::default(), fixtures::client());
        tracker.failed(&client.object, "the endpoint returned status 500".to_owned());
        let mut found = UndeliveredCount::default();
        for progress in notifications {
            found.count(&client, *progress);
        }
        tracker.publish(found);
        let state = tracker.watch().borrow().clone();
        state.get(&client.object).cloned()
    }

    #[test]
    fn pending_notifications_are_not_failures() {
        assert_eq!(counted(&[Pending, Pending]), None);
    }

    #[test]
    fn retried_and_abandoned_notifications_are_counted_separately() {
        let undelivered = counted(&[Pending, Retrying, Retrying, GivenUp]).expect("counted");
        assert_eq!((undelivered.waiting, undelivered.given_up), (2, 1));
        assert_eq!(undelivered.last_error.as_deref(), Some("the endpoint returned status 500"));
    }

    #[test]
    fn an_unchanged_count_does_not_notify() {
        let tracker = UndeliveredTracker::default();
        let mut watch = tracker.watch();
        watch.mark_unchanged();
        tracker.publish(UndeliveredCount::default());
        assert!(!watch.has_changed().expect("it lives"));
    }
}
