//! State of dynamic client registration: the writer of clients, the rate limits, a lock per tenant,
//! and the clients known to be in use.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tracing::Instrument;

use crate::{
    identity::RateLimiter,
    model::{BoundedCache, Client, ObjectKey, RegistrarError, SharedRegistrar, TenantId},
};

/// Clients whose first use was marked by this replica. The earliest ones beyond the maximum are
/// dropped, which costs a read each.
const MAX_MARKED_CLIENTS: usize = 100_000;

/// The state shared by registrations.
#[derive(Debug)]
pub struct Registrations {
    registrar: OnceLock<SharedRegistrar>,
    /// Limits registrations by address.
    pub(crate) rate: RateLimiter,
    tenants: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
    marked: Mutex<BoundedCache<ObjectKey, ()>>,
}

impl Default for Registrations {
    fn default() -> Self {
        Self {
            registrar: OnceLock::new(),
            rate: RateLimiter::default(),
            tenants: Mutex::default(),
            marked: Mutex::new(BoundedCache::new(MAX_MARKED_CLIENTS)),
        }
    }
}

impl Registrations {
    /// Sets the writer of clients. Until then registration is unavailable. Later calls are ignored.
    pub fn set_registrar(&self, registrar: SharedRegistrar) {
        let _ = self.registrar.set(registrar);
    }

    /// The writer of clients.
    pub(crate) fn registrar(&self) -> Option<&SharedRegistrar> {
        self.registrar.get()
    }

    /// Locks a tenant's registrations between counting its clients and seeing the new one served.
    pub(crate) async fn lock_tenant(&self, tenant: &TenantId) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            tenants.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(tenants.entry(tenant.clone()).or_default())
        };
        lock.lock_owned().await
    }

    /// Returns true if the first use of a client still has to be marked, and marks it as claimed.
    fn claim(&self, client: &ObjectKey) -> bool {
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = marked.get(client).is_none();
        if is_new {
            marked.put(client.clone(), ());
        }
        is_new
    }

    fn forget(&self, client: &ObjectKey) {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).remove(client);
    }
}

/// Records that a client completed a request. The first use of a dynamically registered client is
/// stored permanently, so the client does not expire
/// (docs/design/serving.md#dynamic-registration).
pub(crate) fn mark_used(registrations: &Arc<Registrations>, client: &Client) {
    let unmarked = client.registered.as_ref().is_some_and(|registered| !registered.used);
    if !unmarked {
        return;
    }
    let registrations = Arc::clone(registrations);
    let Some(registrar) = registrations.registrar().cloned() else { return };
    let object = client.object.clone();
    if !registrations.claim(&object) {
        return;
    }
    let mark = async move {
        let Err(error) = registrar.mark_used(&object).await else { return };
        tracing::warn!(client = %object, %error, "could not mark the first use of a registered client");
        // Other errors are permanent and would be repeated at every sign-in.
        if matches!(error, RegistrarError::Unavailable(_)) {
            registrations.forget(&object);
        }
    };
    tokio::spawn(mark.in_current_span());
}
