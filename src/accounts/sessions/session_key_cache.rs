//! A cache of the store keys of sessions, by their public ids. Listing a session in the store by
//! its public id costs five times as much as reading it by its key.
//!
//! An entry is a hint: the record read through it is checked, and a miss falls back to the list.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use crate::{
    model::{BoundedCache, TenantId},
    store::{RecordKey, RecordKind},
};

/// Maximum sessions in the cache, about 250 bytes each.
const MAX_ENTRIES: usize = 16 * 1024;

/// The store keys of sessions, by tenant and public id.
pub struct SessionKeyCache(Mutex<BoundedCache<(TenantId, String), String>>);

impl Default for SessionKeyCache {
    fn default() -> Self {
        Self(Mutex::new(BoundedCache::new(MAX_ENTRIES)))
    }
}

impl fmt::Debug for SessionKeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKeyCache").finish_non_exhaustive()
    }
}

impl SessionKeyCache {
    /// The key under which a session was found last.
    pub(crate) fn find(&self, tenant: &TenantId, sid: &str) -> Option<RecordKey> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = known.get(&(tenant.clone(), sid.to_owned()))?;
        Some(RecordKey::new(RecordKind::Session, tenant, id.as_str()))
    }

    /// Stores the key under which a session was found.
    pub(crate) fn insert(&self, sid: &str, at: &RecordKey) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put((at.tenant.clone(), sid.to_owned()), at.id.clone());
    }
}
