//! A map of bounded size that forgets what was neither written nor asked for lately.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, mem};

/// A map of at most so many entries. When the young half is full it becomes the old half, and what
/// the old half held is forgotten: an entry stays for at least half the capacity of others.
#[derive(Debug)]
pub struct BoundedCache<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> BoundedCache<K, V> {
    /// An empty one of that capacity, 2 at least.
    pub fn new(capacity: usize) -> Self {
        Self { half: (capacity / 2).max(1), young: HashMap::new(), old: HashMap::new() }
    }

    /// An entry, which becomes young by that.
    pub fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        if !self.young.contains_key(key)
            && let Some((key, value)) = self.old.remove_entry(key)
        {
            self.put(key, value);
        }
        self.young.get(key)
    }

    /// An entry, which stays as old as it is.
    pub fn peek<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Writes an entry.
    pub fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets an entry.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// How many there are, those counted twice that were written anew.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_a_bounded_number_and_keeps_what_is_asked_for() {
        let mut recent = BoundedCache::new(8);
        recent.put("asked for".to_owned(), 0);
        recent.put("looked at".to_owned(), 0);
        for number in 0..100 {
            recent.put(number.to_string(), number);
            assert!(recent.len() <= 8);
            if number % 3 == 0 {
                assert_eq!(recent.get("asked for"), Some(&0), "after {number}");
            }
            recent.peek("looked at");
        }
        assert_eq!((recent.peek("looked at"), recent.peek("99")), (None, Some(&99)));
    }

    #[test]
    fn what_was_written_anew_or_removed_does_not_come_back() {
        let mut recent = BoundedCache::new(4);
        for (key, value) in [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3)] {
            recent.put(key, value);
            assert_eq!(recent.peek(key), Some(&value));
        }
        assert_eq!(recent.get("a"), Some(&3));
        assert_eq!(recent.peek("a"), Some(&3));
        recent.remove("a");
        assert_eq!(recent.get("a"), None);
        assert_eq!(recent.peek("a"), None);
        recent.clear();
        assert!(recent.is_empty());
    }
}
