//! State of dynamic client registration: the writer of clients, the rate limits, a lock per tenant,
//! and the clients known to be in use.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tracing::Instrument;

use crate::{
    identity::RateLimiter,
    model::{
        BoundedCache, Client, ObjectKey, RegistrarError, SharedRegistrar, TenantId, throttle_prefix,
    },
};

/// Clients whose first use was marked by this replica. Beyond the maximum the earliest are
/// dropped, and each of them costs a read when it is used again.
const MAX_MARKED_CLIENTS: usize = 100_000;

/// An address has at most this many times as many clients as are free.
const MAX_SHARE_OF_FREE: usize = 3;

/// The state shared by registrations.
#[derive(Debug)]
pub struct Registrations {
    registrar: OnceLock<SharedRegistrar>,
    /// Limits registrations by address.
    pub(crate) rate: RateLimiter,
    tenants: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
    marked: Mutex<BoundedCache<ObjectKey, ()>>,
    /// The addresses from which clients registered with this replica.
    origins: Mutex<HashMap<TenantId, HashMap<ObjectKey, IpAddr>>>,
}

impl Default for Registrations {
    fn default() -> Self {
        Self {
            registrar: OnceLock::new(),
            rate: RateLimiter::default(),
            tenants: Mutex::default(),
            marked: Mutex::new(BoundedCache::new(MAX_MARKED_CLIENTS)),
            origins: Mutex::default(),
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

    /// Whether an address may register another client of the tenant, of whose `free` places it may
    /// take three quarters. `exists` returns true for clients that still exist.
    pub(crate) fn permits(
        &self,
        tenant: &TenantId,
        address: IpAddr,
        free: usize,
        exists: impl Fn(&ObjectKey) -> bool,
    ) -> bool {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(clients) = origins.get_mut(tenant) else { return free > 0 };
        clients.retain(|client, _| exists(client));
        let address = throttle_prefix(address);
        let own = clients.values().filter(|origin| **origin == address).count();
        own < free.saturating_mul(MAX_SHARE_OF_FREE)
    }

    /// Remembers the address that registered a client.
    pub(crate) fn registered_from(&self, tenant: &TenantId, client: ObjectKey, address: IpAddr) {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = origins.entry(tenant.clone()).or_default();
        clients.insert(client, throttle_prefix(address));
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
pub(crate) fn mark_client_used(registrations: &Arc<Registrations>, client: &Client) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_use_up_the_clients_of_a_tenant() {
        let (registrations, tenant) = (Registrations::default(), TenantId::new("team", "main"));
        let mut existing = Vec::new();
        let mut register = |registrations: &Registrations, last: u8, most: usize| {
            let address = [192, 0, 2, last].into();
            let mut registered = 0;
            while existing.len() < most {
                let free = most - existing.len();
                let exists = |client: &ObjectKey| existing.contains(client);
                if !registrations.permits(&tenant, address, free, exists) {
                    break;
                }
                let client = ObjectKey::new("team", existing.len().to_string());
                existing.push(client.clone());
                registrations.registered_from(&tenant, client, address);
                registered += 1;
            }
            registered
        };
        assert_eq!(register(&registrations, 1, 100), 75);
        assert_eq!(register(&registrations, 2, 100), 19, "three quarters of the rest");
        assert_eq!(register(&registrations, 1, 100), 0);
        existing.clear();
        let free =
            |address: u8| registrations.permits(&tenant, [192, 0, 2, address].into(), 1, |_| false);
        assert!(free(1), "clients that were removed do not count");
    }
}
