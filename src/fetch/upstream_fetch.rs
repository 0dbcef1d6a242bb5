//! The HTTP client for identity providers: hosts that the installation lists may have addresses
//! inside the network, and issuers of this installation are not called over the network at all.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{
    CallResponse, ClientCall, Fetch, FetchError, FetchRights, FetchedDocument, SharedFetch,
};
use crate::model::HostPattern;

/// Passes each call to one of three clients: for issuers of this installation, for listed hosts, and for all others.
#[derive(Debug)]
pub struct UpstreamFetch {
    /// The client for public addresses.
    pub public: SharedFetch,
    /// The client for addresses inside the network.
    pub internal: SharedFetch,
    /// The hosts that `internal` calls.
    pub hosts: Arc<[HostPattern]>,
    /// The client for issuers of this installation.
    pub local: SharedFetch,
    /// The issuers that `local` answers for.
    pub issuers: Vec<String>,
}

impl UpstreamFetch {
    fn client(&self, url: &str) -> &SharedFetch {
        let is_below = |issuer: &String| {
            url.strip_prefix(issuer.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        if self.issuers.iter().any(is_below) {
            return &self.local;
        }
        let url = Url::parse(url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let is_listed = self.hosts.iter().any(|pattern| pattern.matches(host));
        if is_listed { &self.internal } else { &self.public }
    }
}

#[async_trait]
impl Fetch for UpstreamFetch {
    async fn get(&self, url: &str, limit: usize) -> Result<FetchedDocument, FetchError> {
        self.client(url).get(url, limit).await
    }

    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError> {
        self.client(url).post_form(url, form).await
    }

    async fn call(&self, call: ClientCall<'_>, limit: usize) -> Result<CallResponse, FetchError> {
        self.client(call.url).call(call, limit).await
    }

    fn rights(&self, url: &str) -> FetchRights {
        self.client(url).rights(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FetchReach;

    /// A client whose name is the host that it could not find.
    #[derive(Debug)]
    struct Named(&'static str);

    #[async_trait]
    impl Fetch for Named {
        async fn get(&self, _: &str, _: usize) -> Result<FetchedDocument, FetchError> {
            Err(FetchError::Unknown(self.0.to_owned()))
        }

        async fn post_form(&self, _: &str, _: String) -> Result<u16, FetchError> {
            Err(FetchError::Unknown(self.0.to_owned()))
        }

        async fn call(&self, _: ClientCall<'_>, _: usize) -> Result<CallResponse, FetchError> {
            Err(FetchError::Unknown(self.0.to_owned()))
        }

        fn rights(&self, _: &str) -> FetchRights {
            let reach = match self.0 {
                "internal" => FetchReach::Internal,
                "local" => FetchReach::Local,
                _ => FetchReach::Public,
            };
            FetchRights { reach, certificates: None }
        }
    }

    #[tokio::test]
    async fn only_listed_hosts_are_called_inside_the_network() {
        let fetch = UpstreamFetch {
            public: Arc::new(Named("public")),
            internal: Arc::new(Named("internal")),
            hosts: [HostPattern::parse("*.corp.internal").expect("a pattern")].into(),
            local: Arc::new(Named("local")),
            issuers: vec!["https://id.corp.internal/hub".to_owned()],
        };
        for (url, client) in [
            ("https://login.corp.internal/a", "internal"),
            ("http://LOGIN.corp.internal:8080/a", "internal"),
            ("https://corp.internal/a", "public"),
            ("https://login.corp.internal.evil.test/a", "public"),
            ("https://evil.test/?login.corp.internal", "public"),
            ("https://login.corp.internal@evil.test/", "public"),
            ("not a URL", "public"),
            ("https://id.corp.internal/hub/oauth/token", "local"),
            ("https://id.corp.internal/hub2/oauth/token", "internal"),
            ("http://id.corp.internal/hub/oauth/token", "internal"),
        ] {
            let called = fetch.get(url, 1).await;
            assert_eq!(called, Err(FetchError::Unknown(client.to_owned())), "{url}");
            assert_eq!(fetch.rights(url), Named(client).rights(url), "{url}");
        }
    }
}
