//! A TLS server under the test's control.

use std::sync::Arc;

use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A running server with a certificate of its own for `localhost`.
pub struct TlsServer {
    /// The port that the server listens on.
    pub port: u16,
    /// The certificate, as PEM.
    pub certificate: String,
}

impl TlsServer {
    /// Starts a server whose certificate ends with a year. It serves each connection in a task.
    pub async fn start<F>(
        year: i32,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = ["localhost".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).expect("a name");
        params.not_after = rcgen::date_time_ymd(year, 12, 31);
        let certificate = params.self_signed(&key).expect("it is made");
        let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a pair");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(serve(stream));
                }
            }
        });
        Self { port, certificate: certificate.pem() }
    }
}

/// An authority that no client trusts yet.
pub struct ServerAuthority {
    /// The certificate, as PEM.
    pub certificate: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl ServerAuthority {
    /// Makes an authority with a new key.
    pub fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("it is made").pem();
        Self { certificate, issuer: rcgen::Issuer::new(params, key) }
    }

    /// Accepts connections with a certificate for `localhost` that it has signed.
    pub fn acceptor(&self) -> TlsAcceptor {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = ["localhost".to_owned()];
        let params = rcgen::CertificateParams::new(names).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("it is made");
        let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a pair");
        TlsAcceptor::from(Arc::new(config))
    }
}
