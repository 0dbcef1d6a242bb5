//! An HTTP client that reports each call to a callback, for metrics.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{
    CallResponse, ClientCall, Fetch, FetchError, FetchRights, FetchedDocument, SharedFetch,
};

/// The callback. Its arguments are the method, and the error of a call that failed.
type OnCall = Arc<dyn Fn(&'static str, Option<&FetchError>) + Send + Sync>;

/// An HTTP client that reports its calls to a callback.
pub struct InstrumentedFetch {
    inner: SharedFetch,
    on_call: OnCall,
}

impl InstrumentedFetch {
    /// Wraps a client. `on_call` is called after each call with `get` or `post`, and the error of a call
    /// that failed.
    pub fn new(
        inner: SharedFetch,
        on_call: impl Fn(&'static str, Option<&FetchError>) + Send + Sync + 'static,
    ) -> Self {
        Self { inner, on_call: Arc::new(on_call) }
    }

    fn report_outcome<T>(
        &self,
        method: &'static str,
        outcome: Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        (self.on_call)(method, outcome.as_ref().err());
        outcome
    }
}

impl fmt::Debug for InstrumentedFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Fetch for InstrumentedFetch {
    async fn get(&self, url: &str, limit: usize) -> Result<FetchedDocument, FetchError> {
        self.report_outcome("get", self.inner.get(url, limit).await)
    }

    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError> {
        self.report_outcome("post", self.inner.post_form(url, form).await)
    }

    async fn call(&self, call: ClientCall<'_>, limit: usize) -> Result<CallResponse, FetchError> {
        let method = if call.body.is_some() { "post" } else { "get" };
        self.report_outcome(method, self.inner.call(call, limit).await)
    }

    fn rights(&self, url: &str) -> FetchRights {
        self.inner.rights(url)
    }

    fn trusting(&self, certificates: &Arc<str>) -> Option<SharedFetch> {
        let on_call = Arc::clone(&self.on_call);
        Some(Arc::new(Self { inner: self.inner.trusting(certificates)?, on_call }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug)]
    struct Forbidding;

    #[async_trait]
    impl Fetch for Forbidding {
        async fn get(&self, url: &str, _: usize) -> Result<FetchedDocument, FetchError> {
            Err(FetchError::Forbidden(url.to_owned()))
        }

        async fn post_form(&self, _: &str, _: String) -> Result<u16, FetchError> {
            Ok(500)
        }

        async fn call(&self, call: ClientCall<'_>, _: usize) -> Result<CallResponse, FetchError> {
            Err(FetchError::Forbidden(call.url.to_owned()))
        }
    }

    #[tokio::test]
    async fn reports_each_call_with_its_outcome() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reported);
        let fetch = InstrumentedFetch::new(Arc::new(Forbidding), move |method, error| {
            seen.lock().expect("whole").push((method, error.cloned()));
        });
        let error = FetchError::Forbidden("https://10.0.0.1/".to_owned());
        assert_eq!(fetch.get("https://10.0.0.1/", 1).await, Err(error.clone()));
        assert_eq!(fetch.post_form("https://rp.test/", String::new()).await, Ok(500));
        assert_eq!(*reported.lock().expect("whole"), [("get", Some(error)), ("post", None)]);
    }
}
