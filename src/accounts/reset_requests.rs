//! The requests for another password that are looked at. Their answers do not wait for it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    identity::{RateLimitClass, RateLimiter},
    model::{TenantId, Timestamp},
};

/// Requests of this replica that are looked at together. Others are dropped, and the person asks again.
const MAX_REQUESTS: usize = 32;
/// Requests of an address in a minute. Those of a tenant together are ten times as many.
const REQUESTS_PER_MINUTE: u32 = 10;

/// The requests: a permit for each that is looked at, and the rate of each address.
#[derive(Debug)]
pub(super) struct ResetRequests {
    permits: Arc<Semaphore>,
    rate: RateLimiter,
}

impl Default for ResetRequests {
    fn default() -> Self {
        let permits = Arc::new(Semaphore::new(MAX_REQUESTS));
        Self { permits, rate: RateLimiter::default() }
    }
}

impl ResetRequests {
    /// Begins to look at a request; `None` if there are too many.
    pub(super) fn begin(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// Takes one of the requests of an address at a tenant, or returns how long to wait.
    pub(super) fn admit(
        &self,
        tenant: &TenantId,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.rate.admit((tenant, RateLimitClass::New), address, REQUESTS_PER_MINUTE, now)
    }
}
