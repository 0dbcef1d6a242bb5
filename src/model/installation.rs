//! What the installation, not a tenant, decides.

use super::{Issuer, ObjectKey};

/// The part of the configuration that validation depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Tenants without an `issuer` live at this URL + `/<namespace>/<name>`.
    pub base_url: Issuer,
    /// Hosts other than the base URL's, and who may claim issuers there.
    pub issuer_hosts: Vec<IssuerHost>,
    /// Whether any host may be claimed and unknown fields are problems (`dev`, `check`).
    pub dev: bool,
    /// The Secret that holds the installation's sealing keys.
    pub sealing_secret: ObjectKey,
}

/// One entry of `issuerHosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerHost {
    /// Which hosts.
    pub pattern: HostPattern,
    /// Which namespaces may use them; `*` is all.
    pub namespaces: Vec<String>,
}

/// A host name, or `*.suffix` for every name below a suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// A pattern, lower-cased; `None` if it has a `*` other than as the whole first label.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let name = text.strip_prefix("*.").unwrap_or(&text);
        (!name.is_empty() && !name.contains(['*', '/', ' '])).then_some(Self(text))
    }

    /// Whether `host` (no port) is one of those meant; `*.` stands for one or more labels.
    pub fn matches(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => host == self.0,
        }
    }
}
