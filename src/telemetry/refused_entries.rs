//! Counts entries that `spec.access` refused, by tenant, client and reason.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::label_values::label_values;
use crate::model::ObjectKey;

/// The clients of a tenant that have series of their own. A tenant can have any number of clients.
const MAX_CLIENTS: usize = 20;

label_values!(
    /// The restriction of `spec.access` that refused an entry.
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
    /// By tenant.
    clients: Mutex<HashMap<Arc<str>, HashSet<Arc<str>>>>,
}

impl RefusedEntries {
    pub(super) fn counters(&self) -> Family<RefusedEntryLabels, Counter> {
        self.counters.clone()
    }

    /// Counts an entry. `tenant`: its label, which is empty where tenants are no label values.
    pub(super) fn count(&self, tenant: Arc<str>, client: &ObjectKey, reason: RefusedEntryReason) {
        let client = self.client_label(&tenant, client);
        self.counters.get_or_create(&RefusedEntryLabels { tenant, client, reason }).inc();
    }

    fn client_label(&self, tenant: &Arc<str>, client: &ObjectKey) -> Arc<str> {
        if tenant.is_empty() {
            return Arc::default();
        }
        let client = client.to_string();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let known = clients.entry(Arc::clone(tenant)).or_default();
        match known.get(client.as_str()) {
            Some(label) => Arc::clone(label),
            None if known.len() >= MAX_CLIENTS => Arc::default(),
            None => {
                let label: Arc<str> = client.into();
                known.insert(Arc::clone(&label));
                label
            }
        }
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
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
        for client in clients.into_iter().flatten().chain([Arc::default()]) {
            for &reason in RefusedEntryReason::ALL {
                let (tenant, client) = (Arc::clone(tenant), Arc::clone(&client));
                self.counters.remove(&RefusedEntryLabels { tenant, client, reason });
            }
        }
    }
}
