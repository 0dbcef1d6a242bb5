//! The certificates that clients send in TLS handshakes.

use rustls::{
    CertificateError, DistinguishedName, Error,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs},
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::handshake_signatures::check_handshake_signatures;
use crate::model::is_bounded_chain;

/// Asks for a certificate, and accepts any whose key the client has. Its authority and its period are checked with the
/// request, which names the client (RFC 8705 §2).
#[derive(Debug)]
pub(super) struct AnyClientCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl Default for AnyClientCertificate {
    fn default() -> Self {
        Self { algorithms: aws_lc_rs::default_provider().signature_verification_algorithms }
    }
}

impl ClientCertVerifier for AnyClientCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        check_chain(own, intermediates)?;
        Ok(ClientCertVerified::assertion())
    }

    check_handshake_signatures!(algorithms);
}

/// Refuses a chain of too many certificates or bytes.
pub(super) fn check_chain(
    own: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Result<(), Error> {
    let all = std::iter::once(own).chain(intermediates);
    let is_bounded = is_bounded_chain(all.map(|der| der.len()));
    is_bounded.then_some(()).ok_or_else(|| CertificateError::BadEncoding.into())
}
