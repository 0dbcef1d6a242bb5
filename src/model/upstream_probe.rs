//! Probes of identity providers: what is asked, and what the answer means. The controller asks, and
//! `upstream` does it over the network.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use url::Url;

use super::{LdapSettings, sha256};

/// A question to the server of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeQuestion {
    /// The discovery document of an issuer.
    Discovery(Arc<str>),
    /// An answer of GitHub's API; the host of its pages.
    GitHubApi(Arc<str>),
    /// A connection with TLS to a directory, and the bind of its search account.
    Directory(Arc<LdapSettings>),
}

/// The server of an identity provider, and the question that it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeTarget {
    /// The question, which names the server.
    pub question: ProbeQuestion,
    /// The PEM certificates of its own that verify the server.
    pub certificates: Option<Arc<str>>,
    /// Whether the installation allows the host inside the network.
    pub inside_network: bool,
}

impl ProbeTarget {
    /// The host, for the log.
    pub fn host(&self) -> String {
        let host = match &self.question {
            ProbeQuestion::Discovery(issuer) => match Url::parse(issuer) {
                Ok(url) => url.origin().ascii_serialization(),
                Err(_) => issuer.to_string(),
            },
            ProbeQuestion::GitHubApi(host) => format!("https://{host}"),
            ProbeQuestion::Directory(settings) => settings.server.address.to_string(),
        };
        if self.inside_network { format!("{host} inside") } else { host }
    }

    /// A text that identifies the server. It contains a hash of the trusted certificates, so a wrong `caRef` of one
    /// provider does not change the result of others at the same host.
    pub fn server(&self) -> String {
        let host = self.host();
        match &self.certificates {
            Some(pem) => format!("{host} verified by {:02x?}", sha256(pem.as_bytes())),
            None => host,
        }
    }

    /// A text that identifies the question at the server. A changed password makes it another question.
    pub fn key(&self) -> String {
        match &self.question {
            ProbeQuestion::Discovery(issuer) => issuer.to_string(),
            ProbeQuestion::GitHubApi(host) => format!("api of {host}"),
            ProbeQuestion::Directory(settings) => {
                let account = &settings.account;
                let digest = sha256(account.password.expose().as_bytes());
                format!("{} {digest:02x?}", account.name)
            }
        }
    }
}

/// The reason why a provider cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProbeFailure {
    /// The provider's address may not be called.
    HostNotAllowed,
    /// The provider's address is public, and its URL has http.
    Unencrypted,
    /// The provider's server does not answer, or answers with an error.
    Unreachable,
    /// The certificate of its server is not trusted, is expired, or is of another host.
    CertificateInvalid,
    /// The provider's discovery document cannot be used, or is about another issuer.
    BadMetadata,
    /// The provider's API does not answer as GitHub's does.
    NotGitHub,
    /// A directory refuses the search account.
    AccountRefused,
}

impl ProbeFailure {
    /// Returns true if it concerns the server, whatever it is asked.
    pub const fn is_of_host(self) -> bool {
        match self {
            Self::HostNotAllowed | Self::Unreachable | Self::CertificateInvalid => true,
            // The host may be called with https for another provider.
            Self::Unencrypted | Self::BadMetadata | Self::NotGitHub | Self::AccountRefused => false,
        }
    }
}

/// A probe that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct ProbeError {
    /// The reason, which decides the condition of the provider.
    pub failure: ProbeFailure,
    /// The cause, for the log.
    pub cause: String,
}

/// A prober of identity providers.
#[async_trait]
pub trait UpstreamProbe: Send + Sync + fmt::Debug {
    /// Asks a provider. Ends within half a minute.
    async fn probe(&self, target: &ProbeTarget) -> Result<(), ProbeError>;
}

/// A probe that is shared between tasks.
pub type SharedUpstreamProbe = Arc<dyn UpstreamProbe>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_of_one_server_share_its_host_and_differ_in_the_question() {
        let target = |issuer: &str, inside_network| ProbeTarget {
            question: ProbeQuestion::Discovery(issuer.into()),
            certificates: None,
            inside_network,
        };
        let (one, other) =
            (target("https://sso.test/realms/a", false), target("https://SSO.test:443/b", false));
        assert_eq!(one.server(), other.server());
        assert_ne!(one.key(), other.key());
        assert_ne!(one.server(), target("https://sso.test/realms/a", true).server());
        assert_ne!(one.server(), target("https://sso.test:8443/realms/a", false).server());
        let verified = |pem: &str| ProbeTarget { certificates: Some(pem.into()), ..one.clone() };
        assert_ne!(verified("a").server(), one.server());
        assert_ne!(verified("a").server(), verified("b").server());
        let github =
            ProbeTarget { question: ProbeQuestion::GitHubApi("sso.test".into()), ..one.clone() };
        assert_eq!(github.server(), one.server());
        assert_ne!(github.key(), one.key());
    }
}
