//! The key that the tokens of a grant are bound to.

use serde::{Deserialize, Serialize};

/// The key that the tokens of a grant are bound to. A request for tokens has to prove it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SenderBinding {
    /// The DPoP key with this JWK thumbprint (RFC 9449 §5, §10): of a code, and of the refresh tokens of a
    /// public client.
    DpopKey(String),
    /// Any DPoP key. A confidential client is known by its authentication, and may change its key (RFC 9449
    /// §5).
    AnyDpopKey,
    /// The certificate with this hash (RFC 8705 §4): of the refresh tokens of a public client.
    Certificate(String),
    /// Any certificate of a confidential client, which may change it (RFC 8705 §7.1).
    AnyCertificate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_keep_their_numbers() {
        let number = |binding: SenderBinding| {
            postcard::to_stdvec(&binding).expect("serializes to memory").first().copied()
        };
        assert_eq!(number(SenderBinding::DpopKey(String::new())), Some(0));
        assert_eq!(number(SenderBinding::AnyDpopKey), Some(1));
        assert_eq!(number(SenderBinding::Certificate(String::new())), Some(2));
        assert_eq!(number(SenderBinding::AnyCertificate), Some(3));
    }
}
