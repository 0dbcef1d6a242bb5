//! An HTTP client whose concurrent calls are shared fairly between tenants and client addresses.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use url::Url;

use super::{
    CallResponse, ClientCall, Fetch, FetchError, FetchOwner, FetchedDocument, SharedFetch,
    concurrency::{ConcurrencyLimiter, FetchPermit},
};

/// Limit of the time that a call waits for others.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client for all tenants.
#[derive(Debug)]
pub struct FairFetch {
    inner: SharedFetch,
    limiter: Arc<ConcurrencyLimiter>,
}

/// The HTTP client of one owner.
#[derive(Debug)]
struct OwnersFetch {
    inner: SharedFetch,
    limiter: Arc<ConcurrencyLimiter>,
    owner: FetchOwner,
}

impl FairFetch {
    /// Shares the calls of a client.
    pub fn new(inner: SharedFetch) -> Self {
        Self { inner, limiter: Arc::default() }
    }

    /// The client for a tenant (`namespace/name`), and for the client address whose request causes
    /// the call.
    pub fn for_owner(&self, tenant: &str, address: Option<IpAddr>) -> SharedFetch {
        Arc::new(OwnersFetch {
            inner: Arc::clone(&self.inner),
            limiter: Arc::clone(&self.limiter),
            owner: FetchOwner { tenant: tenant.into(), address },
        })
    }
}

impl OwnersFetch {
    async fn permit(&self, url: &str) -> Result<FetchPermit, FetchError> {
        // The client itself refuses what is not a URL.
        let url = Url::parse(url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let permit = tokio::time::timeout(WAIT_TIMEOUT, self.limiter.acquire(&self.owner, host));
        permit.await.ok().flatten().ok_or(FetchError::Busy)
    }
}

#[async_trait]
impl Fetch for OwnersFetch {
    async fn get(&self, url: &str, limit: usize) -> Result<FetchedDocument, FetchError> {
        let _permit = self.permit(url).await?;
        self.inner.get(url, limit).await
    }

    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError> {
        let _permit = self.permit(url).await?;
        self.inner.post_form(url, form).await
    }

    async fn call(&self, call: ClientCall<'_>, limit: usize) -> Result<CallResponse, FetchError> {
        let _permit = self.permit(call.url).await?;
        self.inner.call(call, limit).await
    }

    fn trusting(&self, certificates: &Arc<str>) -> Option<SharedFetch> {
        let (limiter, owner) = (Arc::clone(&self.limiter), self.owner.clone());
        Some(Arc::new(Self { inner: self.inner.trusting(certificates)?, limiter, owner }))
    }
}
