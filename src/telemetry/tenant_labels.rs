//! The values of the label `tenant`, which only served tenants have: so their number is bounded.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use super::{families::MetricFamilies, labels::RequestOutcome};
use crate::model::TenantId;

/// The tenants served, with their labels.
pub(super) struct TenantLabels {
    /// Whether tenants are label values.
    per_tenant: bool,
    served: RwLock<HashMap<TenantId, Arc<str>>>,
}

/// The labels, locked while a series is written, so that a removed series is not recreated.
pub(super) struct LockedTenantLabels<'l>(RwLockReadGuard<'l, HashMap<TenantId, Arc<str>>>);

impl TenantLabels {
    /// Without `per_tenant`, the label of every tenant is empty.
    pub(super) fn new(per_tenant: bool) -> Self {
        Self { per_tenant, served: RwLock::default() }
    }

    /// Locks the labels to write a series.
    pub(super) fn lock_labels(&self) -> LockedTenantLabels<'_> {
        LockedTenantLabels(self.served.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the tenants served. Removes the series of earlier ones, and creates those of new
    /// ones.
    pub(super) fn replace_tenants(
        &self,
        tenants: impl IntoIterator<Item = TenantId>,
        families: &MetricFamilies,
    ) {
        let served = tenants.into_iter().map(|tenant| {
            let label = Arc::from(tenant.to_string());
            (tenant, label)
        });
        let served: HashMap<TenantId, Arc<str>> = served.filter(|_| self.per_tenant).collect();
        let mut known = self.served.write().unwrap_or_else(PoisonError::into_inner);
        for (_, label) in known.iter().filter(|(tenant, _)| !served.contains_key(tenant)) {
            families.forget(label);
        }
        for (_, label) in served.iter().filter(|(tenant, _)| !known.contains_key(tenant)) {
            // Alerts look at failed requests. The others have too many series to create them all.
            families.begin_tenant(label, &[RequestOutcome::Failed]);
        }
        *known = served;
    }
}

impl LockedTenantLabels<'_> {
    /// The label of a tenant if it is served; empty otherwise.
    pub(super) fn label_of(&self, tenant: Option<&TenantId>) -> Arc<str> {
        tenant.and_then(|tenant| self.0.get(tenant)).cloned().unwrap_or_default()
    }
}
