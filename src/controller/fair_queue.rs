//! A queue that serves its groups in turn, so that a group with many items does not delay the
//! others. Pure.

use std::collections::{HashMap, VecDeque};

use crate::model::ObjectRef;

/// An item that belongs to a group.
pub trait FairQueueItem {
    /// The group that the item belongs to.
    fn group(&self) -> &str;
}

impl FairQueueItem for ObjectRef {
    /// Namespaces are the groups: a team has one or several.
    fn group(&self) -> &str {
        &self.key.namespace
    }
}

/// Turns of groups that had nothing to do before, for one turn of a group that waits.
const NEW_TURNS: usize = 3;

/// Items by group. A group that was empty comes before groups that already had a turn, as in fair queueing of
/// packets (RFC 8290 §4.1). A little work therefore does not wait for a lot of work.
#[derive(Debug)]
pub struct FairQueue<T> {
    items: HashMap<Box<str>, VecDeque<T>>,
    /// Groups without a turn since they have items.
    new: VecDeque<Box<str>>,
    /// Groups with items left after a turn.
    waiting: VecDeque<Box<str>>,
    /// Successive turns of new groups while others waited.
    new_turns: usize,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { items: HashMap::new(), new: VecDeque::new(), waiting: VecDeque::new(), new_turns: 0 }
    }
}

impl<T: FairQueueItem> FairQueue<T> {
    /// Adds an item behind those of its group.
    pub fn push(&mut self, item: T) {
        if let Some(items) = self.items.get_mut(item.group()) {
            items.push_back(item);
            return;
        }
        let group: Box<str> = item.group().into();
        self.new.push_back(group.clone());
        self.items.insert(group, [item].into());
    }

    /// Takes the first item of the group whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let group = self.turn()?;
        let items = self.items.get_mut(&group)?;
        let item = items.pop_front();
        if items.is_empty() {
            self.items.remove(&group);
        } else {
            self.waiting.push_back(group);
        }
        item
    }

    fn turn(&mut self) -> Option<Box<str>> {
        let new_first = self.waiting.is_empty() || self.new_turns < NEW_TURNS;
        if new_first && let Some(group) = self.new.pop_front() {
            self.new_turns = if self.waiting.is_empty() { 0 } else { self.new_turns + 1 };
            return Some(group);
        }
        self.new_turns = 0;
        self.waiting.pop_front().or_else(|| self.new.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl FairQueueItem for &str {
        fn group(&self) -> &str {
            &self[..1]
        }
    }

    fn drained(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn groups_take_turns_and_keep_their_order() {
        let mut queue = FairQueue::default();
        for item in ["a1", "a2", "a3", "b1", "b2", "c1"] {
            queue.push(item);
        }
        assert_eq!(drained(&mut queue), ["a1", "b1", "c1", "a2", "b2", "a3"]);
        assert!(queue.items.is_empty() && queue.new.is_empty() && queue.waiting.is_empty());
    }

    #[test]
    fn a_new_group_comes_before_one_with_a_lot_to_do() {
        let mut queue = FairQueue::default();
        for item in ["a1", "a2", "a3", "a4"] {
            queue.push(item);
        }
        assert_eq!(queue.pop(), Some("a1"));
        queue.push("z1");
        assert_eq!(queue.pop(), Some("z1"));
        assert_eq!(queue.pop(), Some("a2"));
    }

    #[test]
    fn many_new_groups_do_not_starve_one_that_waits() {
        let mut queue = FairQueue::default();
        queue.push("a1");
        queue.push("a2");
        assert_eq!(queue.pop(), Some("a1"));
        let mut before = 0;
        for item in ["b1", "c1", "d1", "e1", "f1", "g1"] {
            queue.push(item);
        }
        while queue.pop().expect("a2 is there") != "a2" {
            before += 1;
        }
        assert_eq!(before, NEW_TURNS);
    }
}
