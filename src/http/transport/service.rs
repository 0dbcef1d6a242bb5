//! The interface between connections and the code that answers their requests.

use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;

use super::{CertificateHeader, CertificateHeaderError, RequestBody};
use crate::{
    keys::{CertificateError, ParsedCertificate},
    model::ClientCertificate,
};

/// The connection that a request arrived on.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    /// Address of the other end: the client, or a proxy in front of it.
    pub peer: IpAddr,
    /// The certificates of clients that the connection provides.
    pub certificates: ConnectionCertificates,
}

impl From<IpAddr> for ConnectionInfo {
    fn from(peer: IpAddr) -> Self {
        Self { peer, certificates: ConnectionCertificates::None }
    }
}

/// The client certificates that are used for a connection.
#[derive(Clone, Debug)]
pub enum ConnectionCertificates {
    /// No certificate: the listener asks for none, and headers about certificates are ignored.
    None,
    /// The certificate of the client, if it sent one in the TLS handshake.
    OfClient(Option<ClientCertificate>),
    /// The certificate in a header of each request, which an authenticated proxy sets.
    OfProxy(CertificateHeader),
}

impl ConnectionCertificates {
    /// Returns true if the listener is one at which clients present certificates.
    pub const fn is_mutual_tls(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns true if the peer is the client itself. It proves its key, so headers about another client are
    /// ignored even if a proxy passes TLS through.
    pub const fn is_of_client(&self) -> bool {
        matches!(self, Self::OfClient(_))
    }

    /// The certificate of the client of a request.
    pub fn of_request(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<ClientCertificate>, CertificateHeaderError> {
        match self {
            Self::None => Ok(None),
            Self::OfClient(certificate) => Ok(certificate.clone()),
            Self::OfProxy(header) => {
                let certificate = header.read(headers)?;
                if certificate.as_ref().is_some_and(has_weak_key) {
                    return Err(CertificateHeaderError::WeakKey);
                }
                Ok(certificate)
            }
        }
    }
}

/// Returns true if a certificate has a weak key: no client authenticates with it, and no token is bound to it. A text
/// that is not a certificate authenticates no client either.
fn has_weak_key(certificate: &ClientCertificate) -> bool {
    let checked = ParsedCertificate::read(certificate.der()).and_then(|it| it.check_key());
    checked == Err(CertificateError::WeakKey)
}

/// A service that answers the requests of connections.
#[async_trait]
pub trait RequestService: Send + Sync {
    /// Answers one request. Errors are responses too.
    async fn call(
        &self,
        request: Request<RequestBody>,
        connection: ConnectionInfo,
    ) -> Response<Full<Bytes>>;
}
