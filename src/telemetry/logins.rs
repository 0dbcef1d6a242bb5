//! Counts sign-in attempts, by tenant, provider and outcome.

use std::sync::Arc;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::{bounded_labels::BoundedLabels, label_values::label_values};
use crate::model::LOCAL_PROVIDER;

label_values!(
    /// The outcome of a sign-in attempt.
    LoginOutcome {
        /// The person signed in.
        Success = "success",
        /// The person is refused: name or password is wrong, the user is disabled, or the provider's person is not
        /// admitted.
        Failure = "failure",
        /// An identity provider or directory does not answer, or its answer cannot be used.
        ProviderFailed = "provider_failed",
        /// Too many attempts: the login throttle applied.
        Limited = "limited",
        /// Too many concurrent password checks.
        Busy = "busy",
    }
);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LoginLabels {
    tenant: Arc<str>,
    provider: Arc<str>,
    outcome: LoginOutcome,
}

/// The counters, and the providers that they have as label values.
#[derive(Default)]
pub(super) struct LoginMetrics {
    counters: Family<LoginLabels, Counter>,
    providers: BoundedLabels,
}

impl LoginMetrics {
    pub(super) fn counters(&self) -> Family<LoginLabels, Counter> {
        self.counters.clone()
    }

    /// Counts an attempt. `tenant`: its label, which is empty if metrics have no label for tenants. `provider`: its
    /// name, if it is known.
    pub(super) fn count(&self, tenant: Arc<str>, provider: Option<&str>, outcome: LoginOutcome) {
        let provider = provider.map(|name| self.providers.label_of(&tenant, name));
        let provider = provider.unwrap_or_default();
        self.counters.get_or_create(&LoginLabels { tenant, provider, outcome }).inc();
    }

    /// Creates the series of a tenant: without a provider, and for its own users.
    pub(super) fn begin_tenant(&self, tenant: &Arc<str>) {
        for provider in [Arc::default(), self.providers.label_of(tenant, LOCAL_PROVIDER)] {
            for &outcome in LoginOutcome::ALL {
                let (tenant, provider) = (Arc::clone(tenant), Arc::clone(&provider));
                drop(self.counters.get_or_create(&LoginLabels { tenant, provider, outcome }));
            }
        }
    }

    /// Removes the series of a tenant.
    pub(super) fn forget(&self, tenant: &Arc<str>) {
        for provider in self.providers.forget(tenant) {
            for &outcome in LoginOutcome::ALL {
                let (tenant, provider) = (Arc::clone(tenant), Arc::clone(&provider));
                self.counters.remove(&LoginLabels { tenant, provider, outcome });
            }
        }
    }
}
