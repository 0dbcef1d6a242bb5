//! The peers of a listener, and the client certificates that are used for their connections.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::{CertificateHeader, ConnectionCertificates, ProxyTrust};
use crate::model::ClientCertificate;

/// The peers of a listener, and the certificates that they show.
#[derive(Clone, Debug, Default)]
pub enum ListenerRole {
    /// Browsers, applications, and proxies. None of them is asked for a certificate.
    #[default]
    Public,
    /// Applications, which may send a certificate. Any certificate is accepted: its client is not known yet.
    MutualTls,
    /// Proxies that must send a certificate, and that pass on the certificates of applications in a header.
    CertificateProxy(Arc<ProxyTrust>, CertificateHeader),
}

/// The client certificates that are used for a connection of this listener. `None`: a proxy has no certificate, or the chain is
/// too long. The handshake refuses both.
pub(super) fn connection_certificates(
    role: &ListenerRole,
    sent: Option<&[CertificateDer<'_>]>,
) -> Option<ConnectionCertificates> {
    let sent = sent.filter(|chain| !chain.is_empty());
    match (role, sent) {
        (ListenerRole::Public, _) => Some(ConnectionCertificates::None),
        (ListenerRole::MutualTls, None) => Some(ConnectionCertificates::OfClient(None)),
        (ListenerRole::MutualTls, Some(chain)) => {
            let certificate = ClientCertificate::new(chain.iter().map(|der| der.to_vec()))?;
            Some(ConnectionCertificates::OfClient(Some(certificate)))
        }
        (ListenerRole::CertificateProxy(_, header), Some(_)) => {
            Some(ConnectionCertificates::OfProxy(header.clone()))
        }
        (ListenerRole::CertificateProxy(..), None) => None,
    }
}
