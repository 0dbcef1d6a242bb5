//! Connections to servers: only to addresses that may be called, and always with TLS.

use std::{net::IpAddr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    ber::{SEQUENCE, length_bytes, long_length},
    fault::DirectoryFault,
    messages::{LdapAnswer, read_message, start_tls_request},
};
use crate::{
    fetch::EgressPolicy,
    model::{ErrorCause, LdapServer},
};

/// Longest time for resolving a host, and for opening a TCP connection to one address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time of the TLS handshake, with `StartTLS` before it.
const TLS_TIMEOUT: Duration = Duration::from_secs(4);
/// Maximum addresses of a host that are tried.
const MAX_ADDRESSES: usize = 3;
/// Largest message of a server, in bytes.
pub(super) const MAX_MESSAGE: usize = 1024 * 1024;

/// Addresses that may be called, and the certificates that verify servers without their own.
pub(super) struct LdapNetwork {
    policy: EgressPolicy,
    /// For hosts that the installation lists.
    internal_policy: EgressPolicy,
    roots: Arc<RootCertStore>,
}

impl LdapNetwork {
    pub(super) fn new(policy: EgressPolicy, roots: RootCertStore) -> Self {
        let internal_policy = policy.clone().with_private_networks();
        Self { policy, internal_policy, roots: Arc::new(roots) }
    }

    /// Connects with TLS to a server, whose certificate names its host.
    pub(super) async fn open_tls(
        &self,
        server: &LdapServer,
    ) -> Result<TlsStream<TcpStream>, DirectoryFault> {
        let host = &*server.address.host;
        let tls = self.connector(server)?;
        let broken = |error: ErrorCause| DirectoryFault::Tls(host.to_owned(), error);
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| broken(ErrorCause::new(error)))?;
        let mut stream = self.connect(server).await?;
        let step = "TLS";
        let handshake = async {
            if server.address.start_tls {
                start_tls(&mut stream, host).await?;
            }
            tls.connect(name, stream).await.map_err(|error| broken(ErrorCause::new(error)))
        };
        let late = |_| DirectoryFault::Late { host: host.to_owned(), step };
        timeout(TLS_TIMEOUT, handshake).await.map_err(late)?
    }

    fn connector(&self, server: &LdapServer) -> Result<TlsConnector, DirectoryFault> {
        let wrong =
            |problem| DirectoryFault::Certificates(server.address.host.to_string(), problem);
        let roots = match &server.certificates {
            None => Arc::clone(&self.roots),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    let certificate = certificate.map_err(|_| wrong("they are not PEM"))?;
                    roots.add(certificate).map_err(|_| wrong("one is not an X.509 certificate"))?;
                }
                Arc::new(roots)
            }
        };
        if roots.is_empty() {
            return Err(wrong("there is no certificate"));
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    async fn connect(&self, server: &LdapServer) -> Result<TcpStream, DirectoryFault> {
        let (host, port) = (&*server.address.host, server.address.port);
        let unknown = || DirectoryFault::UnknownHost(host.to_owned());
        let late = || DirectoryFault::Late { host: host.to_owned(), step: "connection" };
        let lookup = timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((host, port))).await;
        let addresses = lookup.map_err(|_| late())?.map_err(|_| unknown())?;
        let mut last = DirectoryFault::ForbiddenAddress(host.to_owned());
        let policy = if server.inside_network { &self.internal_policy } else { &self.policy };
        let may = |address: IpAddr| policy.allows_with_tls(address);
        for address in addresses.filter(|it| may(it.ip())).take(MAX_ADDRESSES) {
            last = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => {
                    DirectoryFault::Unreachable(host.to_owned(), ErrorCause::new(error))
                }
                Err(_) => late(),
            };
        }
        Err(last)
    }
}

/// Asks a server to go on with TLS. Exactly its answer is read, so nothing that precedes TLS can be
/// taken for a later answer.
async fn start_tls(stream: &mut TcpStream, host: &str) -> Result<(), DirectoryFault> {
    let step = "StartTLS";
    let host = || host.to_owned();
    let closed = |_| DirectoryFault::Closed { host: host(), step };
    stream.write_all(&start_tls_request(1)).await.map_err(closed)?;
    match read_answer(stream, &host(), step).await?.0 {
        (1, LdapAnswer::Extended(result)) if result.code == 0 => Ok(()),
        (1, LdapAnswer::Extended(result)) => {
            Err(DirectoryFault::Refuses { host: host(), step, result: result.to_string() })
        }
        _ => Err(DirectoryFault::Malformed { host: host(), step }),
    }
}

/// Reads one message within the limit: the request's number, the answer and its size.
pub(super) async fn read_answer(
    stream: &mut (impl AsyncRead + Unpin),
    host: &str,
    step: &'static str,
) -> Result<((u32, LdapAnswer), usize), DirectoryFault> {
    let malformed = || DirectoryFault::Malformed { host: host.to_owned(), step };
    let closed = |_| DirectoryFault::Closed { host: host.to_owned(), step };
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.map_err(closed)?;
    let length = match head {
        [SEQUENCE, short @ 0..=127] => usize::from(short),
        [SEQUENCE, first] => {
            let mut digits = [0; 4];
            let digits = &mut digits[..length_bytes(first).ok_or_else(malformed)?];
            stream.read_exact(digits).await.map_err(closed)?;
            long_length(digits)
        }
        _ => return Err(malformed()),
    };
    if length > MAX_MESSAGE {
        let limit = MAX_MESSAGE;
        return Err(DirectoryFault::TooLarge { host: host.to_owned(), step, limit });
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).await.map_err(closed)?;
    Ok((read_message(&content).map_err(|_| malformed())?, length))
}
