//! What is known of clients that could not be told of ended sessions: counted from the store, which
//! replicas share, with the reason of the last try made here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::{
    model::{Client, ObjectKey, UndeliveredByClient, UndeliveredLogouts, UndeliveredReceiver},
    protocol::logout_token,
};

/// The latest count, and reasons.
#[derive(Debug, Default)]
pub(super) struct UndeliveredTracker {
    state: watch::Sender<UndeliveredByClient>,
    reasons: Mutex<BTreeMap<ObjectKey, String>>,
}

impl UndeliveredTracker {
    /// Each new count.
    pub(super) fn watch(&self) -> UndeliveredReceiver {
        self.state.subscribe()
    }

    /// A try of this replica failed.
    pub(super) fn failed(&self, client: &ObjectKey, why: String) {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).insert(client.clone(), why);
    }

    /// A count of the whole store; a reason is kept for as long as its client is in it.
    pub(super) fn publish(&self, found: UndeliveredCount) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.retain(|client, _| found.0.contains_key(client));
        let mut clients = found.0;
        clients.retain(|_, untold| untold.waiting + untold.given_up > 0);
        for (client, untold) in &mut clients {
            untold.why = reasons.get(client).cloned();
        }
        self.state.send_if_modified(|before| {
            let news = **before != clients;
            if news {
                *before = Arc::new(clients);
            }
            news
        });
    }
}

/// A count under way.
#[derive(Debug, Default)]
pub(super) struct UndeliveredCount(BTreeMap<ObjectKey, UndeliveredLogouts>);

impl UndeliveredCount {
    /// Counts what a client is to be told, after so many tries in vain.
    pub(super) fn count(&mut self, client: &Client, tries: u32) {
        let untold = self.0.entry(client.object.clone()).or_default();
        match tries {
            // Under way: nothing has failed.
            0 => {}
            _ if logout_token::next_try(tries).is_some() => untold.waiting += 1,
            _ => untold.given_up += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixtures;

    fn counted(tries: &[u32]) -> Option<UndeliveredLogouts> {
        let (untellings, client) = (UndeliveredTracker::default(), fixtures::client());
        untellings.failed(&client.object, "it answered with status 500".to_owned());
        let mut found = UndeliveredCount::default();
        for tries in tries {
            found.count(&client, *tries);
        }
        untellings.publish(found);
        let state = untellings.watch().borrow().clone();
        state.get(&client.object).cloned()
    }

    #[test]
    fn what_has_not_failed_yet_is_no_failure() {
        assert_eq!(counted(&[0, 0]), None);
    }

    #[test]
    fn what_waits_and_what_is_given_up_are_counted_apart_with_the_last_reason() {
        let untold = counted(&[0, 1, 5, 6]).expect("counted");
        assert_eq!((untold.waiting, untold.given_up), (2, 1));
        assert_eq!(untold.why.as_deref(), Some("it answered with status 500"));
    }

    #[test]
    fn a_count_that_says_the_same_wakes_nobody() {
        let untellings = UndeliveredTracker::default();
        let mut watch = untellings.watch();
        watch.mark_unchanged();
        untellings.publish(UndeliveredCount::default());
        assert!(!watch.has_changed().expect("it lives"));
    }
}
