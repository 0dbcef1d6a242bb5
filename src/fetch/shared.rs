//! An HTTP client whose concurrent calls are shared fairly between tenants and client addresses. Those of
//! sign-ins at identity providers have a share of their own, which documents of applications cannot use up.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use url::Url;

use super::{
    CallResponse, ClientCall, Fetch, FetchError, FetchOwner, FetchRights, FetchedDocument,
    SharedFetch,
    concurrency::{ConcurrencyLimiter, FetchPermit},
};

/// Longest time that a call waits for others.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client for all tenants.
#[derive(Debug)]
pub struct FairFetch {
    inner: SharedFetch,
    limiter: Arc<ConcurrencyLimiter>,
    /// The limiter of calls to identity providers, apart from all others.
    sign_ins: Arc<ConcurrencyLimiter>,
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
        Self { inner, limiter: Arc::default(), sign_ins: Arc::default() }
    }

    /// The client for a tenant (`namespace/name`), and for the client address whose request causes
    /// the call.
    pub fn for_owner(&self, tenant: &str, address: Option<IpAddr>) -> SharedFetch {
        self.limited(&self.limiter, tenant.into(), address)
    }

    /// The client for documents that clients of a namespace name: each namespace has a share of the tenant's.
    pub fn for_clients(&self, tenant: &str, namespace: &str) -> SharedFetch {
        self.limited(&self.limiter, format!("{tenant} {namespace}").into(), None)
    }

    /// The client for a sign-in at an identity provider.
    pub fn for_sign_in(&self, tenant: &str, address: Option<IpAddr>) -> SharedFetch {
        self.limited(&self.sign_ins, tenant.into(), address)
    }

    fn limited(
        &self,
        limiter: &Arc<ConcurrencyLimiter>,
        tenant: Arc<str>,
        address: Option<IpAddr>,
    ) -> SharedFetch {
        Arc::new(OwnersFetch {
            inner: Arc::clone(&self.inner),
            limiter: Arc::clone(limiter),
            owner: FetchOwner { tenant, address },
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

    fn rights(&self, url: &str) -> FetchRights {
        self.inner.rights(url)
    }

    fn trusting(&self, certificates: &Arc<str>) -> Option<SharedFetch> {
        let (limiter, owner) = (Arc::clone(&self.limiter), self.owner.clone());
        Some(Arc::new(Self { inner: self.inner.trusting(certificates)?, limiter, owner }))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    /// A server that never answers, except at `idp.test`.
    #[derive(Debug)]
    struct Hanging;

    #[async_trait]
    impl Fetch for Hanging {
        async fn get(&self, url: &str, _: usize) -> Result<FetchedDocument, FetchError> {
            if !url.starts_with("https://idp.test/") {
                std::future::pending::<()>().await;
            }
            Err(FetchError::Unknown(url.to_owned()))
        }

        async fn post_form(&self, url: &str, _: String) -> Result<u16, FetchError> {
            Err(FetchError::Unknown(url.to_owned()))
        }

        async fn call(&self, call: ClientCall<'_>, _: usize) -> Result<CallResponse, FetchError> {
            Err(FetchError::Unknown(call.url.to_owned()))
        }
    }

    #[tokio::test]
    async fn documents_of_clients_leave_sign_ins_and_other_namespaces_their_share() {
        let fetch = FairFetch::new(Arc::new(Hanging));
        // As many as may run and wait.
        let urls: Vec<_> = (0..90).map(|number| format!("https://{number}.test/jwks")).collect();
        let flooding = fetch.for_clients("team/main", "evil");
        let mut flood: Vec<_> = urls.iter().map(|url| flooding.get(url, 1)).collect();
        assert!(flood.iter_mut().all(|it| it.now_or_never().is_none()));
        let idp = "https://idp.test/jwks";
        for other in [
            fetch.for_sign_in("team/main", None),
            fetch.for_clients("team/main", "good"),
            fetch.for_owner("other/main", None),
        ] {
            assert!(other.get(idp, 1).now_or_never().is_some());
        }
    }
}
