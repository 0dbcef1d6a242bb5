//! The conclusions on the servers of identity providers, and on the issuers of federated credentials: what
//! the condition `Reachable` says.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    api::ConditionReason,
    model::{ManagedKind, ObjectKey, ObjectRef, ProbeFailure},
};

/// The conclusions of this replica, as far as it has any, and the objects whose status lacks them.
#[derive(Debug)]
pub struct ReachabilityConclusions {
    /// The kind of the objects that have the condition.
    kind: ManagedKind,
    concluded: Mutex<HashMap<ObjectKey, ConditionReason>>,
    changed: Mutex<BTreeSet<ObjectKey>>,
    notify: Notify,
}

impl ReachabilityConclusions {
    /// No conclusions on objects of a kind.
    pub(super) fn of(kind: ManagedKind) -> Self {
        Self {
            kind,
            concluded: Mutex::default(),
            changed: Mutex::default(),
            notify: Notify::default(),
        }
    }

    /// The reason of the condition of an object; `None` before the first conclusion.
    pub(super) fn reason(&self, provider: &ObjectKey) -> Option<ConditionReason> {
        lock(&self.concluded).get(provider).copied()
    }

    /// Waits for conclusions that the statuses lack.
    pub(super) async fn changed(&self) -> Vec<ObjectRef> {
        loop {
            let changed = std::mem::take(&mut *lock(&self.changed));
            if !changed.is_empty() {
                let object = |key| ObjectRef::new(self.kind, key);
                return changed.into_iter().map(object).collect();
            }
            self.notify.notified().await;
        }
    }

    pub(super) fn conclude(&self, conclusions: Vec<(ObjectKey, Result<(), ProbeFailure>)>) {
        if conclusions.is_empty() {
            return;
        }
        let mut concluded = lock(&self.concluded);
        let mut changed = lock(&self.changed);
        for (provider, result) in conclusions {
            concluded.insert(provider.clone(), reason_of(result));
            changed.insert(provider);
        }
        self.notify.notify_one();
    }

    /// Replaces all conclusions. Objects whose conclusion is new, different or gone have changed.
    pub(super) fn replace(&self, new: HashMap<ObjectKey, ConditionReason>) {
        let mut concluded = lock(&self.concluded);
        let keys = concluded.keys().chain(new.keys());
        let changed: Vec<_> =
            keys.filter(|key| concluded.get(*key) != new.get(*key)).cloned().collect();
        *concluded = new;
        if !changed.is_empty() {
            lock(&self.changed).extend(changed);
            self.notify.notify_one();
        }
    }

    /// Forgets all providers but those that the function keeps.
    pub(super) fn retain(&self, keep: impl Fn(&ObjectKey) -> bool) {
        lock(&self.concluded).retain(|provider, _| keep(provider));
    }
}

/// The reason of the condition for a conclusion.
pub(super) const fn reason_of(result: Result<(), ProbeFailure>) -> ConditionReason {
    match result {
        Ok(()) => ConditionReason::Reachable,
        Err(ProbeFailure::HostNotAllowed) => ConditionReason::HostNotAllowed,
        Err(ProbeFailure::Unencrypted) => ConditionReason::Unencrypted,
        Err(ProbeFailure::Unreachable) => ConditionReason::Unreachable,
        Err(ProbeFailure::CertificateInvalid) => ConditionReason::CertificateInvalid,
        Err(ProbeFailure::BadMetadata) => ConditionReason::BadMetadata,
        Err(ProbeFailure::NotGitHub) => ConditionReason::NotGitHub,
        Err(ProbeFailure::AccountRefused) => ConditionReason::AccountRefused,
    }
}

/// The conclusion for which a status has the reason.
pub(super) fn probe_result(reason: ConditionReason) -> Option<Result<(), ProbeFailure>> {
    Some(match reason {
        ConditionReason::Reachable => Ok(()),
        ConditionReason::HostNotAllowed => Err(ProbeFailure::HostNotAllowed),
        ConditionReason::Unencrypted => Err(ProbeFailure::Unencrypted),
        ConditionReason::Unreachable => Err(ProbeFailure::Unreachable),
        ConditionReason::CertificateInvalid => Err(ProbeFailure::CertificateInvalid),
        ConditionReason::BadMetadata => Err(ProbeFailure::BadMetadata),
        ConditionReason::NotGitHub => Err(ProbeFailure::NotGitHub),
        ConditionReason::AccountRefused => Err(ProbeFailure::AccountRefused),
        _ => return None,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_leader_reads_each_conclusion_from_the_status() {
        use ProbeFailure::{
            AccountRefused, BadMetadata, CertificateInvalid, HostNotAllowed, NotGitHub,
            Unencrypted, Unreachable,
        };
        let failures = [
            HostNotAllowed,
            Unencrypted,
            Unreachable,
            CertificateInvalid,
            BadMetadata,
            NotGitHub,
            AccountRefused,
        ];
        for result in failures.map(Err).into_iter().chain([Ok(())]) {
            assert_eq!(probe_result(reason_of(result)), Some(result));
        }
        assert_eq!(probe_result(ConditionReason::Pending), None);
    }
}
