//! The reachability of identity providers, by tenant and provider.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
};

use crate::model::TenantId;

/// Providers with a series of their own.
const MAX_PROVIDERS: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct ProviderLabels {
    tenant: Arc<str>,
    provider: Arc<str>,
}

/// A provider with its condition `Reachable`.
#[derive(Clone, Copy, Debug)]
pub struct ReachableProvider<'p> {
    /// The tenant of the provider.
    pub tenant: &'p TenantId,
    /// The name of the provider.
    pub name: &'p str,
    /// Whether the server of the provider answers (`Reachable=True`).
    pub is_reachable: bool,
}

/// The current providers with a condition `Reachable`, for the gauge.
#[derive(Debug, Default)]
pub(super) struct ProviderReachability(Mutex<BTreeMap<ProviderLabels, bool>>);

impl ProviderReachability {
    /// Sets all providers. Without tenants as label values, and beyond the limit, one series stands for all
    /// providers. It is 1 if all of them are reachable.
    pub(super) fn set_providers<'p>(
        &self,
        providers: impl IntoIterator<Item = ReachableProvider<'p>>,
        label_of: impl Fn(&TenantId) -> Arc<str>,
    ) {
        let mut sorted: Vec<_> = providers.into_iter().collect();
        // All replicas have the same series, and those that need help come first.
        sorted.sort_by_key(|it| (it.is_reachable, it.tenant, it.name));
        let mut by_label = BTreeMap::new();
        for ReachableProvider { tenant, name, is_reachable } in sorted {
            let tenant = label_of(tenant);
            let labels = if tenant.is_empty() || by_label.len() >= MAX_PROVIDERS {
                ProviderLabels { tenant: Arc::default(), provider: Arc::default() }
            } else {
                ProviderLabels { tenant, provider: name.into() }
            };
            let all = by_label.entry(labels).or_insert(true);
            *all &= is_reachable;
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = by_label;
    }

    pub(super) fn report(&self, gauges: &Family<ProviderLabels, Gauge>) {
        gauges.clear();
        for (labels, is_reachable) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            gauges.get_or_create(labels).set((*is_reachable).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels_of(providers: &[(String, bool)], per_tenant: bool) -> Vec<(String, bool)> {
        let tenant = TenantId::new("team", "main");
        let reachability = ProviderReachability::default();
        let providers = providers.iter().map(|(name, is_reachable)| ReachableProvider {
            tenant: &tenant,
            name,
            is_reachable: *is_reachable,
        });
        let label = |tenant: &TenantId| {
            if per_tenant { tenant.to_string().into() } else { Arc::default() }
        };
        reachability.set_providers(providers, label);
        let set = reachability.0.lock().expect("whole");
        set.iter().map(|(it, all)| (format!("{} {}", it.tenant, it.provider), *all)).collect()
    }

    #[test]
    fn further_providers_share_a_series_that_shows_each_failure() {
        let mut many: Vec<_> = (0..1500).map(|n| (format!("p{n:04}"), true)).collect();
        many[1400].1 = false;
        let found = labels_of(&many, true);
        assert_eq!(found.len(), MAX_PROVIDERS + 1);
        assert!(found.contains(&("team/main p1400".to_owned(), false)), "it comes first");
        assert_eq!(found[0], (" ".to_owned(), true));
        for (_, is_reachable) in &mut many {
            *is_reachable = false;
        }
        assert_eq!(labels_of(&many, true)[0], (" ".to_owned(), false));
        assert_eq!(labels_of(&many[..2], false), [(" ".to_owned(), false)]);
        assert_eq!(labels_of(&[], true), []);
    }
}
