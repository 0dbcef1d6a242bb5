//! Deduplicates values that many objects have in common, so that each object stores only a pointer.

use std::{
    borrow::Borrow,
    collections::HashSet,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// The minimum number of values before unused ones are removed.
const MIN_SWEEP_SIZE: usize = 64;

/// A type whose equal values are stored once in this process. Suits types with few distinct values.
pub trait Interned: Eq + Hash + 'static {
    /// The pool of the type's values.
    fn pool() -> &'static Interner<Self>;
}

/// Implements [`Interned`] for types, each with a separate pool.
macro_rules! pooled {
    ($($type:ty),+ $(,)?) => {
        $(impl $crate::model::Interned for $type {
            fn pool() -> &'static $crate::model::Interner<Self> {
                static POOL: std::sync::LazyLock<$crate::model::Interner<$type>> =
                    std::sync::LazyLock::new(Default::default);
                &POOL
            }
        })+
    };
}
pub(crate) use pooled;

/// Returns the copy of a value that all its owners share.
pub fn intern<T: Interned + ?Sized>(value: impl Into<Arc<T>> + Borrow<T>) -> Arc<T> {
    T::pool().intern(value)
}

/// A pool of shared values. Values without other owners are removed before the pool doubles.
#[derive(Debug)]
pub struct Interner<T: ?Sized>(Mutex<InternerTable<T>>);

#[derive(Debug)]
struct InternerTable<T: ?Sized> {
    known: HashSet<Arc<T>>,
    /// The number of values at which unused ones are removed.
    sweep_at: usize,
}

impl<T: ?Sized> Default for Interner<T> {
    fn default() -> Self {
        Self(Mutex::new(InternerTable { known: HashSet::new(), sweep_at: MIN_SWEEP_SIZE }))
    }
}

impl<T: Eq + Hash + ?Sized> Interner<T> {
    /// Returns the pooled copy of a value, adding it if necessary.
    fn intern(&self, value: impl Into<Arc<T>> + Borrow<T>) -> Arc<T> {
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
    fn unused_values_are_removed() {
        let pool = Interner::<str>::default();
        let held = pool.intern("held");
        for number in 0..10 * MIN_SWEEP_SIZE {
            pool.intern(number.to_string());
        }
        assert!(pool.0.lock().expect("not poisoned").known.len() <= MIN_SWEEP_SIZE);
        assert!(Arc::ptr_eq(&held, &pool.intern("held")));
    }

    #[test]
    fn used_values_are_kept() {
        let pool = Interner::<str>::default();
        let all = || (0..10 * MIN_SWEEP_SIZE).map(|number| pool.intern(number.to_string()));
        let held: Vec<Arc<str>> = all().collect();
        assert!(all().zip(&held).all(|(again, held)| Arc::ptr_eq(&again, held)));
    }
}
