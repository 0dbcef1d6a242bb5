//! The requests for a new password that are being handled. Responses do not wait for that.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    identity::{RateLimitClass, RateLimiter},
    model::{TenantId, Timestamp},
};

/// Maximum number of requests that this replica processes at the same time. Further requests are dropped.
const MAX_REQUESTS: usize = 32;
/// Maximum number of requests of an address in a minute. A tenant may have ten times as many.
const REQUESTS_PER_MINUTE: u32 = 10;

/// The requests: a permit for each that is looked at, and the rate of each address.
#[derive(Debug)]
pub(in crate::accounts) struct ResetRequests {
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
    pub(in crate::accounts) fn begin(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// Takes one of the requests of an address at a tenant, or returns how long to wait.
    pub(in crate::accounts) fn admit(
        &self,
        tenant: &TenantId,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.rate.admit((tenant, RateLimitClass::New), address, REQUESTS_PER_MINUTE, now)
    }
}
