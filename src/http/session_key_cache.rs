//! Where sessions were found by their public ids: the store lists them by it, and to read one where it
//! was before costs a store a fifth of a list.
//!
//! A hint and no more: what is found there counts by what it says, and who does not find it there
//! asks for the list.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use crate::{
    model::{BoundedCache, TenantId},
    store::{RecordKey, RecordKind},
};

/// Sessions of some 250 bytes each.
const MAX_ENTRIES: usize = 16 * 1024;

/// The keys of sessions, by tenant and public id.
pub struct SessionKeyCache(Mutex<BoundedCache<(TenantId, String), String>>);

impl Default for SessionKeyCache {
    fn default() -> Self {
        Self(Mutex::new(BoundedCache::new(MAX_ENTRIES)))
    }
}

impl fmt::Debug for SessionKeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownSessions").finish_non_exhaustive()
    }
}

impl SessionKeyCache {
    /// Where a session was found last.
    pub(super) fn find(&self, tenant: &TenantId, sid: &str) -> Option<RecordKey> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = known.get(&(tenant.clone(), sid.to_owned()))?;
        Some(RecordKey::new(RecordKind::Session, tenant, id.as_str()))
    }

    /// Remembers where it was found.
    pub(super) fn found(&self, sid: &str, at: &RecordKey) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put((at.tenant.clone(), sid.to_owned()), at.id.clone());
    }
}
