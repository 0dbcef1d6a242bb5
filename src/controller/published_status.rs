//! Remembers the statuses that were published. The view may lag behind a write, or may not contain
//! statuses at all; this avoids repeating such writes.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{api::StatusDigest, model::ObjectRef};

/// Statuses published since this replica leads.
#[derive(Debug, Default)]
pub struct PublishedStatuses(Mutex<HashMap<ObjectRef, Published>>);

#[derive(Clone, Debug)]
struct Published {
    /// The resourceVersion in the view at that time.
    version: Option<String>,
    told: StatusDigest,
}

impl PublishedStatuses {
    /// The object's current status, from the view or as published since.
    pub fn current(
        &self,
        object: &ObjectRef,
        shown: Option<StatusDigest>,
        version: Option<&str>,
    ) -> Option<StatusDigest> {
        let published = self.lock().get(object).cloned();
        match published {
            Some(published) if shown.is_none() || published.version.as_deref() == version => {
                Some(published.told)
            }
            _ => shown.filter(StatusDigest::has_conditions),
        }
    }

    /// Records a published status.
    pub fn published(&self, object: &ObjectRef, version: Option<String>, told: StatusDigest) {
        self.lock().insert(object.clone(), Published { version, told });
    }

    /// Removes the record of a deleted object.
    pub fn forget(&self, object: &ObjectRef) {
        self.lock().remove(object);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef, Published>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
