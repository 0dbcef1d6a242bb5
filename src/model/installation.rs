//! Settings of the installation, which apply to all tenants.

use std::sync::Arc;

use super::{InternalHost, Issuer, KeySecrets, MutualTlsUrl, SecretPermissions, TenantId};
use crate::messages::Languages;

/// The part of the configuration that validation depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The issuer of a tenant without `spec.issuer` is this URL + `/<namespace>/<name>`.
    pub base_url: Issuer,
    /// The hosts, which may change while the process runs.
    pub hosts: HostSettings,
    /// Names, labels and annotations of client Secrets that other controllers act on, and the
    /// namespaces allowed to use them.
    pub client_secrets: SecretPermissions,
    /// Whether any host is allowed and unknown fields are problems (`dev`, `check`).
    pub dev: bool,
    /// Whether the store keeps authenticators for ever. A store that loses records at a restart, or when the server
    /// needs memory, does not.
    pub keeps_authenticators: bool,
    /// The addresses at which clients present certificates; `None` if no listener asks for them.
    pub mutual_tls: Option<MutualTlsUrl>,
    /// The Secrets with the installation's keys.
    pub key_secrets: KeySecrets,
    /// The languages of pages, which may change while the process runs.
    pub languages: Arc<Languages>,
}

impl Installation {
    /// The addresses inside the cluster at which a tenant is found.
    pub fn internal_hosts_of(&self, tenant: &TenantId) -> Arc<[InternalHost]> {
        let hosts = &self.hosts.internal_hosts;
        let serves = |host: &&InternalHost| host.serves(&tenant.0.namespace);
        if hosts.iter().all(|host| serves(&host)) {
            return Arc::clone(hosts);
        }
        hosts.iter().filter(serves).cloned().collect()
    }

    /// The address at which clients of an issuer present certificates. The issuer must have no port, or be at the
    /// base URL. The address does not contain the port, so two issuers with different ports would share an address.
    pub fn mutual_tls_url_of(&self, issuer: &Issuer) -> Option<String> {
        let base = &self.base_url;
        let own = if issuer.host() == base.host() { base.authority() } else { issuer.host() };
        let url = self.mutual_tls.as_ref()?;
        (issuer.authority() == own).then(|| url.of_issuer(issuer))
    }

    /// Returns true if an issuer is at a host where clients of other issuers present certificates.
    pub fn is_mutual_tls_host(&self, issuer: &Issuer) -> bool {
        let url = self.mutual_tls.as_ref();
        issuer.authority() != self.base_url.authority()
            && url.is_some_and(|url| url.is_at(issuer.authority()))
    }

    /// Returns true if objects of the namespace may use the host in issuers. `dev` allows any.
    pub fn allows_issuer_host(&self, host: &str, namespace: &str) -> bool {
        self.dev || self.hosts.issuer_hosts.iter().any(|entry| entry.allows(host, namespace))
    }

    /// Returns true if objects of the namespace may use http on the host. `dev` allows any.
    pub fn allows_insecure_http(&self, host: &str, namespace: &str) -> bool {
        let hosts = &self.hosts.insecure_http_hosts;
        self.dev || hosts.iter().any(|entry| entry.allows(host, namespace))
    }

    /// The hosts inside the network where the identity providers of a tenant may be.
    pub fn upstream_hosts_of(&self, tenant: &TenantId) -> Arc<[HostPattern]> {
        let entries = self.hosts.upstream_hosts.iter();
        let allowed = entries.filter(|entry| entry.allows_namespace(&tenant.0.namespace));
        allowed.map(|entry| entry.pattern.clone()).collect()
    }

    /// Returns true if tenants of the namespace may call identity providers on the host although its
    /// addresses are not public. The host is written as in a URL, without the port. `dev` allows any.
    pub fn allows_upstream_host(&self, host: &str, namespace: &str) -> bool {
        self.dev || self.hosts.allows_upstream_host(host, namespace)
    }
}

/// The hosts of the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// Additional hosts, and the namespaces allowed to use them in issuers.
    pub issuer_hosts: Vec<HostPermission>,
    /// Addresses of the installation's Service inside the cluster, the preferred one first.
    pub internal_hosts: Arc<[InternalHost]>,
    /// Hosts where issuers and redirect URIs may use http, and the namespaces allowed to. Loopback
    /// hosts need no entry.
    pub insecure_http_hosts: Vec<HostPermission>,
    /// Hosts inside the network where identity providers may be, and the namespaces whose tenants may
    /// call them. Hosts with public addresses need no entry.
    pub upstream_hosts: Vec<HostPermission>,
}

impl HostSettings {
    /// Returns true if an entry of `upstreamHosts` allows tenants of the namespace to call the host.
    pub fn allows_upstream_host(&self, host: &str, namespace: &str) -> bool {
        self.upstream_hosts.iter().any(|entry| entry.allows(host, namespace))
    }
}

/// Hosts, and the namespaces that may use them: one entry of `issuerHosts`, `insecureHttpHosts`
/// or `upstreamHosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPermission {
    /// The pattern of the hosts, in lower case and without ports.
    pub pattern: HostPattern,
    /// The namespaces allowed to use them; `*` allows all.
    pub namespaces: Vec<String>,
}

impl HostPermission {
    /// Returns true if the entry allows the namespace to use the host.
    pub fn allows(&self, host: &str, namespace: &str) -> bool {
        self.pattern.matches(host) && self.allows_namespace(namespace)
    }

    /// Returns true if the entry is for the namespace.
    pub fn allows_namespace(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|allowed| allowed == "*" || allowed == namespace)
    }
}

/// A host name, or `*.suffix` for every name below a suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// Parses a pattern and converts it to lower case. Returns `None` if `*` is anything other than
    /// the whole first label.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let name = text.strip_prefix("*.").unwrap_or(&text);
        (!name.is_empty() && !name.contains(['*', '/', ' '])).then_some(Self(text))
    }

    /// Returns true if `host` (without port) matches. `*.` stands for one or more labels.
    pub fn matches(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => host == self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_names_hosts_and_namespaces() {
        let permission = |namespaces: &[&str]| HostPermission {
            pattern: HostPattern::parse("*.home.lan").expect("a pattern"),
            namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
        };
        let named = permission(&["team", "ops"]);
        assert!(named.allows("nas.home.lan", "ops"));
        assert!(!named.allows("nas.home.lan", "other"));
        assert!(!named.allows("home.lan", "ops"));
        assert!(!named.allows("home.lan.evil.test", "ops"));
        assert!(permission(&["*"]).allows("nas.home.lan", "other"));
    }

    #[test]
    fn a_tenant_calls_upstream_hosts_of_its_namespace_only() {
        let permission = HostPermission {
            pattern: HostPattern::parse("*.corp.internal").expect("a pattern"),
            namespaces: vec!["team".to_owned()],
        };
        // The other lists say nothing about upstream hosts.
        let others = HostSettings {
            issuer_hosts: vec![permission.clone()],
            insecure_http_hosts: vec![permission.clone()],
            ..HostSettings::default()
        };
        assert!(!others.allows_upstream_host("ldap.corp.internal", "team"));
        let hosts = HostSettings { upstream_hosts: vec![permission], ..HostSettings::default() };
        assert!(hosts.allows_upstream_host("ldap.corp.internal", "team"));
        for (host, namespace) in [
            ("ldap.corp.internal", "other"),
            ("corp.internal", "team"),
            ("ldap.corp.internal.evil.test", "team"),
            ("169.254.169.254", "team"),
        ] {
            assert!(!hosts.allows_upstream_host(host, namespace), "{host} {namespace}");
        }
    }
}
