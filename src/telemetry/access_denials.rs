//! Counts uses of clients that `spec.access` refused, by tenant, client and reason.

use std::sync::Arc;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::{bounded_labels::BoundedLabels, label_values::label_values};
use crate::model::ObjectKey;

label_values!(
    /// The restriction that denied access: of `spec.access`, or `authenticators` of the Tenant.
    AccessDenialReason {
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
pub(super) struct AccessDenialLabels {
    tenant: Arc<str>,
    client: Arc<str>,
    reason: AccessDenialReason,
}

/// The counters, and the clients that they have as label values.
#[derive(Default)]
pub(super) struct AccessDenialCounters {
    counters: Family<AccessDenialLabels, Counter>,
    clients: BoundedLabels,
}

impl AccessDenialCounters {
    pub(super) fn counters(&self) -> Family<AccessDenialLabels, Counter> {
        self.counters.clone()
    }

    /// Counts a use of a client. `tenant`: its label, which is empty if metrics have no label for tenants.
    pub(super) fn count(&self, tenant: Arc<str>, client: &ObjectKey, reason: AccessDenialReason) {
        let client = self.clients.label_of(&tenant, &client.to_string());
        self.counters.get_or_create(&AccessDenialLabels { tenant, client, reason }).inc();
    }

    /// Creates the series of a tenant without a client.
    pub(super) fn begin_tenant(&self, tenant: &Arc<str>) {
        for &reason in AccessDenialReason::ALL {
            let (tenant, client) = (Arc::clone(tenant), Arc::default());
            drop(self.counters.get_or_create(&AccessDenialLabels { tenant, client, reason }));
        }
    }

    /// Removes the series of a tenant.
    pub(super) fn forget(&self, tenant: &Arc<str>) {
        for client in self.clients.forget(tenant) {
            for &reason in AccessDenialReason::ALL {
                let (tenant, client) = (Arc::clone(tenant), Arc::clone(&client));
                self.counters.remove(&AccessDenialLabels { tenant, client, reason });
            }
        }
    }
}
