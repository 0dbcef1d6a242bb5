//! What to look at next. Pure: time is an argument.
//!
//! Nothing is in work twice at once; what is marked while in work comes again after; what fails
//! waits ever longer; what will be due later is remembered.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use crate::model::Timestamp;

/// The first pause after a failure; it doubles with each further one.
const MIN_BACKOFF: Duration = Duration::from_millis(200);
/// The longest pause after failures that may pass by themselves.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// The pause after a refusal: an edit ends it sooner, but what has to be edited (a quota, a Role)
/// may be nothing that is watched.
const REFUSED_BACKOFF: Duration = Duration::from_secs(300);

/// How work on an item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Well; there is something to do at this time, if at any.
    Done(Option<Timestamp>),
    /// Not; another try may help.
    Transient,
    /// Not; something has to be edited.
    Permanent,
}

/// Items to look at, each at most once at a time.
#[derive(Debug)]
pub struct Workqueue<T> {
    ready: VecDeque<T>,
    waiting: BTreeSet<T>,
    running: BTreeSet<T>,
    again: BTreeSet<T>,
    failures: BTreeMap<T, u32>,
    later: BTreeMap<T, Timestamp>,
    due: BTreeSet<(Timestamp, T)>,
}

impl<T: Clone + Ord> Default for Workqueue<T> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            waiting: BTreeSet::new(),
            running: BTreeSet::new(),
            again: BTreeSet::new(),
            failures: BTreeMap::new(),
            later: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }
}

impl<T: Clone + Ord> Workqueue<T> {
    /// Something about an item changed: it is looked at as soon as may be.
    pub fn add(&mut self, item: T) {
        self.forget_later(&item);
        if self.running.contains(&item) {
            self.again.insert(item);
        } else if self.waiting.insert(item.clone()) {
            self.ready.push_back(item);
        }
    }

    /// The next item to work on.
    pub fn next(&mut self, now: Timestamp) -> Option<T> {
        while let Some((at, item)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            self.add(item);
        }
        let item = self.ready.pop_front()?;
        if self.ready.is_empty() {
            // A first look marks every object there is, and no later one does.
            self.ready = VecDeque::new();
        }
        self.waiting.remove(&item);
        self.running.insert(item.clone());
        Some(item)
    }

    /// When an item will be due, if nothing is marked before.
    pub fn wake(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Work on an item has ended.
    pub fn finish(&mut self, item: T, end: Completion, now: Timestamp) {
        self.running.remove(&item);
        let at = match end {
            Completion::Done(at) => {
                self.failures.remove(&item);
                at
            }
            Completion::Transient => {
                let failures = self.failures.entry(item.clone()).or_default();
                *failures = failures.saturating_add(1);
                Some(now.plus(pause(*failures)))
            }
            Completion::Permanent => Some(now.plus(REFUSED_BACKOFF)),
        };
        // After a failure a change made meanwhile is part of the next try, or a conflict would be
        // tried again at once and for ever.
        let marked = self.again.remove(&item);
        match at {
            _ if marked && end != Completion::Transient => self.add(item),
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
    fn gives_each_item_once_in_the_order_of_marking() {
        let mut queue = with(&["b", "a", "b"]);
        assert_eq!(
            (queue.next(NOW), queue.next(NOW), queue.next(NOW)),
            (Some("b"), Some("a"), None)
        );
    }

    #[test]
    fn what_is_marked_while_in_work_comes_again_after() {
        let mut queue = with(&["a"]);
        queue.next(NOW);
        queue.add("a");
        assert_eq!(queue.next(NOW), None, "never twice at once");
        queue.finish("a", Completion::Done(None), NOW);
        assert_eq!(queue.next(NOW), Some("a"));
        queue.finish("a", Completion::Done(None), NOW);
        assert_eq!(queue.next(NOW), None);
    }

    #[test]
    fn failures_wait_ever_longer_up_to_a_minute() {
        let (mut queue, mut now, mut pauses) = (with(&["a"]), NOW, Vec::new());
        for _ in 0..12 {
            assert_eq!(queue.next(now), Some("a"));
            queue.finish("a", Completion::Transient, now);
            let wake = queue.wake().expect("a next try");
            assert_eq!(queue.next(wake.minus(Duration::from_millis(1))), None);
            pauses.push(wake.since(now));
            now = wake;
        }
        assert_eq!(pauses[..3], [200, 400, 800].map(Duration::from_millis));
        assert_eq!(pauses.last(), Some(&MAX_BACKOFF));
    }

    #[test]
    fn a_success_ends_the_pauses() {
        let (mut queue, mut now) = (with(&["a"]), NOW);
        for end in [
            Completion::Transient,
            Completion::Transient,
            Completion::Done(None),
            Completion::Transient,
        ] {
            queue.add("a");
            queue.next(now);
            queue.finish("a", end, now);
            now = queue.wake().unwrap_or(now);
        }
        assert_eq!(queue.failures["a"], 1);
    }

    #[test]
    fn an_edit_ends_a_pause() {
        let mut queue = with(&["a"]);
        queue.next(NOW);
        queue.finish("a", Completion::Permanent, NOW);
        assert_eq!(queue.next(NOW), None);
        queue.add("a");
        assert_eq!(queue.next(NOW), Some("a"));
        queue.finish("a", Completion::Done(None), NOW);
        assert_eq!(queue.wake(), None, "the pause is forgotten");
    }

    #[test]
    fn a_change_while_a_try_fails_does_not_shorten_the_pause() {
        let mut queue = with(&["a"]);
        queue.next(NOW);
        queue.add("a");
        queue.finish("a", Completion::Transient, NOW);
        assert_eq!(queue.next(NOW), None);
    }

    #[test]
    fn wakes_when_something_is_due() {
        let mut queue = with(&["a"]);
        queue.next(NOW);
        let later = NOW.plus(Duration::from_secs(5));
        queue.finish("a", Completion::Done(Some(later)), NOW);
        assert_eq!((queue.wake(), queue.next(NOW)), (Some(later), None));
        assert_eq!(queue.next(later), Some("a"));
    }
}
