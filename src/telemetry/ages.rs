//! Ages of signing keys and of the TLS certificate. Times are stored, and become ages when metrics
//! are read.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
};

use super::gauges::{CertificateFile, Gauges, TenantLabel};
use crate::model::Timestamp;

/// The times of a tenant's signing keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningKeyTimes {
    /// The time since when the oldest key that signs has been signing.
    pub signs_since: Option<Timestamp>,
    /// The time at which the next rotation is due; `None` if keys are not rotated by Lanyard.
    pub rotation_due: Option<Timestamp>,
}

/// The times from which ages follow.
#[derive(Debug, Default)]
pub(super) struct ObjectTimes {
    /// The times of signing keys, by the label of the tenant.
    keys: Mutex<HashMap<Arc<str>, SigningKeyTimes>>,
    certificate: Mutex<Option<(String, RangeInclusive<Timestamp>)>>,
}

impl ObjectTimes {
    /// Sets the times of all tenants. Those with the same label are one, with the earliest times.
    pub(super) fn set_keys(&self, tenants: impl IntoIterator<Item = (Arc<str>, SigningKeyTimes)>) {
        let mut by_label: HashMap<Arc<str>, SigningKeyTimes> = HashMap::new();
        let earliest =
            |one: Option<Timestamp>, other: Option<Timestamp>| one.into_iter().chain(other).min();
        for (label, times) in tenants {
            let known = by_label.entry(label).or_insert(times);
            known.signs_since = earliest(known.signs_since, times.signs_since);
            known.rotation_due = earliest(known.rotation_due, times.rotation_due);
        }
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = by_label;
    }

    pub(super) fn set_certificate(&self, file: String, validity: RangeInclusive<Timestamp>) {
        let mut certificate = self.certificate.lock().unwrap_or_else(PoisonError::into_inner);
        *certificate = Some((file, validity));
    }

    /// Sets the gauges to the ages at this time.
    pub(super) fn report(&self, gauges: &Gauges, now: Timestamp) {
        gauges.key_age.clear();
        gauges.key_overdue.clear();
        for (tenant, times) in &*self.keys.lock().unwrap_or_else(PoisonError::into_inner) {
            let labels = TenantLabel { tenant: Arc::clone(tenant) };
            if let Some(since) = times.signs_since {
                gauges.key_age.get_or_create(&labels).set(now.since(since).as_secs_f64());
            }
            if let Some(due) = times.rotation_due {
                gauges.key_overdue.get_or_create(&labels).set(now.since(due).as_secs_f64());
            }
        }
        let certificate = self.certificate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((file, validity)) = &*certificate {
            let labels = CertificateFile { certificate: file.clone() };
            let age = now.since(*validity.start()).as_secs_f64();
            gauges.certificate_age.get_or_create(&labels).set(age);
            let left = validity.end().since(now).as_secs_f64();
            let over = now.since(*validity.end()).as_secs_f64();
            gauges.certificate_expires_in.get_or_create(&labels).set(left - over);
        }
    }
}
