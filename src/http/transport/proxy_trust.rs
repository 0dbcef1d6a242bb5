//! The proxies that may tell the certificates of clients: those with a certificate of their own authority.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use crate::{
    keys::ParsedCertificate,
    model::{CertificateSubject, sha256},
};

/// Interval at which the file of the authority is checked, as that of certificates.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The reason why no proxy can authenticate.
#[derive(Debug, thiserror::Error)]
pub enum ProxyTrustError {
    /// The file cannot be read as PEM certificates.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// No proxy is named.
    #[error("name at least one proxy by a DNS name or URI of its certificate")]
    NoNames,
}

/// The certificates of proxies: of an authority, and with one of these names.
#[derive(Debug)]
pub struct ProxyTrust {
    file: PathBuf,
    names: Vec<CertificateSubject>,
    current: ArcSwap<Arc<dyn ClientCertVerifier>>,
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
        let current = ArcSwap::from_pointee(verifier(file)?);
        Ok(Self { file: file.to_owned(), names, current })
    }

    /// Reloads the changed file forever. A file that cannot be used is logged, and the previous authorities stay in
    /// use.
    pub async fn watch(self: Arc<Self>) {
        let mut known = tokio::fs::read(&self.file).await.ok().map(sha256);
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let content = tokio::fs::read(&self.file).await.ok().map(sha256);
            if content == known {
                continue;
            }
            match verifier(&self.file) {
                Ok(verifier) => {
                    self.current.store(Arc::new(verifier));
                    tracing::info!(file = %self.file.display(), "authorities of proxies changed");
                }
                Err(error) => {
                    tracing::warn!(%error, "could not load the changed authorities of proxies")
                }
            }
            known = content;
        }
    }
}

fn verifier(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, ProxyTrustError> {
    let unusable = |error: String| ProxyTrustError::File(file.to_owned(), error);
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    builder.build().map_err(|error| unusable(error.to_string()))
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
        let verified = self.current.load().verify_client_cert(own, intermediates, now)?;
        let parsed = ParsedCertificate::read(own).map_err(|_| CertificateError::BadEncoding)?;
        if self.names.iter().any(|name| parsed.has_subject(name)) {
            return Ok(verified);
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current.load().verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current.load().verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().supported_verify_schemes()
    }
}
