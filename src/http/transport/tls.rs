//! TLS with certificate files that are reloaded when they change.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    CipherSuite, ServerConfig, SupportedCipherSuite,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, danger::ClientCertVerifier},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

use super::{
    ListenerRole, certificate_validity, client_certificates::AnyClientCertificate,
    watched_files::WatchedFiles,
};
use crate::{model::Timestamp, telemetry::Metrics};

/// The cipher suites of TLS 1.2: those that RFC 9325 §4.2 recommends, as FAPI 2.0 requires (Security Profile §5.2.1).
const TLS12_CIPHER_SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];

/// The reason why a certificate cannot be used, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// The certificate and key do not match, or their kind is not supported.
    #[error("certificate {0} and key {1} cannot be used together: {2}")]
    Pair(PathBuf, PathBuf, String),
}

/// The current certificate and its files.
#[derive(Debug)]
pub struct TlsConfig {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    files: WatchedFiles<2>,
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl TlsConfig {
    /// Loads a certificate chain and its private key (PEM).
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = WatchedFiles::new([certificate, key]);
        let current = Arc::new(Current(ArcSwap::from_pointee(read(certificate, key)?)));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current, files })
    }

    /// The certificate's file, and the period in which the current certificate is valid.
    pub fn validity(&self) -> Option<(String, RangeInclusive<Timestamp>)> {
        let certified = self.current.0.load();
        let validity = certificate_validity::certificate_validity(certified.cert.first()?)?;
        Some((self.certificate.display().to_string(), validity))
    }

    /// Reports the validity of the current certificate.
    pub(super) fn report(&self, metrics: &Metrics) {
        if let Some((file, validity)) = self.validity() {
            metrics.certificate(file, validity);
        }
    }

    /// The TLS acceptor of a listener, which offers HTTP/2 and HTTP/1.1.
    pub(crate) fn acceptor(&self, role: &ListenerRole) -> TlsAcceptor {
        let builder = ServerConfig::builder_with_provider(Arc::new(listener_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions");
        let verifier: Option<Arc<dyn ClientCertVerifier>> = match role {
            ListenerRole::Public => None,
            ListenerRole::MutualTls => Some(Arc::new(AnyClientCertificate::default())),
            ListenerRole::CertificateProxy(trust, _) => Some(Arc::clone(trust) as _),
        };
        let shows_certificates = verifier.is_some();
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config =
            builder.with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        if shows_certificates {
            // Each connection proves the key of its certificate.
            config.send_tls13_tickets = 0;
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Reloads changed files forever. An invalid pair is logged and the previous pair stays in use:
    /// halfway through a renewal the files do not match. Each content is tried and logged once.
    pub async fn watch(self: Arc<Self>, metrics: Arc<Metrics>) {
        let mut files = self.files.clone();
        loop {
            files.changed().await;
            match read(&self.certificate, &self.key) {
                Ok(pair) => {
                    self.current.0.store(Arc::new(pair));
                    self.report(&metrics);
                    tracing::info!(certificate = %self.certificate.display(), "certificate changed");
                }
                Err(error) => tracing::warn!(%error, "could not load the changed certificate"),
            }
        }
    }
}

/// The cryptography of a listener: the default one with fewer cipher suites of TLS 1.2.
fn listener_provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| {
        matches!(suite, SupportedCipherSuite::Tls13(_))
            || TLS12_CIPHER_SUITES.contains(&suite.suite())
    });
    provider
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let file = |path: &Path, error: String| TlsError::File(path.to_owned(), error);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| file(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(file(certificate, "does not contain a PEM certificate".to_owned()));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, error.to_string()))?;
    let pair = |error: rustls::Error| {
        TlsError::Pair(certificate.to_owned(), key.to_owned(), error.to_string())
    };
    let signing = aws_lc_rs::sign::any_supported_type(&private).map_err(pair)?;
    let certified = CertifiedKey::new(chain, signing);
    certified.keys_match().map_err(pair)?;
    Ok(certified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_has_the_recommended_cipher_suites_of_tls12_only() {
        // RFC 9325 §4.2, FAPI 2.0 Security Profile §5.2.1
        let suites = listener_provider().cipher_suites;
        let (tls13, tls12): (Vec<SupportedCipherSuite>, Vec<_>) =
            suites.into_iter().partition(|suite| matches!(suite, SupportedCipherSuite::Tls13(_)));
        assert_eq!(tls13.len(), 3);
        assert_eq!(tls12.len(), TLS12_CIPHER_SUITES.len());
        assert!(tls12.iter().all(|suite| TLS12_CIPHER_SUITES.contains(&suite.suite())));
    }
}
