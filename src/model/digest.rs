//! SHA-256 hashes, of content as a whole or in parts.

use aws_lc_rs::digest::{Context, SHA256, digest};
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

/// A SHA-256 hash of content that arrives in parts.
pub struct Sha256(Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Sha256 {
    /// Appends content. The digest depends on the bytes, not on how they are split into parts.
    #[must_use]
    pub fn with(mut self, content: impl AsRef<[u8]>) -> Self {
        self.0.update(content.as_ref());
        self
    }

    /// Returns the hash of the whole content.
    pub fn finish(self) -> [u8; 32] {
        self.0.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
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

    #[test]
    fn the_parts_of_content_do_not_affect_its_hash() {
        let parts = Sha256::default().with("con").with("").with("tent").finish();
        assert_eq!(parts, sha256("content"));
    }
}
