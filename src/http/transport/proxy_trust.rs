//! The proxies that may pass on the certificates of clients: those with a certificate of a configured authority and
//! name.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    CertificateError, DistinguishedName, Error,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs},
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::{
    client_certificates::check_chain, handshake_signatures::check_handshake_signatures,
    watched_files::WatchedFiles,
};
use crate::{
    keys::{ClientAuthorities, ParsedCertificate},
    model::CertificateSubject,
};

/// The reason why no proxy can authenticate.
#[derive(Debug, thiserror::Error)]
pub enum ProxyTrustError {
    /// The file cannot be read as PEM certificates.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// No name of a proxy is given. Every certificate of the authorities would pass without names.
    #[error("name at least one proxy by a DNS name or URI of its certificate")]
    NoNames,
}

/// The certificates of proxies: of an authority, and with one of these names.
#[derive(Debug)]
pub struct ProxyTrust {
    file: PathBuf,
    watched: WatchedFiles<1>,
    names: Vec<CertificateSubject>,
    current: ArcSwap<ClientAuthorities>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ProxyTrust {
    /// Trusts the proxies with certificates of the authorities in a PEM file that have one of these DNS names or URIs.
    pub fn load(file: &Path, names: &[String]) -> Result<Self, ProxyTrustError> {
        let subject = |name: &String| {
            if name.contains("://") {
                CertificateSubject::Uri(name.clone())
            } else {
                CertificateSubject::Dns(name.clone())
            }
        };
        let names: Vec<_> = names.iter().map(subject).collect();
        if names.is_empty() {
            return Err(ProxyTrustError::NoNames);
        }
        let watched = WatchedFiles::new([file]);
        let current = ArcSwap::from_pointee(read(file)?);
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        Ok(Self { file: file.to_owned(), watched, names, current, algorithms })
    }

    /// Reloads the changed file forever. A file that cannot be used is logged, and the previous authorities stay in
    /// use.
    pub async fn watch(self: Arc<Self>) {
        let mut watched = self.watched.clone();
        loop {
            watched.changed().await;
            match read(&self.file) {
                Ok(authorities) => {
                    self.current.store(Arc::new(authorities));
                    tracing::info!(file = %self.file.display(), "authorities of proxies changed");
                }
                Err(error) => {
                    tracing::warn!(%error, "could not load the changed authorities of proxies");
                }
            }
        }
    }
}

fn read(file: &Path) -> Result<ClientAuthorities, ProxyTrustError> {
    let unusable = |error: String| ProxyTrustError::File(file.to_owned(), error);
    let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    ClientAuthorities::parse(&pem).map_err(|error| unusable(error.to_string()))
}

impl ClientCertVerifier for ProxyTrust {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        check_chain(own, intermediates)?;
        let verified = self.current.load().verify(own, intermediates, now)?;
        let parsed = ParsedCertificate::read(own).map_err(|_| CertificateError::BadEncoding)?;
        if self.names.iter().any(|name| parsed.has_subject(name)) {
            return Ok(verified);
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    check_handshake_signatures!(algorithms);
}
