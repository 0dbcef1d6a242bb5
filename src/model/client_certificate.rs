//! The certificate of the client of a request (RFC 8705).

use std::sync::Arc;

use super::sha256_base64url;

/// The maximum number of certificates in a chain, the client's own included. A longer chain is refused.
pub const MAX_CHAIN_LEN: usize = 5;

/// The maximum size of the certificates in a chain, in bytes of DER.
pub const MAX_CHAIN_BYTES: usize = 16 * 1024;

/// Returns true if a chain whose certificates have these lengths in bytes is short enough. The time to verify a chain
/// can grow with the permutations of its certificates.
pub fn is_bounded_chain(lengths: impl IntoIterator<Item = usize>) -> bool {
    let (mut count, mut bytes) = (0, 0);
    for length in lengths {
        count += 1;
        bytes += length;
    }
    count <= MAX_CHAIN_LEN && bytes <= MAX_CHAIN_BYTES
}

/// The certificate of a request's client. The client proved that it has the private key, in the TLS handshake with this
/// server or with a trusted proxy. The issuer of the certificate is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    chain: Arc<[Box<[u8]>]>,
    thumbprint: Arc<str>,
}

impl ClientCertificate {
    /// A certificate and the ones that the client sent along, in DER. `None` without any, and if there are more than
    /// [`MAX_CHAIN_LEN`] or they are longer than [`MAX_CHAIN_BYTES`].
    pub fn new(chain: impl IntoIterator<Item = Vec<u8>>) -> Option<Self> {
        let chain: Arc<[Box<[u8]>]> = chain.into_iter().map(Vec::into_boxed_slice).collect();
        let is_bounded = is_bounded_chain(chain.iter().map(|der| der.len()));
        let own = chain.first().filter(|_| is_bounded)?;
        let thumbprint = sha256_base64url(own).into();
        Some(Self { chain, thumbprint })
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        self.chain.first().map(|own| &**own).unwrap_or_default()
    }

    /// The certificates that were sent along, in DER.
    pub fn intermediates(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().skip(1).map(|der| &**der)
    }

    /// The SHA-256 hash of the certificate, base64url-encoded: `x5t#S256` (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_certificate_is_the_clients() {
        let certificate = ClientCertificate::new([vec![1], vec![2, 3]]).expect("a certificate");
        assert_eq!(certificate.der(), [1]);
        assert_eq!(certificate.intermediates().collect::<Vec<_>>(), [[2, 3]]);
        assert_eq!(certificate.thumbprint(), sha256_base64url([1]));
    }

    #[test]
    fn an_empty_or_long_chain_is_refused() {
        assert_eq!(ClientCertificate::new([]), None);
        let chain = |len: usize| ClientCertificate::new(vec![vec![0]; len]);
        assert!(chain(MAX_CHAIN_LEN).is_some() && chain(MAX_CHAIN_LEN + 1).is_none());
        let two = |len: usize| ClientCertificate::new([vec![0; len], vec![0]]);
        assert!(two(MAX_CHAIN_BYTES - 1).is_some() && two(MAX_CHAIN_BYTES).is_none());
    }
}
