//! The header in which a proxy passes on the certificate of a client. It is used only if the proxy has authenticated
//! itself.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode;
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::model::{ClientCertificate, MAX_CHAIN_LEN};

/// Most bytes of a header. A certificate with an RSA key of 4096 bits has less than 3 KiB in base64.
const MAX_HEADER_LEN: usize = 16 * 1024;

/// The form of the header's value, which the proxy determines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFormat {
    /// DER in base64 between colons, a byte sequence of structured fields (RFC 9440 §2.1).
    Rfc9440,
    /// PEM, percent-encoded: `$ssl_client_escaped_cert` of nginx.
    EscapedPem,
}

/// The header and its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateHeader {
    name: HeaderName,
    format: CertificateFormat,
}

/// A header that is not a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateHeaderError {
    /// The header occurs more than once.
    #[error("The proxy sent more than one header with a client certificate.")]
    Duplicate,
    /// The header is longer than 16 KiB.
    #[error("The header of the proxy with the client certificate is too long.")]
    Long,
    /// The value does not have the configured form, or is not a certificate.
    #[error("The header of the proxy with the client certificate is malformed.")]
    Malformed,
    /// The key of the certificate is too weak to be accepted.
    #[error("The client certificate in the header of the proxy has a weak key.")]
    WeakKey,
}

/// The header with the other certificates of the chain (RFC 9440 §2.3).
const CHAIN_HEADER: &str = "client-cert-chain";

impl CertificateHeader {
    /// The header with a name and a form. `None` if the name is not that of a header.
    pub fn new(name: &str, format: CertificateFormat) -> Option<Self> {
        Some(Self { name: name.parse().ok()?, format })
    }

    /// Reads the certificate of a request; `None` if the client has none: nginx sends an empty header then.
    pub fn read(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<ClientCertificate>, CertificateHeaderError> {
        let value = only_value(headers, self.name.as_str())?.unwrap_or_default();
        let is_rfc = self.format == CertificateFormat::Rfc9440;
        let chain = if is_rfc { only_value(headers, CHAIN_HEADER)? } else { None };
        parse_certificate_header(self.format, value, chain)
    }
}

fn only_value<'h>(
    headers: &'h HeaderMap,
    name: &str,
) -> Result<Option<&'h [u8]>, CertificateHeaderError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(HeaderValue::as_bytes);
    if values.next().is_some() { Err(CertificateHeaderError::Duplicate) } else { Ok(first) }
}

/// Parses the values of the header and of the header with the rest of the chain.
///
/// # Errors
///
/// [`CertificateHeaderError`] if a value is too long or malformed, or if there is a chain without a certificate.
pub fn parse_certificate_header(
    format: CertificateFormat,
    value: &[u8],
    chain: Option<&[u8]>,
) -> Result<Option<ClientCertificate>, CertificateHeaderError> {
    let malformed = CertificateHeaderError::Malformed;
    let chain = chain.unwrap_or_default();
    if value.len().max(chain.len()) > MAX_HEADER_LEN {
        return Err(CertificateHeaderError::Long);
    }
    if value.is_empty() {
        return if chain.is_empty() { Ok(None) } else { Err(malformed) };
    }
    let mut all = match format {
        CertificateFormat::Rfc9440 => vec![byte_sequence(value).ok_or(malformed)?],
        CertificateFormat::EscapedPem => vec![escaped_pem(value).ok_or(malformed)?],
    };
    if !chain.is_empty() {
        for member in chain.split(|byte| *byte == b',') {
            all.push(byte_sequence(member.trim_ascii()).ok_or(malformed)?);
            if all.len() > MAX_CHAIN_LEN {
                return Err(malformed);
            }
        }
    }
    ClientCertificate::new(all).map(Some).ok_or(malformed)
}

/// A Byte Sequence of structured fields: `:base64:` (RFC 9651 §3.3.5).
fn byte_sequence(value: &[u8]) -> Option<Vec<u8>> {
    let encoded = value.strip_prefix(b":")?.strip_suffix(b":")?;
    STANDARD.decode(encoded).ok().filter(|der| !der.is_empty())
}

