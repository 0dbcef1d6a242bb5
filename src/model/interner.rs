//! Values that many objects have alike, in one copy: what is shared costs each of them a pointer.

use std::{
    borrow::Borrow,
    collections::HashSet,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Fewer values than this are never worth sweeping.
const MIN_SWEEP_SIZE: usize = 64;

/// A pool of values. One that nobody else has goes before the pool doubles.
#[derive(Debug)]
pub struct Interner<T: ?Sized>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T: ?Sized> {
    known: HashSet<Arc<T>>,
    /// As many as there are before those are looked for that nobody has.
    sweep_at: usize,
}

impl<T: ?Sized> Default for Interner<T> {
    fn default() -> Self {
        Self(Mutex::new(Inner { known: HashSet::new(), sweep_at: MIN_SWEEP_SIZE }))
    }
}

impl<T: Eq + Hash + ?Sized> Interner<T> {
    /// The same value, in the one copy of it.
    pub fn intern(&self, value: impl Into<Arc<T>> + Borrow<T>) -> Arc<T> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = inner.known.get(value.borrow()) {
            return Arc::clone(same);
        }
        if inner.known.len() >= inner.sweep_at {
            inner.known.retain(|value| Arc::strong_count(value) > 1);
            inner.sweep_at = MIN_SWEEP_SIZE.max(2 * inner.known.len());
        }
        let value = value.into();
        inner.known.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one() {
        let pool = Interner::<str>::default();
        let (one, same, other) = (pool.intern("one"), pool.intern("one"), pool.intern("other"));
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
        assert_eq!((&*one, &*other), ("one", "other"));
    }

    #[test]
    fn what_nobody_has_any_more_goes() {
        let pool = Interner::<str>::default();
        let held = pool.intern("held");
        for number in 0..10 * MIN_SWEEP_SIZE {
            pool.intern(number.to_string());
        }
        assert!(pool.0.lock().expect("not poisoned").known.len() <= MIN_SWEEP_SIZE);
        assert!(Arc::ptr_eq(&held, &pool.intern("held")));
    }

    #[test]
    fn what_somebody_has_stays() {
        let pool = Interner::<str>::default();
        let all = || (0..10 * MIN_SWEEP_SIZE).map(|number| pool.intern(number.to_string()));
        let held: Vec<Arc<str>> = all().collect();
        assert!(all().zip(&held).all(|(again, held)| Arc::ptr_eq(&again, held)));
    }
}
