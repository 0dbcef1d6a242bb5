//! A bounded cache with approximate LRU eviction (two generations).

use std::{borrow::Borrow, collections::HashMap, hash::Hash, mem};

/// A map with a maximum number of entries. When the young half is full, it becomes the old half and
/// the previous old half is dropped. An unused entry survives at least `capacity / 2` inserts of
/// other keys. Callers that choose keys freely can drop the entries of others: where that costs a fetch, entries are
/// counted by tenant (`remote/url_cache.rs`).
#[derive(Debug)]
pub struct BoundedCache<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> BoundedCache<K, V> {
    /// Creates an empty cache. The capacity is at least 2.
    pub fn new(capacity: usize) -> Self {
        Self { half: (capacity / 2).max(1), young: HashMap::new(), old: HashMap::new() }
    }

    /// Returns an entry and moves it to the young half.
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

    /// Returns an entry without moving it.
    pub fn peek<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Inserts or replaces an entry. It may drop the old half.
    pub fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Removes an entry from both halves. Does nothing if the key is unknown.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Removes all entries, and keeps the capacity.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// Returns the number of entries. A key present in both halves counts twice.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Returns true if the cache has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_keeps_recently_used_entries() {
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
    fn old_values_do_not_reappear_after_a_replacement_or_removal() {
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
