//! The authorities that issue certificates of clients, or of proxies.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use rustls::{
    CertificateError as TlsFault, Error, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use super::{CertificateError, ParsedCertificate};
use crate::model::{CertificateSubject, ClientCertificate, Timestamp};

/// Most authorities, because each of them is tried for a chain.
const MAX_AUTHORITIES: usize = 32;

/// The certificates of authorities cannot be used. The messages contain nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthoritiesError {
    /// The text is not PEM.
    #[error("is not PEM")]
    NotPem,
    /// The text contains no certificate.
    #[error("has no certificates; write them as PEM")]
    Empty,
    /// The text contains more than `MAX_AUTHORITIES`.
    #[error("has more than {MAX_AUTHORITIES} certificates; write those of the authorities only")]
    TooMany,
    /// A part of the text is another object.
    #[error("has a part that is not an X.509 certificate")]
    NotX509,
    /// A certificate may not sign others.
    #[error(
        "has a certificate that is not of an authority: it has no basic constraint CA:TRUE, or may not sign certificates; write those of the authorities only"
    )]
    NotAuthority,
}

/// Authorities of certificates, parsed once.
#[derive(Clone, Debug)]
pub struct ClientAuthorities {
    roots: RootCertStore,
    /// The validity of each root, in seconds since the epoch.
    periods: Vec<RangeInclusive<i64>>,
    /// Verifies a certificate by all roots, regardless of their validity.
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ClientAuthorities {
    /// Parses the certificates of authorities (PEM).
    ///
    /// # Errors
    ///
    /// [`ClientAuthoritiesError`] if there is no certificate, too many, or one that is not of an authority.
    pub fn parse(pem: &[u8]) -> Result<Self, ClientAuthoritiesError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|_| ClientAuthoritiesError::NotPem)?;
        if certificates.is_empty() {
            return Err(ClientAuthoritiesError::Empty);
        }
        if certificates.len() > MAX_AUTHORITIES {
            return Err(ClientAuthoritiesError::TooMany);
        }
        let (mut roots, mut periods) = (RootCertStore::empty(), Vec::new());
        for certificate in certificates {
            periods.push(period_of_authority(&certificate)?);
            roots.add(certificate).map_err(|_| ClientAuthoritiesError::NotX509)?;
        }
        let verifier = verifier_by(roots.clone()).map_err(|_| ClientAuthoritiesError::NotX509)?;
        Ok(Self { roots, periods, verifier })
    }

    /// Verifies that an authority that is valid now issued a certificate for clients.
    ///
    /// # Errors
    ///
    /// That of rustls. Its text may contain parts of the certificate.
    pub fn verify(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let secs = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let is_valid = |period: &RangeInclusive<i64>| period.contains(&secs);
        if self.periods.iter().all(is_valid) {
            return self.verifier.verify_client_cert(own, intermediates, now);
        }
        // webpki does not check the periods of roots.
        let roots = self.roots.roots.iter().zip(&self.periods);
        let valid = roots.filter(|(_, period)| is_valid(period)).map(|(root, _)| root.clone());
        let verifier = verifier_by(RootCertStore { roots: valid.collect() })?;
        verifier.verify_client_cert(own, intermediates, now)
    }
}

/// The period of the certificate of an authority.
fn period_of_authority(der: &[u8]) -> Result<RangeInclusive<i64>, ClientAuthoritiesError> {
    let parsed = ParsedCertificate::read(der).map_err(|_| ClientAuthoritiesError::NotX509)?;
    let is_of_authority = parsed.is_of_authority();
    is_of_authority.then(|| parsed.period()).ok_or(ClientAuthoritiesError::NotAuthority)
}

/// The verifier by some roots; an error without any.
fn verifier_by(roots: RootCertStore) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    if roots.is_empty() {
        return Err(TlsFault::Expired.into());
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    builder.build().map_err(|error| Error::General(error.to_string()))
}

/// Verifies that a certificate belongs to a client: it is from one of the client's authorities, is valid now, and
/// has the registered subject (RFC 8705 §2.1).
pub fn verify_issued_certificate(
    certificate: &ClientCertificate,
    (subject, authorities): (&CertificateSubject, &ClientAuthorities),
    now: Timestamp,
) -> Result<(), CertificateError> {
    let parsed = ParsedCertificate::read(certificate.der())?;
    parsed.check_key()?;
    let sent: Vec<_> = certificate.intermediates().map(CertificateDer::from).collect();
    let own = CertificateDer::from(certificate.der());
    let secs = u64::try_from(now.secs()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(secs));
    let verified = authorities.verify(&own, &sent, now);
    verified.map_err(|error| CertificateError::Untrusted(fault(&error)))?;
    if parsed.has_subject(subject) { Ok(()) } else { Err(CertificateError::OtherSubject) }
}

/// The fault of a certificate in fixed words. The text of rustls contains parts of the certificate, of any length.
fn fault(error: &Error) -> &'static str {
    let Error::InvalidCertificate(fault) = error else { return "it cannot be verified" };
    match fault {
        TlsFault::Expired | TlsFault::ExpiredContext { .. } => "it or an authority has expired",
        TlsFault::NotValidYet | TlsFault::NotValidYetContext { .. } => "it is not valid yet",
        TlsFault::UnknownIssuer => "no authority signed it",
        TlsFault::BadSignature => "its signature is invalid",
        TlsFault::InvalidPurpose | TlsFault::InvalidPurposeContext { .. } => {
            "its usages are not those of a client"
        }
        _ => "it cannot be verified",
    }
}
