//! Reports of objects: the snapshot, keys, certificates and identity providers.

use std::{collections::HashMap, ops::RangeInclusive, sync::atomic::Ordering};

use super::Metrics;
use crate::{
    model::{ManagedKind, TenantId, Timestamp},
    telemetry::{
        SigningKeyTimes,
        families::KindReadiness,
        labels::{KindLabel, Readiness},
        reachability::ReachableProvider,
    },
};

impl Metrics {
    /// Reports the current snapshot: its tenants, and the number of its objects per kind.
    pub fn snapshot(
        &self,
        revision: u64,
        built_at: Timestamp,
        tenants: impl IntoIterator<Item = TenantId>,
        objects: &[(ManagedKind, usize)],
    ) {
        self.gauges.revision.set(i64::try_from(revision).unwrap_or(i64::MAX));
        self.built_at.store(built_at.millis(), Ordering::Relaxed);
        for (kind, count) in objects {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            self.families.objects.get_or_create(&KindLabel::from(*kind)).set(count);
        }
        self.tenants.replace_tenants(tenants, &self.families);
    }

    /// Reports the numbers of objects by kind and readiness. A count that is missing is zero.
    pub fn objects(&self, counts: &HashMap<(ManagedKind, Readiness), usize>) {
        for kind in ManagedKind::ALL {
            for &ready in Readiness::ALL {
                let count = counts.get(&(kind, ready)).copied().unwrap_or_default();
                let labels = KindReadiness { kind: kind.as_str(), ready };
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                self.families.readiness.get_or_create(&labels).set(count);
            }
        }
    }

    /// Reports the times of the signing keys of all tenants, after [`Self::snapshot`].
    pub fn signing_keys(&self, times: impl IntoIterator<Item = (TenantId, SigningKeyTimes)>) {
        let tenants = self.tenants.lock_labels();
        let labelled =
            times.into_iter().map(|(tenant, times)| (tenants.label_of(Some(&tenant)), times));
        self.ages.set_keys(labelled);
    }

    /// Reports which identity providers can be reached, after [`Self::snapshot`].
    pub fn providers<'p>(&self, providers: impl IntoIterator<Item = ReachableProvider<'p>>) {
        let tenants = self.tenants.lock_labels();
        self.reachability.set_providers(providers, |tenant| tenants.label_of(Some(tenant)));
    }

    /// Reports the validity of the TLS certificate in a file.
    pub fn certificate(&self, file: String, validity: RangeInclusive<Timestamp>) {
        self.ages.set_certificate(file, validity);
    }
}
