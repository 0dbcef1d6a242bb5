//! What registering clients share: who writes them, how often, one at a time for each tenant, and
//! which of them are known to be in use.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::AppState;
use crate::{
    identity::RateLimiter,
    model::{Client, ObjectKey, RegistrarError, SharedRegistrar, TenantId},
};

/// Clients whose first use was noted here: forgotten when there are too many, which costs a read.
const MAX_MARKED_CLIENTS: usize = 100_000;

/// What is shared between registrations.
#[derive(Debug, Default)]
pub struct Registrations {
    registrar: OnceLock<SharedRegistrar>,
    /// Limits registrations by address.
    pub(super) rate: RateLimiter,
    tenants: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
    marked: Mutex<HashSet<ObjectKey>>,
}

impl Registrations {
    /// Says who writes clients; until then nobody can register. Only the first one counts.
    pub fn write_by(&self, registrar: SharedRegistrar) {
        let _ = self.registrar.set(registrar);
    }

    /// Who writes clients.
    pub(super) fn registrar(&self) -> Option<&SharedRegistrar> {
        self.registrar.get()
    }

    /// A tenant's turn: between counting its clients and seeing one more, no other registers here.
    pub(super) async fn turn(&self, tenant: &TenantId) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            tenants.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(tenants.entry(tenant.clone()).or_default())
        };
        lock.lock_owned().await
    }

    /// Whether the first use of a client is still to be noted; from now on it is not.
    fn claim(&self, client: &ObjectKey) -> bool {
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        if marked.len() >= MAX_MARKED_CLIENTS {
            marked.clear();
        }
        marked.insert(client.clone())
    }

    fn forget(&self, client: &ObjectKey) {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).remove(client);
    }
}

impl AppState {
    /// Notes that a client got what it asked for. Of one that registered itself the first time is
    /// written down, once for ever, so that it does not expire
    /// (docs/design/serving.md#dynamic-registration).
    pub(super) fn used(&self, client: &Client) {
        let unmarked = client.registered.as_ref().is_some_and(|registered| !registered.used);
        if !unmarked {
            return;
        }
        let registrations = Arc::clone(&self.registrations);
        let Some(registrar) = registrations.registrar().cloned() else { return };
        let object = client.object.clone();
        if !registrations.claim(&object) {
            return;
        }
        tokio::spawn(async move {
            let Err(error) = registrar.mark_used(&object).await else { return };
            tracing::warn!(client = %object, %error, "cannot note the first use of a registered client");
            // Else it would be tried at every sign-in what cannot succeed.
            if matches!(error, RegistrarError::Unavailable(_)) {
                registrations.forget(&object);
            }
        });
    }
}
