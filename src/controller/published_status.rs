//! Remembers the statuses that were published. The view may lag behind a write, or may not contain
//! statuses at all; this avoids repeating such writes.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    api::StatusDigest,
    model::{ObjectRef, Timestamp},
    source::EventRecord,
};

/// Statuses published since this replica leads, and Events that wait.
#[derive(Debug, Default)]
pub struct PublishedStatuses {
    statuses: Mutex<HashMap<ObjectRef, Published>>,
    /// Events about problems that may solve themselves, with the time at which each is due.
    notices: Mutex<HashMap<ObjectRef, (Timestamp, EventRecord)>>,
    /// The messages about statuses that the API server refuses, each of which has had its Event.
    refusals: Mutex<HashMap<ObjectRef, String>>,
}

#[derive(Clone, Debug)]
struct Published {
    /// The resourceVersion in the view at that time.
    version: Option<String>,
    digest: StatusDigest,
}

impl PublishedStatuses {
    /// The object's current status, from the view or as published since.
    pub fn current(
        &self,
        object: &ObjectRef,
        shown: Option<StatusDigest>,
        version: Option<&str>,
    ) -> Option<StatusDigest> {
        let published = lock(&self.statuses).get(object).cloned();
        match published {
            Some(published) if shown.is_none() || published.version.as_deref() == version => {
                Some(published.digest)
            }
            _ => shown.filter(StatusDigest::has_conditions),
        }
    }

    /// Records a status that was published for the object at this resourceVersion.
    pub fn published(&self, object: &ObjectRef, version: Option<String>, digest: StatusDigest) {
        lock(&self.statuses).insert(object.clone(), Published { version, digest });
    }

    /// Records that a status was refused. Returns true if it was not refused for the same reason before.
    pub fn is_new_refusal(&self, refusal: &EventRecord) -> bool {
        let EventRecord { object, message, .. } = refusal;
        let before = lock(&self.refusals).insert(object.clone(), message.clone());
        before.as_ref() != Some(message)
    }

    /// Records that the API server accepted a status, so the next refusal gets an Event again.
    pub fn status_accepted(&self, object: &ObjectRef) {
        lock(&self.refusals).remove(object);
    }

    /// Replaces the object's waiting Event and the time at which it is due; `None` removes it.
    pub fn defer_notice(&self, object: &ObjectRef, notice: Option<(Timestamp, EventRecord)>) {
        let mut notices = lock(&self.notices);
        match notice {
            Some(notice) => notices.insert(object.clone(), notice),
            None => notices.remove(object),
        };
    }

    /// Removes and returns the object's waiting Event if it is due.
    pub fn due_notice(&self, object: &ObjectRef, now: Timestamp) -> Option<EventRecord> {
        let mut notices = lock(&self.notices);
        notices.get(object).filter(|(at, _)| *at <= now)?;
        notices.remove(object).map(|(_, notice)| notice)
    }

    /// The time at which the object's waiting Event is due.
    pub fn notice_due_at(&self, object: &ObjectRef) -> Option<Timestamp> {
        lock(&self.notices).get(object).map(|(at, _)| *at)
    }

    /// Removes the records of a deleted object.
    pub fn forget(&self, object: &ObjectRef) {
        lock(&self.statuses).remove(object);
        lock(&self.notices).remove(object);
        lock(&self.refusals).remove(object);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
