//! The subject that the certificate of a client must have (RFC 8705 §2.1.2).

use std::{net::IpAddr, sync::Arc};

use super::DistinguishedName;

/// The one property by which the certificate of a client is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSubject {
    /// `tls_client_auth_subject_dn`: the subject's name.
    Name(DistinguishedName),
    /// `tls_client_auth_san_dns`: a DNS name among the alternative names.
    Dns(String),
    /// `tls_client_auth_san_uri`: a URI among them.
    Uri(String),
    /// `tls_client_auth_san_ip`: an address among them.
    Ip(IpAddr),
    /// `tls_client_auth_san_email`: an e-mail address among them.
    Email(String),
}

/// The certificate of a client that authenticates with `tls_client_auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    /// The property that a certificate must have (RFC 8705 §2.1.2).
    pub subject: CertificateSubject,
    /// The authorities that issue it, as PEM.
    pub authorities: Arc<str>,
}
