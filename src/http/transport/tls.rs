//! TLS from certificate files that are read again when they change.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ::aws_lc_rs::digest;
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at: a mounted Secret changes within a minute or so anyway.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Why a certificate cannot be used. The display says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// Certificate and key are not a pair, or of a kind that is not supported.
    #[error("certificate {0} and key {1} cannot be used together: {2}")]
    Pair(PathBuf, PathBuf, String),
}

/// A certificate in use, and where it came from.
#[derive(Debug)]
pub struct TlsConfig {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    /// What was read.
    loaded: Content,
}

/// A hash of each file, where it can be read.
type Content = [Option<Vec<u8>>; 2];

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl TlsConfig {
    /// Reads certificate chain and private key (PEM).
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        // Before they are used: what changes in between is another content.
        let loaded =
            [certificate, key].map(|file| std::fs::read(file).ok().map(|content| hash(&content)));
        let current = Arc::new(Current(ArcSwap::from_pointee(read(certificate, key)?)));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current, loaded })
    }

    /// What accepts connections, with HTTP/2 and HTTP/1.1 offered.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Puts changed files in use, for ever. A pair that cannot be used is logged, and the one before
    /// stays: halfway through a renewal the files do not fit. Each content is tried, and told, once.
    pub async fn watch(self: Arc<Self>) {
        let mut known = self.loaded.clone();
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let content = self.content().await;
            if content == known {
                continue;
            }
            match read(&self.certificate, &self.key) {
                Ok(pair) => {
                    self.current.0.store(Arc::new(pair));
                    tracing::info!(certificate = %self.certificate.display(), "certificate changed");
                }
                Err(error) => tracing::warn!(%error, "the changed certificate is not used"),
            }
            known = content;
        }
    }

    async fn content(&self) -> Content {
        let (certificate, key) =
            (tokio::fs::read(&self.certificate).await, tokio::fs::read(&self.key).await);
        [certificate.ok().map(|content| hash(&content)), key.ok().map(|content| hash(&content))]
    }
}

fn hash(content: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, content).as_ref().to_vec()
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let file = |path: &Path, error: String| TlsError::File(path.to_owned(), error);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| file(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(file(certificate, "holds no certificate in PEM".to_owned()));
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
