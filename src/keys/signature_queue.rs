//! A bounded queue that gives each key its turn, and so each tenant: one that asks for very many
//! signatures delays its own. Pure.

use std::collections::{HashMap, VecDeque};

/// Jobs that wait for a thread.
#[derive(Debug)]
pub(super) struct SignatureQueue<T> {
    capacity: usize,
    len: usize,
    /// The waiting jobs of each key, oldest first. No list is empty.
    waiting: HashMap<usize, VecDeque<T>>,
    /// The keys with waiting jobs, in the order of their turns.
    turns: VecDeque<usize>,
}

impl<T> SignatureQueue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, len: 0, waiting: HashMap::new(), turns: VecDeque::new() }
    }

    /// The number of waiting jobs.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a job. If the queue is full, a job has to leave and is returned. It is the latest job of the key with
    /// the most jobs, and may be the new one.
    pub(super) fn push(&mut self, key: usize, job: T) -> Option<T> {
        let leaves = if self.len < self.capacity { None } else { Some(self.longest(key)) };
        if leaves == Some(key) {
            return Some(job);
        }
        let jobs = self.waiting.entry(key).or_default();
        if jobs.is_empty() {
            self.turns.push_back(key);
        }
        jobs.push_back(job);
        self.len += 1;
        let longest = leaves?;
        let left = self.waiting.get_mut(&longest)?.pop_back();
        self.len -= usize::from(left.is_some());
        self.forget_if_empty(longest);
        left
    }

    /// The key with the most jobs, or this one if no other has more.
    fn longest(&self, key: usize) -> usize {
        let own = self.waiting.get(&key).map_or(0, VecDeque::len);
        let most = self.waiting.iter().max_by_key(|(_, jobs)| jobs.len());
        most.filter(|(_, jobs)| jobs.len() > own).map_or(key, |(longest, _)| *longest)
    }

    /// Takes the oldest job of the key whose turn it is; `None` if no job waits.
    pub(super) fn take(&mut self) -> Option<T> {
        let key = self.turns.pop_front()?;
        self.turns.push_back(key);
        let job = self.waiting.get_mut(&key)?.pop_front();
        self.len -= usize::from(job.is_some());
        self.forget_if_empty(key);
        job
    }

    fn forget_if_empty(&mut self, key: usize) {
        if self.waiting.get(&key).is_some_and(VecDeque::is_empty) {
            self.waiting.remove(&key);
            self.turns.retain(|other| *other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_take_turns() {
        let mut queue = SignatureQueue::new(100);
        for number in 0..50 {
            assert_eq!(queue.push(1, ("flood", number)), None);
        }
        queue.push(2, ("fair", 0));
        queue.push(2, ("fair", 1));
        let taken: Vec<_> = std::iter::from_fn(|| queue.take()).take(5).collect();
        let expected = [("flood", 0), ("fair", 0), ("flood", 1), ("fair", 1), ("flood", 2)];
        assert_eq!(taken, expected);
        assert_eq!(queue.len(), 47);
    }

    #[test]
    fn a_full_queue_refuses_the_key_with_the_most_jobs() {
        let mut queue = SignatureQueue::new(4);
        for number in 0..4 {
            assert_eq!(queue.push(1, number), None);
        }
        assert_eq!(queue.push(1, 4), Some(4), "itself");
        assert_eq!(queue.push(2, 10), Some(3), "the latest of the other");
        assert_eq!(queue.push(2, 11), Some(2));
        assert_eq!(queue.push(2, 12), Some(12), "no other has more");
        assert_eq!(queue.push(3, 20), Some(if queue.waiting[&1].len() == 1 { 1 } else { 11 }));
        assert_eq!(queue.len(), 4);
    }

    #[test]
    fn keys_without_jobs_leave_no_entries() {
        let mut queue = SignatureQueue::new(1);
        assert_eq!(queue.push(1, 'a'), None);
        assert_eq!(queue.take(), Some('a'));
        assert_eq!((queue.take(), queue.len()), (None, 0));
        assert!(queue.waiting.is_empty() && queue.turns.is_empty());
    }
}
