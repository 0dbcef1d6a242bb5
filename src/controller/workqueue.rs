//! The work queue. Pure: time is an argument.
//!
//! An item is never processed twice at the same time. An item added while it is being processed is
//! processed again afterwards; after a write, with the view that contains it. Failures are retried with exponential
//! backoff. Planned work is scheduled. Namespaces take turns. Items that the caller sets aside as costly have a queue
//! of their own, so that they delay no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::fair_queue::{FairQueue, FairQueueItem};
use crate::model::Timestamp;

/// Delay after a write, in case the view does not change.
const REQUEUE_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after a write of an item that was added in the meantime. The view may not contain the write yet,
/// and the item would be processed as if it was not written.
const VIEW_DELAY: Duration = Duration::from_millis(100);
/// Delay after the first failure; it doubles with each further one.
const MIN_BACKOFF: Duration = Duration::from_millis(200);
/// Maximum delay after transient failures.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// Delay after a permanent failure. An edit of the object ends it sooner, but the cause (a quota, a
/// Role) may be something that is not watched.
const REFUSED_BACKOFF: Duration = Duration::from_secs(300);

/// The result of processing an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkResult {
    /// Success, with the time of the next planned work, if any.
    Done(Option<Timestamp>),
    /// Success with a write, which the next view contains.
    Wrote,
    /// A failure that may not recur: the item is retried with exponential backoff.
    Transient,
    /// A failure that needs an edit: the item is retried after five minutes.
    Permanent,
}

/// A queue of items, each processed at most once at a time.
#[derive(Debug)]
pub struct Workqueue<T> {
    ready: FairQueue<T>,
    /// Ready items whose work takes long, such as making keys. Few of them run at once.
    costly: FairQueue<T>,
    /// The items of both queues, so that each is in one of them at most once.
    waiting: BTreeSet<T>,
    running: BTreeSet<T>,
    again: BTreeSet<T>,
    failures: BTreeMap<T, u32>,
    later: BTreeMap<T, Timestamp>,
    due: BTreeSet<(Timestamp, T)>,
}

impl<T: Clone + Ord + FairQueueItem> Default for Workqueue<T> {
    fn default() -> Self {
        Self {
            ready: FairQueue::default(),
            costly: FairQueue::default(),
            waiting: BTreeSet::new(),
            running: BTreeSet::new(),
            again: BTreeSet::new(),
            failures: BTreeMap::new(),
            later: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }
}

impl<T: Clone + Ord + FairQueueItem> Workqueue<T> {
    /// Adds an item, to be processed as soon as possible.
    pub fn add(&mut self, item: T) {
        self.forget_later(&item);
        if self.running.contains(&item) {
            self.again.insert(item);
        } else if self.waiting.insert(item.clone()) {
            self.ready.push(item);
        }
    }

    /// Takes the next item to process; `None` while no item is ready or due.
    pub fn next(&mut self, now: Timestamp) -> Option<T> {
        while let Some((at, item)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            self.add(item);
        }
        let item = self.ready.pop()?;
        Some(self.start(item))
    }

    /// Defers an item that `next` returned and that turned out to be costly.
    pub fn defer_costly_item(&mut self, item: T) {
        self.running.remove(&item);
        self.waiting.insert(item.clone());
        self.costly.push(item);
    }

    /// Takes the next costly item; `None` if no item was deferred.
    pub fn next_costly(&mut self) -> Option<T> {
        let item = self.costly.pop()?;
        Some(self.start(item))
    }

    fn start(&mut self, item: T) -> T {
        self.waiting.remove(&item);
        self.running.insert(item.clone());
        item
    }

