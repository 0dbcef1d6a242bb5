//! The first names of each tenant that become label values. Further ones are empty, so the number of series is
//! bounded.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// Names of a tenant that have series of their own. A tenant can have any number of clients and providers.
const MAX_NAMES: usize = 20;

/// The names that are label values, by the label of their tenant.
#[derive(Default)]
pub(super) struct BoundedLabels(Mutex<HashMap<Arc<str>, HashSet<Arc<str>>>>);

impl BoundedLabels {
    /// The label of a name. It is empty where the label of the tenant is.
    pub(super) fn label_of(&self, tenant: &Arc<str>, name: &str) -> Arc<str> {
        if tenant.is_empty() {
            return Arc::default();
        }
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.entry(Arc::clone(tenant)).or_default();
        match known.get(name) {
            Some(label) => Arc::clone(label),
            None if known.len() >= MAX_NAMES => Arc::default(),
            None => {
                let label: Arc<str> = name.into();
                known.insert(Arc::clone(&label));
                label
            }
        }
    }

    /// Removes the names of a tenant and returns them, with the empty one.
    pub(super) fn forget(&self, tenant: &Arc<str>) -> Vec<Arc<str>> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
        names.into_iter().flatten().chain([Arc::default()]).collect()
    }
}
