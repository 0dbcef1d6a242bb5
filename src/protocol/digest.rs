//! Hashes as base64url text without padding (RFC 4648 §5).

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::model::PairwiseSubjectInputs;

/// Returns the HMAC-SHA256 of `named` with the tenant's salt. It cannot be reversed or computed
/// without the salt.
pub(super) fn salted_digest(pairwise: &PairwiseSubjectInputs, named: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, pairwise.salt.expose());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, named.as_bytes()))
}
