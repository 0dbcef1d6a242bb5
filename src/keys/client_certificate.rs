//! Certificates of clients (RFC 8705 §2): their names, their keys, and the authorities that issued them.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rustls::{
    RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
};
use serde_json::Value;
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, public_key::PublicKey,
    x509::X509Name,
};

use crate::model::{
    CertificateRule, CertificateSubject, ClientCertificate, DistinguishedName, Timestamp,
    sha256_base64url,
};

/// The object identifier of Ed25519 (RFC 8410 §3).
const ED25519: &str = "1.3.101.112";

/// The reason why a certificate does not authenticate a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The certificate is not X.509.
    #[error("the certificate is malformed")]
    Malformed,
    /// The certificate is not valid now.
    #[error("the certificate has expired or is not valid yet")]
    Expired,
    /// No authority of the client issued the certificate, for clients and for now.
    #[error(
        "the certificate is not one that an authority in tlsClientAuth.caRef issued for clients: {0}"
    )]
    Untrusted(String),
    /// The certificate has another subject.
    #[error("the certificate has another subject than tlsClientAuth requires")]
    OtherSubject,
    /// The certificate has a key that the client did not register.
    #[error("the key of the certificate is not in the client's JWK Set")]
    OtherKey,
    /// The client has no authorities yet.
    #[error("the Secret with the client's authorities does not exist")]
    NoAuthorities,
}

/// Verifies that a certificate is the one that a client registered: of one of its authorities, valid now, and with its
/// subject (RFC 8705 §2.1).
pub fn verify_issued_certificate(
    certificate: &ClientCertificate,
    rule: &CertificateRule,
    now: Timestamp,
) -> Result<(), CertificateError> {
    let parsed = ParsedCertificate::read(certificate.der())?;
    let authorities = CertificateDer::pem_slice_iter(rule.authorities.as_bytes());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.filter_map(Result::ok));
    let untrusted = |error: &dyn std::fmt::Display| CertificateError::Untrusted(error.to_string());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = verifier.build().map_err(|error| untrusted(&error))?;
    let sent: Vec<_> = certificate.intermediates().map(CertificateDer::from).collect();
    let own = CertificateDer::from(certificate.der());
    let secs = u64::try_from(now.secs()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(secs));
    verifier.verify_client_cert(&own, &sent, now).map_err(|error| untrusted(&error))?;
    if parsed.has_subject(&rule.subject) { Ok(()) } else { Err(CertificateError::OtherSubject) }
}

/// A parsed certificate. Its signature is not verified.
#[derive(Debug)]
pub struct ParsedCertificate<'a> {
    certificate: X509Certificate<'a>,
    /// The SHA-256 hash of the certificate, base64url-encoded.
    digest: String,
}

impl<'a> ParsedCertificate<'a> {
    /// Parses a certificate in DER.
    pub fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
        match X509Certificate::from_der(der) {
            Ok(([], certificate)) => Ok(Self { certificate, digest: sha256_base64url(der) }),
            _ => Err(CertificateError::Malformed),
        }
    }

    /// Checks that the certificate is within its own period.
    pub fn check_validity(&self, now: Timestamp) -> Result<(), CertificateError> {
        let validity = self.certificate.validity();
        let period = validity.not_before.timestamp()..=validity.not_after.timestamp();
        if period.contains(&now.secs()) { Ok(()) } else { Err(CertificateError::Expired) }
    }

    /// Returns true if the certificate has a name. DNS names and e-mail addresses are compared without letter case.
    pub fn has_subject(&self, subject: &CertificateSubject) -> bool {
        let names = self.certificate.subject_alternative_name().ok().flatten();
        let names = names.map(|extension| &*extension.value.general_names).unwrap_or_default();
        let is_subject = |name: &GeneralName<'_>| match (subject, name) {
            (CertificateSubject::Dns(dns), GeneralName::DNSName(name))
            | (CertificateSubject::Email(dns), GeneralName::RFC822Name(name)) => {
                dns.eq_ignore_ascii_case(name)
            }
            (CertificateSubject::Uri(uri), GeneralName::URI(name)) => uri == name,
            (CertificateSubject::Ip(ip), GeneralName::IPAddress(bytes)) => {
                ip_address(bytes) == Some(*ip)
            }
            _ => false,
        };
        match subject {
            CertificateSubject::Name(name) => {
                distinguished_name(self.certificate.subject()).as_ref() == Some(name)
            }
            _ => names.iter().any(is_subject),
        }
    }

    /// The thumbprint of the public key (RFC 7638), if its kind is supported.
    fn key_thumbprint(&self) -> Option<String> {
        let info = self.certificate.public_key();
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match info.parsed().ok()? {
            PublicKey::RSA(key) => {
                let (exponent, modulus) = (without_sign(key.exponent), without_sign(key.modulus));
                Some(rsa_thumbprint(&encoded(exponent), &encoded(modulus)))
            }
            PublicKey::EC(point) => {
                let (format, coordinates) = point.data().split_first()?;
                let curve = match coordinates.len() {
                    64 => "P-256",
                    96 => "P-384",
                    _ => return None,
                };
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                (*format == 4).then(|| ec_thumbprint(curve, &encoded(x), &encoded(y)))
            }
            PublicKey::Unknown(key) if info.algorithm.algorithm.to_id_string() == ED25519 => {
                Some(okp_thumbprint("Ed25519", &encoded(key)))
            }
            _ => None,
        }
    }
}

