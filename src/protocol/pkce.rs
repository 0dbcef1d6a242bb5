//! Proof Key for Code Exchange (RFC 7636), S256 only.

use aws_lc_rs::constant_time;

use super::error::{ErrorCode, OAuthError};
use crate::model::sha256_base64url;

/// Rule: the verifier hashes to the code's challenge (RFC 7636 §4.6). A verifier without a
/// challenge is rejected, because an attacker could have removed the challenge (RFC 9700 §2.1.1).
pub fn verify_pkce(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidGrant, text.to_owned()));
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => refused(
            "The code was issued without a code_challenge; the request has a code_verifier.",
        ),
        (Some(_), None) => refused(
            "The parameter 'code_verifier' is missing; the code was issued with a code_challenge.",
        ),
        (Some(challenge), Some(verifier)) => {
            if !is_verifier(verifier) {
                return refused(&format!(
                    "The code_verifier must have 43 to 128 characters of A-Z, a-z, 0-9, '-', '.', '_' and '~'; the request has {} characters.",
                    verifier.chars().count()
                ));
            }
            let computed = sha256_base64url(verifier);
            let same =
                constant_time::verify_slices_are_equal(computed.as_bytes(), challenge.as_bytes());
            if same.is_ok() {
                return Ok(());
            }
            refused(
                "The code_verifier does not match the code_challenge, which must be BASE64URL(SHA256(code_verifier)).",
            )
        }
    }
}

/// The challenge of a verifier, by S256 (RFC 7636 §4.2).
pub fn code_challenge(verifier: &str) -> String {
    sha256_base64url(verifier)
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_verifier(text: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn accepts_the_example_of_the_rfc() {
        assert_eq!(verify_pkce(Some(CHALLENGE), Some(VERIFIER)), Ok(()));
    }

    #[test]
    fn rejects_other_verifiers() {
        let other = VERIFIER.replace('d', "e");
        for (challenge, verifier) in [
            (Some(CHALLENGE), Some(other.as_str())),
            (Some(CHALLENGE), Some("short")),
            (Some(CHALLENGE), None),
            (None, Some(VERIFIER)),
        ] {
            let error = verify_pkce(challenge, verifier).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidGrant);
        }
    }
}
