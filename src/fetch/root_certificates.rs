//! Root certificates for outbound TLS: the system's, and those of a file.

use std::path::{Path, PathBuf};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The certificate file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("--fetch-ca {0}: {1}")]
    Unreadable(PathBuf, String),
    /// The file contains no certificate.
    #[error("--fetch-ca {0}: no certificate found; write PEM certificates")]
    Empty(PathBuf),
}

/// Loads the system's root certificates and those of a PEM file.
pub fn trusted_roots(extra: Option<&Path>) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    // On a system without root certificates, only servers verified by the file can be called.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = extra {
        let unreadable = |error: String| TrustError::Unreadable(path.to_owned(), error);
        let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let certificates = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable(error.to_string()))?;
        if certificates.is_empty() {
            return Err(TrustError::Empty(path.to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
        }
    }
    Ok(roots)
}
