//! Limits the attempts to send mail at the same time. Each tenant has a few. A tenant whose server hangs has one,
//! so that other tenants do not wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::model::TenantId;

/// Attempts of one tenant that run at the same time.
const ATTEMPTS_OF_TENANT: usize = 8;
/// Attempts of one tenant that wait for a running attempt to end. Further attempts are made later, so that a tenant
/// does not use up the slots of all tenants with waiting attempts.
const WAITING_OF_TENANT: usize = 8;
/// How long an attempt waits for others of its tenant. With the time of an attempt it is shorter than the end of
/// a claim in which no attempt starts.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The attempts of all tenants.
#[derive(Debug, Default)]
pub(in crate::accounts) struct MailSlots(Mutex<HashMap<TenantId, TenantSlots>>);

#[derive(Debug)]
struct TenantSlots {
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    hangs: bool,
}

impl Default for TenantSlots {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(ATTEMPTS_OF_TENANT)),
            waiting: Arc::new(Semaphore::new(WAITING_OF_TENANT)),
            hangs: false,
        }
    }
}

impl MailSlots {
    /// Begins an attempt of a tenant; `None` if it has to be made later.
    pub(in crate::accounts) async fn begin(
        &self,
        tenant: &TenantId,
    ) -> Option<OwnedSemaphorePermit> {
        let (permits, waiting, hangs) = self.with(tenant, |slots| {
            (Arc::clone(&slots.permits), Arc::clone(&slots.waiting), slots.hangs)
        });
        if hangs {
            let is_idle = permits.available_permits() == ATTEMPTS_OF_TENANT;
            return is_idle.then(|| permits.try_acquire_owned().ok())?;
        }
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Some(permit);
        }
        let _waiting = waiting.try_acquire().ok()?;
        timeout(MAX_WAIT, permits.acquire_owned()).await.ok()?.ok()
    }

    /// Remembers whether the server of a tenant took too long.
    pub(in crate::accounts) fn finish(&self, tenant: &TenantId, is_late: bool) {
        self.with(tenant, |slots| slots.hangs = is_late);
    }

    fn with<T>(&self, tenant: &TenantId, use_slots: impl FnOnce(&mut TenantSlots) -> T) -> T {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        use_slots(tenants.entry(tenant.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn few_attempts_of_a_tenant_wait() {
        let (slots, tenant) = (MailSlots::default(), TenantId::new("a", "slow"));
        let mut held = Vec::new();
        for _ in 0..ATTEMPTS_OF_TENANT {
            held.push(slots.begin(&tenant).await.expect("a slot"));
        }
        let mut waiting: Vec<_> =
            (0..WAITING_OF_TENANT).map(|_| Box::pin(slots.begin(&tenant))).collect();
        for begun in &mut waiting {
            assert!(futures::poll!(begun).is_pending());
        }
        let further = std::pin::pin!(slots.begin(&tenant));
        assert!(matches!(futures::poll!(further), std::task::Poll::Ready(None)));
        held.clear();
        for begun in waiting {
            assert!(begun.await.is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_server_gets_one_attempt_and_does_not_delay_other_tenants() {
        let slots = MailSlots::default();
        let (slow, other) = (TenantId::new("a", "slow"), TenantId::new("a", "other"));
        let mut held = Vec::new();
        for _ in 0..ATTEMPTS_OF_TENANT {
            held.push(slots.begin(&slow).await.expect("a slot"));
        }
        assert!(slots.begin(&slow).await.is_none(), "after the wait");
        assert!(slots.begin(&other).await.is_some());
        slots.finish(&slow, true);
        held.clear();
        let one = slots.begin(&slow).await.expect("one");
        assert!(slots.begin(&slow).await.is_none());
        slots.finish(&slow, false);
        assert!(slots.begin(&slow).await.is_some());
        drop(one);
    }
}