    /// The time at which the next item is due, if no item is added before; `None` without planned work.
    pub fn wake(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Records the result of processing an item.
    pub fn finish(&mut self, item: T, end: WorkResult, now: Timestamp) {
        self.running.remove(&item);
        let marked = self.again.remove(&item);
        if matches!(end, WorkResult::Done(_) | WorkResult::Wrote) {
            self.failures.remove(&item);
        }
        let at = match end {
            WorkResult::Done(at) => at,
            WorkResult::Wrote if marked => Some(now.plus(VIEW_DELAY)),
            WorkResult::Wrote => Some(now.plus(REQUEUE_INTERVAL)),
            WorkResult::Transient => {
                let failures = self.failures.entry(item.clone()).or_default();
                *failures = failures.saturating_add(1);
                Some(now.plus(pause(*failures)))
            }
            WorkResult::Permanent => Some(now.plus(REFUSED_BACKOFF)),
        };
        // A change during a failed attempt is part of the next attempt. Otherwise a conflict would
        // be retried immediately and forever.
        let at_once = matches!(end, WorkResult::Done(_) | WorkResult::Permanent);
        match at {
            _ if marked && at_once => self.add(item),
            Some(at) => {
                self.later.insert(item.clone(), at);
                self.due.insert((at, item));
            }
            None => {}
        }
    }

    fn forget_later(&mut self, item: &T) {
        if let Some(at) = self.later.remove(item) {
            self.due.remove(&(at, item.clone()));
        }
    }
}

fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    MIN_BACKOFF.saturating_mul(1 << doublings).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn with(items: &[&'static str]) -> Workqueue<&'static str> {
        let mut queue = Workqueue::default();
        for item in items {
            queue.add(*item);
        }
        queue
    }

    #[test]
    fn items_are_returned_once_in_the_order_of_adding() {
        let mut queue = with(&["b", "a", "b"]);
        assert_eq!(
            (queue.next(NOW), queue.next(NOW), queue.next(NOW)),
            (Some("b"), Some("a"), None)
        );
    }

    #[test]
    fn items_added_while_processed_are_returned_again_afterwards() {
        let mut queue = with(&["a"]);
        queue.next(NOW);
        queue.add("a");
        assert_eq!(queue.next(NOW), None, "never twice at once");
        queue.finish("a", WorkResult::Done(None), NOW);
        assert_eq!(queue.next(NOW), Some("a"));
        queue.finish("a", WorkResult::Done(None), NOW);
        assert_eq!(queue.next(NOW), None);
    }

    #[test]
    fn an_item_is_not_processed_with_a_view_from_before_its_write() {
        for (meanwhile, delay) in [(true, VIEW_DELAY), (false, REQUEUE_INTERVAL)] {
            let mut queue = with(&["a"]);
            queue.next(NOW);
            if meanwhile {
                queue.add("a");
            }
            queue.finish("a", WorkResult::Wrote, NOW);
            assert_eq!((queue.next(NOW), queue.wake()), (None, Some(NOW.plus(delay))));
            queue.add("a");
            assert_eq!(queue.next(NOW), Some("a"), "the view with the write ends the delay");
            queue.finish("a", WorkResult::Done(None), NOW);
            assert_eq!(queue.wake(), None);
        }
    }

    #[test]
    fn failures_back_off_up_to_a_minute() {
        let (mut queue, mut now, mut pauses) = (with(&["a"]), NOW, Vec::new());
        for _ in 0..12 {
            assert_eq!(queue.next(now), Some("a"));
            queue.finish("a", WorkResult::Transient, now);
            let wake = queue.wake().expect("a next try");
            assert_eq!(queue.next(wake.minus(Duration::from_millis(1))), None);
            pauses.push(wake.since(now));
            now = wake;
        }
        assert_eq!(pauses[..3], [200, 400, 800].map(Duration::from_millis));
        assert_eq!(pauses.last(), Some(&MAX_BACKOFF));
    }

    #[test]
    fn a_success_resets_the_backoff() {
        let (mut queue, mut now) = (with(&["a"]), NOW);
        for end in [
            WorkResult::Transient,
            WorkResult::Transient,
            WorkResult::Done(None),
            WorkResult::Transient,
        ] {
            queue.add("a");
            queue.next(now);
            queue.finish("a", end, now);
            now = queue.wake().unwrap_or(now);
        }
        assert_eq!(queue.failures["a"], 1);
    }

    #[test]
    fn an_edit_ends_the_backoff() {
        let mut queue = with(&["a"]);
        queue.next(NOW);
        queue.finish("a", WorkResult::Permanent, NOW);
        assert_eq!(queue.next(NOW), None);
        queue.add("a");
        assert_eq!(queue.next(NOW), Some("a"));
        queue.finish("a", WorkResult::Done(None), NOW);
        assert_eq!(queue.wake(), None, "the backoff has ended");
    }

    #[test]
    fn a_change_during_a_failed_attempt_does_not_shorten_the_backoff() {
        let mut queue = with(&["a"]);
        queue.next(NOW);
        queue.add("a");
        queue.finish("a", WorkResult::Transient, NOW);
        assert_eq!(queue.next(NOW), None);
    }

    #[test]
    fn costly_items_do_not_delay_others_and_run_once() {
        let mut queue = with(&["a1", "a2"]);
        let costly = queue.next(NOW).expect("an item");
        queue.defer_costly_item(costly);
        queue.add("a1");
        assert_eq!((queue.next(NOW), queue.next(NOW)), (Some("a2"), None));
        assert_eq!((queue.next_costly(), queue.next_costly()), (Some("a1"), None));
        queue.add("a1");
        assert_eq!(queue.next(NOW), None, "never twice at once");
        queue.finish("a1", WorkResult::Done(None), NOW);
        assert_eq!(queue.next(NOW), Some("a1"));
    }

    #[test]
    fn wake_returns_the_next_due_time() {
        let mut queue = with(&["a"]);
        queue.next(NOW);
        let later = NOW.plus(Duration::from_secs(5));
        queue.finish("a", WorkResult::Done(Some(later)), NOW);
        assert_eq!((queue.wake(), queue.next(NOW)), (Some(later), None));
        assert_eq!(queue.next(later), Some("a"));
    }
}