/// The certificate of a percent-encoded PEM text, which has nothing else: with two, it is unclear which the client has.
fn escaped_pem(value: &[u8]) -> Option<Vec<u8>> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    const END: &[u8] = b"-----END CERTIFICATE-----";
    let text: Vec<u8> = percent_decode(value).collect();
    let text = text.trim_ascii();
    if !text.starts_with(BEGIN) || !text.ends_with(END) {
        return None;
    }
    if text.windows(BEGIN.len()).filter(|window| *window == BEGIN).count() != 1 {
        return None;
    }
    let certificate = CertificateDer::from_pem_slice(text).ok()?;
    (!certificate.is_empty()).then(|| certificate.to_vec())
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
    use proptest::prelude::*;

    use super::*;

    /// The DER of a certificate is not looked at here.
    const DER: &[u8] = b"certificate";

    fn header(format: CertificateFormat) -> CertificateHeader {
        CertificateHeader::new("Client-Cert", format).expect("a header")
    }

    fn pem(der: &[u8]) -> String {
        let body = STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    fn escaped(text: &str) -> String {
        percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string()
    }

    fn read(
        format: CertificateFormat,
        sent: &[(&'static str, &str)],
    ) -> Result<Option<ClientCertificate>, CertificateHeaderError> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().expect("a value"));
        }
        header(format).read(&headers)
    }

    #[test]
    fn both_forms_carry_a_certificate() {
        // RFC 9440 §2.2
        let expected = ClientCertificate::new([DER.to_vec()]);
        let sequence = format!(":{}:", STANDARD.encode(DER));
        let found = read(CertificateFormat::Rfc9440, &[("client-cert", &sequence)]);
        assert_eq!(found, Ok(expected.clone()));
        let sent = escaped(&pem(DER));
        assert_eq!(read(CertificateFormat::EscapedPem, &[("client-cert", &sent)]), Ok(expected));
        let chain = [("client-cert", &*sequence), ("client-cert-chain", ":YQ==:, :Yg==:")];
        let whole = read(CertificateFormat::Rfc9440, &chain).expect("valid").expect("present");
        assert_eq!(whole.intermediates().collect::<Vec<_>>(), [b"a", b"b"]);
    }

    #[test]
    fn a_client_without_a_certificate_has_none() {
        for format in [CertificateFormat::Rfc9440, CertificateFormat::EscapedPem] {
            assert_eq!(read(format, &[]), Ok(None));
            assert_eq!(read(format, &[("client-cert", "")]), Ok(None), "nginx");
        }
    }

    #[test]
    fn duplicate_long_and_malformed_headers_are_refused() {
        let sequence = format!(":{}:", STANDARD.encode(DER));
        let twice = [("client-cert", &*sequence), ("client-cert", &*sequence)];
        let found = read(CertificateFormat::Rfc9440, &twice);
        assert_eq!(found, Err(CertificateHeaderError::Duplicate));
        let long = format!(":{}:", "A".repeat(MAX_HEADER_LEN));
        let found = read(CertificateFormat::Rfc9440, &[("client-cert", &long)]);
        assert_eq!(found, Err(CertificateHeaderError::Long));
        let malformed = Err(CertificateHeaderError::Malformed);
        for value in ["::", ":", "YQ==", ":YQ==", ":Y*:", ":YQ==:, :YQ==:", ":YQ==:;a=1"] {
            assert_eq!(read(CertificateFormat::Rfc9440, &[("client-cert", value)]), malformed);
        }
        let (one, chain) = (sequence.as_str(), [":YQ==:"; MAX_CHAIN_LEN].join(","));
        for chain in [&*chain, ":YQ==:,", "a"] {
            let sent = [("client-cert", one), ("client-cert-chain", chain)];
            assert_eq!(read(CertificateFormat::Rfc9440, &sent), malformed, "{chain}");
        }
        let only_chain = [("client-cert-chain", ":YQ==:")];
        assert_eq!(read(CertificateFormat::Rfc9440, &only_chain), malformed);
        let truncated = escaped(&pem(DER).replace("-----END", "--END"));
        let with_text = escaped(&format!("text\n{}", pem(DER)));
        let two = escaped(&format!("{}{}", pem(DER), pem(b"another")));
        let key = escaped(&pem(DER).replace("CERTIFICATE", "PRIVATE KEY"));
        for value in ["%2D", &sequence, &truncated, &with_text, &two, &key] {
            assert_eq!(read(CertificateFormat::EscapedPem, &[("client-cert", value)]), malformed);
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(value in prop::collection::vec(any::<u8>(), 0..200),
            chain in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)))
        {
            for format in [CertificateFormat::Rfc9440, CertificateFormat::EscapedPem] {
                let _ = parse_certificate_header(format, &value, chain.as_deref());
            }
        }
    }
}
