//! What was published of each object: so that a view that lags behind our own writes, or that
//! cannot show a status, makes none twice.

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
    /// The resourceVersion that the view showed then.
    version: Option<String>,
    told: StatusDigest,
}

impl PublishedStatuses {
    /// What the object's status says: as shown, or as published since.
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
            _ => shown.filter(StatusDigest::is_something),
        }
    }

    /// Takes note of a status that was published.
    pub fn published(&self, object: &ObjectRef, version: Option<String>, told: StatusDigest) {
        self.lock().insert(object.clone(), Published { version, told });
    }

    /// The object is gone.
    pub fn forget(&self, object: &ObjectRef) {
        self.lock().remove(object);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectRef, Published>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
