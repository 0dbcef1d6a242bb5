//! The policy of a tenant for clients without registration: their client ID is the URL of a document with
//! their metadata (draft-ietf-oauth-client-id-metadata-document).

use std::{collections::BTreeSet, sync::Arc};

use super::{HostPattern, RedirectScheme, RedirectUri, wire_enum};

/// The clients with a metadata document that a tenant accepts, and what they may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientDocumentPolicy {
    /// The hosts whose documents are accepted.
    pub mode: ClientDocumentMode,
    /// The accepted hosts, if `mode` is `AllowedHosts`.
    pub hosts: Box<[HostPattern]>,
    /// The hosts that `ClientDocumentMode::AnyHost` does not accept.
    pub denied_hosts: Box<[HostPattern]>,
    /// The scopes of the clients themselves.
    pub scopes: Arc<BTreeSet<String>>,
    /// The names of the resource servers that they may request tokens for.
    pub resources: BTreeSet<String>,
    /// The hosts of redirect URIs; `None`: that of the document, and loopback hosts.
    pub redirect_hosts: Option<Box<[HostPattern]>>,
}

wire_enum!(
    /// The hosts whose client metadata documents a tenant accepts.
    #[derive(Default)]
    ClientDocumentMode {
        /// No document is accepted.
        #[default]
        Disabled = "Disabled",
        /// Those that the tenant lists.
        AllowedHosts = "AllowedHosts",
        /// Documents of all hosts are accepted, except of the denied ones.
        AnyHost = "AnyHost",
    }
);

impl ClientDocumentPolicy {
    /// Returns true if documents are accepted from some host.
    pub fn is_enabled(&self) -> bool {
        self.mode != ClientDocumentMode::Disabled
    }

    /// Returns true if documents of a host, without its port, are accepted.
    pub fn admits_host(&self, host: &str) -> bool {
        match self.mode {
            ClientDocumentMode::Disabled => false,
            ClientDocumentMode::AllowedHosts => self.hosts.iter().any(|it| it.matches(host)),
            ClientDocumentMode::AnyHost => !self.denied_hosts.iter().any(|it| it.matches(host)),
        }
    }

    /// Returns true if a client whose document is at a host may have a redirect URI. Any program may have
    /// taken the scheme of another application, so such URIs are not accepted.
    pub fn admits_redirect(&self, document_host: &str, uri: &RedirectUri) -> bool {
        let Some(host) = uri.host() else { return false };
        let is_loopback = match uri.scheme() {
            RedirectScheme::Https => false,
            RedirectScheme::LoopbackHttp => true,
            RedirectScheme::InsecureHttp | RedirectScheme::Application => return false,
        };
        match &self.redirect_hosts {
            Some(hosts) => hosts.iter().any(|pattern| pattern.matches(&host)),
            None => is_loopback || host == document_host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ApplicationType;

    fn hosts(hosts: &[&str]) -> Box<[HostPattern]> {
        hosts.iter().filter_map(|host| HostPattern::parse(host)).collect()
    }

    fn policy(mode: ClientDocumentMode) -> ClientDocumentPolicy {
        let hosts = hosts(&["app.test", "*.apps.test"]);
        ClientDocumentPolicy { mode, hosts, ..ClientDocumentPolicy::default() }
    }

    #[test]
    fn the_mode_says_whose_documents_are_accepted() {
        for (mode, listed, other) in [
            (ClientDocumentMode::Disabled, false, false),
            (ClientDocumentMode::AllowedHosts, true, false),
            (ClientDocumentMode::AnyHost, true, true),
        ] {
            let policy = policy(mode);
            assert_eq!(policy.admits_host("app.test"), listed, "{mode}");
            assert_eq!(policy.admits_host("a.apps.test"), listed, "{mode}");
            assert_eq!(policy.admits_host("apps.test"), other, "{mode}");
            assert_eq!(policy.admits_host("evil.test"), other, "{mode}");
        }
    }

    #[test]
    fn responses_go_to_the_own_host_and_to_this_device_unless_the_tenant_lists_hosts() {
        let default = policy(ClientDocumentMode::AnyHost);
        let listed =
            ClientDocumentPolicy { redirect_hosts: Some(hosts(&["*.rp.test"])), ..default.clone() };
        for (uri, by_default, by_list) in [
            ("https://app.test/cb", true, false),
            ("https://app.test:8443/cb", true, false),
            ("http://localhost/cb", true, false),
            ("http://127.0.0.1:3000/cb", true, false),
            ("https://a.rp.test/cb", false, true),
            ("https://evil.test/cb", false, false),
            ("http://app.test/cb", false, false),
            ("com.example.app:/cb", false, false),
        ] {
            let parsed = RedirectUri::parse(uri, ApplicationType::Native).expect("valid");
            assert_eq!(default.admits_redirect("app.test", &parsed), by_default, "{uri}");
            assert_eq!(listed.admits_redirect("app.test", &parsed), by_list, "{uri}");
        }
    }
}
