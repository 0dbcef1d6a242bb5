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
    model::{Recent, TenantId},
    store::{Key, RecordKind},
};

/// Sessions of some 250 bytes each.
const CAPACITY: usize = 16 * 1024;

/// The keys of sessions, by tenant and public id.
pub struct KnownSessions(Mutex<Recent<(TenantId, String), String>>);

impl Default for KnownSessions {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(CAPACITY)))
    }
}

impl fmt::Debug for KnownSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownSessions").finish_non_exhaustive()
    }
}

impl KnownSessions {
    /// Where a session was found last.
    pub(super) fn find(&self, tenant: &TenantId, sid: &str) -> Option<Key> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = known.get(&(tenant.clone(), sid.to_owned()))?;
        Some(Key::new(RecordKind::Session, tenant, id.as_str()))
    }

    /// Remembers where it was found.
    pub(super) fn found(&self, sid: &str, at: &Key) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put((at.tenant.clone(), sid.to_owned()), at.id.clone());
    }
}
