//! The hashes by which an ID token names an access token or a code: `at_hash` and `c_hash` (OIDC Core §3.1.3.6,
//! §3.3.2.11).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::model::JwsAlgorithm;

/// Computes `at_hash` or `c_hash`: the left half of the hash of the signing algorithm (SHA-512 for Ed25519).
pub fn left_half_hash(algorithm: impl Into<JwsAlgorithm>, text: &str) -> String {
    let hash = match algorithm.into() {
        JwsAlgorithm::HS384 | JwsAlgorithm::RS384 | JwsAlgorithm::PS384 | JwsAlgorithm::ES384 => {
            &digest::SHA384
        }
        JwsAlgorithm::HS512
        | JwsAlgorithm::RS512
        | JwsAlgorithm::PS512
        | JwsAlgorithm::EdDSA
        | JwsAlgorithm::Ed25519 => &digest::SHA512,
        JwsAlgorithm::None
        | JwsAlgorithm::HS256
        | JwsAlgorithm::RS256
        | JwsAlgorithm::PS256
        | JwsAlgorithm::ES256 => &digest::SHA256,
    };
    let hash = digest::digest(hash, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SigningAlgorithm;

    #[test]
    fn hashes_match_the_example_of_the_specification() {
        // OIDC Core appendix A.3: the access token of the example and its at_hash.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(left_half_hash(SigningAlgorithm::RS256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(left_half_hash(SigningAlgorithm::ES256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(left_half_hash(SigningAlgorithm::PS256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(left_half_hash(SigningAlgorithm::EdDSA, token).len(), 43, "half of SHA-512");
        assert_eq!(left_half_hash(JwsAlgorithm::ES384, token).len(), 32, "half of SHA-384");
    }
}
