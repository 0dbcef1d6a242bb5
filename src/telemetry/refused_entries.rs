//! Counts entries that `spec.access` refused, by tenant, client and reason.

use std::sync::Arc;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::{bounded_labels::BoundedLabels, label_values::label_values};
use crate::model::ObjectKey;

label_values!(
    /// The restriction that refused an entry: of `spec.access`, or `authenticators` of the Tenant.
    RefusedEntryReason {
        /// `providers`: the person comes from none of them.
        Provider = "provider",
        /// `groups`: the person is in none of them.
        Group = "group",
        /// `rules`: an expression is false.
        Rule = "rule",
        /// `rules`: an expression could not be evaluated.
        FailedRule = "failed_rule",
        /// `acr`: the sign-in has not reached the level.
        Level = "acr",
        /// `authenticators` of the Tenant: the sign-in has not proved the required factor.
        Factor = "factor",
    }
);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RefusedEntryLabels {
    tenant: Arc<str>,
    client: Arc<str>,
    reason: RefusedEntryReason,
}

/// The counters, and the clients that they have as label values.
#[derive(Default)]
pub(super) struct RefusedEntries {
    counters: Family<RefusedEntryLabels, Counter>,
    clients: BoundedLabels,
}

impl RefusedEntries {
    pub(super) fn counters(&self) -> Family<RefusedEntryLabels, Counter> {
        self.counters.clone()
    }

    /// Counts an entry. `tenant`: its label, which is empty if metrics have no label for tenants.
    pub(super) fn count(&self, tenant: Arc<str>, client: &ObjectKey, reason: RefusedEntryReason) {
        let client = self.clients.label_of(&tenant, &client.to_string());
        self.counters.get_or_create(&RefusedEntryLabels { tenant, client, reason }).inc();
    }

    /// Creates the series of a tenant without a client.
    pub(super) fn begin_tenant(&self, tenant: &Arc<str>) {
        for &reason in RefusedEntryReason::ALL {
            let (tenant, client) = (Arc::clone(tenant), Arc::default());
            drop(self.counters.get_or_create(&RefusedEntryLabels { tenant, client, reason }));
        }
    }

    /// Removes the series of a tenant.
    pub(super) fn forget(&self, tenant: &Arc<str>) {
        for client in self.clients.forget(tenant) {
            for &reason in RefusedEntryReason::ALL {
                let (tenant, client) = (Arc::clone(tenant), Arc::clone(&client));
                self.counters.remove(&RefusedEntryLabels { tenant, client, reason });
            }
        }
    }
}
