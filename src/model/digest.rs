//! SHA-256 hashes.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Returns the SHA-256 hash of the content.
pub fn sha256(content: impl AsRef<[u8]>) -> [u8; 32] {
    digest(&SHA256, content.as_ref()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Returns the SHA-256 hash of the content as base64url text without padding (RFC 4648 §5): 43
/// characters.
pub fn sha256_base64url(content: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(sha256(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_the_example_of_rfc_7636() {
        // RFC 7636 Appendix B
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(sha256_base64url(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
