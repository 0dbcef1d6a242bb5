//! Certificates of clients (RFC 8705 §2): their names, their keys, and the authorities that issued them.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::FromDer,
    public_key::{PublicKey, RSAPublicKey},
    x509::X509Name,
};

use crate::model::{
    CertificateSubject, DistinguishedName, Timestamp, jwk_thumbprint, sha256_base64url,
};

/// The object identifier of RSA keys that sign with PSS only (RFC 4055 §1.2).
const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
/// The object identifier of Ed25519 (RFC 8410 §3).
const ED25519: &str = "1.3.101.112";
/// Least number of bits of an RSA key (NIST SP 800-57 Part 1, §5.6.1; FAPI 2.0 Security Profile §5.4.1).
const MIN_RSA_BITS: usize = 2048;
/// Least length of a coordinate of a key on a curve: 256 bits.
const MIN_COORDINATE_LEN: usize = 32;
/// The object identifiers of curves (RFC 5480 §2.1.1.1), their names in a JWK, and the length of a coordinate.
const CURVES: [(&str, &str, usize); 2] =
    [("1.2.840.10045.3.1.7", "P-256", 32), ("1.3.132.0.34", "P-384", 48)];

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
    Untrusted(&'static str),
    /// The certificate has a different subject.
    #[error("the subject of the certificate does not match spec.tlsClientAuth")]
    OtherSubject,
    /// The certificate has a key that the client did not register.
    #[error("the key of the certificate is not in the client's JWK Set")]
    OtherKey,
    /// The key of the certificate is too short.
    #[error(
        "the key of the certificate is weak; it must be RSA of at least 2048 bits, EC of at least 256 bits, or Ed25519"
    )]
    WeakKey,
    /// The client has no authorities yet.
    #[error("the Secret with the client's authorities does not exist")]
    NoAuthorities,
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
        if self.period().contains(&now.secs()) { Ok(()) } else { Err(CertificateError::Expired) }
    }

    /// Rule: the key is strong, also where a proxy has verified it. In a handshake with Lanyard itself a weak key
    /// fails before.
    pub fn check_key(&self) -> Result<(), CertificateError> {
        let info = self.certificate.public_key();
        let is_strong = match info.parsed() {
            Ok(PublicKey::RSA(key)) => is_strong_modulus(key.modulus),
            Ok(PublicKey::EC(point)) => match point.data().split_first() {
                // Without compression there are two coordinates (RFC 5480 §2.2).
                Some((4, coordinates)) => coordinates.len() >= 2 * MIN_COORDINATE_LEN,
                Some((_, coordinate)) => coordinate.len() >= MIN_COORDINATE_LEN,
                None => false,
            },
            Ok(PublicKey::Unknown(bytes)) => match &*info.algorithm.algorithm.to_id_string() {
                ED25519 => true,
                RSASSA_PSS => RSAPublicKey::from_der(bytes)
                    .is_ok_and(|(_, key)| is_strong_modulus(key.modulus)),
                _ => false,
            },
            _ => false,
        };
        is_strong.then_some(()).ok_or(CertificateError::WeakKey)
    }

    /// The period of the certificate, in seconds.
    pub(super) fn period(&self) -> RangeInclusive<i64> {
        let validity = self.certificate.validity();
        validity.not_before.timestamp()..=validity.not_after.timestamp()
    }

    /// Returns true if the certificate may sign others (RFC 5280 §4.2.1.3, §4.2.1.9).
    pub(super) fn is_of_authority(&self) -> bool {
        let constraints = self.certificate.basic_constraints().ok().flatten();
        let usage = self.certificate.key_usage();
        constraints.is_some_and(|extension| extension.value.ca)
            && usage.is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()))
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
        let jwk = match info.parsed().ok()? {
            PublicKey::RSA(key) => {
                let (exponent, modulus) = (without_sign(key.exponent), without_sign(key.modulus));
                json!({ "kty": "RSA", "e": encoded(exponent), "n": encoded(modulus) })
            }
            PublicKey::EC(point) => {
                let (format, coordinates) = point.data().split_first()?;
                let named = info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
                let (_, curve, length) = CURVES.into_iter().find(|(oid, ..)| *oid == named)?;
                let (x, y) = coordinates.split_at_checked(length)?;
                if y.len() != length || *format != 4 {
                    return None;
                }
                json!({ "kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y) })
            }
            PublicKey::Unknown(key) if info.algorithm.algorithm.to_id_string() == ED25519 => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(key) })
            }
            _ => return None,
        };
        jwk.as_object().and_then(jwk_thumbprint)
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
        if let Some(chain) = jwk.get("x5c") {
            let first = chain.get(0).and_then(Value::as_str);
            let der = first.and_then(|first| STANDARD.decode(first).ok());
            return der.map_or(Self::None, |der| Self::Exactly(sha256_base64url(der)));
        }
        let thumbprint = jwk.as_object().and_then(jwk_thumbprint);
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

/// Returns true if an RSA key with this modulus, a big-endian number, is long enough.
pub(super) fn is_strong_modulus(modulus: &[u8]) -> bool {
    let modulus = without_sign(modulus);
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    modulus.len() * 8 - unused >= MIN_RSA_BITS
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
