//! Connections to mail servers: only to addresses that may be called.

use std::{net::IpAddr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::MailError;
use crate::{
    fetch::EgressPolicy,
    model::{ErrorCause, MailServer, SmtpTls},
};

/// Limit of the lookup of a host, and of a TCP connection to one of its addresses.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum addresses of a host that are tried.
const MAX_ADDRESSES: usize = 3;

/// Addresses that may be called, and the certificates that verify servers without their own.
pub(super) struct MailNetwork {
    public: EgressPolicy,
    /// For hosts that the installation lists.
    internal: EgressPolicy,
    roots: Arc<RootCertStore>,
}

impl MailNetwork {
    pub(super) fn new(public: EgressPolicy, roots: RootCertStore) -> Self {
        let internal = public.clone().with_private_networks();
        Self { public, internal, roots: Arc::new(roots) }
    }

    /// Opens a TCP connection to a mail server, to one of its addresses that may be called.
    pub(super) async fn connect(&self, server: &MailServer) -> Result<TcpStream, MailError> {
        let late = |_| MailError::Late(CONNECT_TIMEOUT.as_secs());
        let lookup = tokio::net::lookup_host((&*server.host, server.port));
        let addresses = timeout(CONNECT_TIMEOUT, lookup).await.map_err(late)?;
        let mut last = MailError::ForbiddenAddress;
        let mut addresses = addresses.map_err(|_| MailError::UnknownHost)?;
        for _ in 0..MAX_ADDRESSES {
            let Some(address) = addresses.find(|it| match self.check(server, it.ip()) {
                Ok(()) => true,
                Err(error) => {
                    last = error;
                    false
                }
            }) else {
                break;
            };
            last = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => MailError::Unreachable(ErrorCause::new(error)),
                Err(elapsed) => late(elapsed),
            };
        }
        Err(last)
    }

    /// Checks an address of a server against the policy. Without TLS the installation must list it.
    fn check(&self, server: &MailServer, address: IpAddr) -> Result<(), MailError> {
        let policy = if server.inside_network { &self.internal } else { &self.public };
        if !policy.allows_with_tls(address) {
            return Err(MailError::ForbiddenAddress);
        }
        let is_encrypted = server.tls != SmtpTls::Disabled;
        if is_encrypted || self.public.allows_plaintext(address) {
            return Ok(());
        }
        Err(MailError::Unencrypted)
    }

    /// Goes on with TLS. The certificate names the host.
    pub(super) async fn start_tls(
        &self,
        server: &MailServer,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, MailError> {
        let name = ServerName::try_from(server.host.to_string());
        let name = name.map_err(|error| MailError::Tls(ErrorCause::new(error)))?;
        let connected = self.connector(server)?.connect(name, stream).await;
        connected.map_err(|error| MailError::Tls(ErrorCause::new(error)))
    }

    fn connector(&self, server: &MailServer) -> Result<TlsConnector, MailError> {
        let wrong = |problem: &str| MailError::Tls(ErrorCause::new(problem));
        let roots = match &server.certificates {
            None => Arc::clone(&self.roots),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    let certificate =
                        certificate.map_err(|_| wrong("the certificates are not PEM"))?;
                    let added = roots.add(certificate);
                    added.map_err(|_| wrong("a certificate is not an X.509 certificate"))?;
                }
                Arc::new(roots)
            }
        };
        if roots.is_empty() {
            return Err(wrong("there is no certificate to verify it with"));
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