/// The certificate that a JWK stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RegisteredCertificate {
    /// The certificate with this hash: the first of `x5c`.
    Exactly(String),
    /// Any with the key that has this thumbprint.
    WithKey(String),
    /// None: the JWK is malformed.
    None,
}

impl RegisteredCertificate {
    /// The certificate of a JWK: that of `x5c` (RFC 8705 §2.2.2), or any with its key.
    pub(super) fn of(jwk: &Value) -> Self {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if let Some(chain) = jwk.get("x5c") {
            let first = chain.get(0).and_then(Value::as_str);
            let der = first.and_then(|first| STANDARD.decode(first).ok());
            return der.map_or(Self::None, |der| Self::Exactly(sha256_base64url(der)));
        }
        let thumbprint = match text("kty") {
            Some("RSA") => text("e").zip(text("n")).map(|(e, n)| rsa_thumbprint(e, n)),
            Some("EC") => text("crv")
                .zip(text("x").zip(text("y")))
                .map(|(curve, (x, y))| ec_thumbprint(curve, x, y)),
            Some("OKP") => text("crv").zip(text("x")).map(|(curve, x)| okp_thumbprint(curve, x)),
            _ => None,
        };
        thumbprint.map_or(Self::None, Self::WithKey)
    }

    /// Returns true if a certificate is the one that the JWK stands for.
    pub(super) fn is(&self, certificate: &ParsedCertificate<'_>) -> bool {
        match self {
            Self::Exactly(digest) => *digest == certificate.digest,
            Self::WithKey(thumbprint) => certificate.key_thumbprint().as_ref() == Some(thumbprint),
            Self::None => false,
        }
    }
}

fn rsa_thumbprint(exponent: &str, modulus: &str) -> String {
    sha256_base64url(format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#))
}

fn ec_thumbprint(curve: &str, x: &str, y: &str) -> String {
    sha256_base64url(format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#))
}

fn okp_thumbprint(curve: &str, x: &str) -> String {
    sha256_base64url(format!(r#"{{"crv":"{curve}","kty":"OKP","x":"{x}"}}"#))
}

/// The number in DER without the leading zero, which keeps it positive.
fn without_sign(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    let v6 = || <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)));
    v4.or_else(|_| v6()).ok()
}

/// The name of a certificate. `None` if a value is not text.
fn distinguished_name(name: &X509Name<'_>) -> Option<DistinguishedName> {
    let mut parts = Vec::new();
    for part in name.iter_rdn() {
        let attributes = part.iter().map(|attribute| {
            Some((attribute.attr_type().to_id_string(), attribute.as_str().ok()?.to_owned()))
        });
        parts.push(attributes.collect::<Option<Vec<_>>>()?);
    }
    Some(DistinguishedName::from_parts(parts))
}

#[cfg(test)]
mod tests;
