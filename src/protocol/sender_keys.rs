//! The keys that the sender of a request proved to have, and the key that a token is bound to (RFC 7800, RFC 8705,
//! RFC 9449).

use serde_json::{Map, Value};

/// The keys that the sender of a request proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderKeys<'a> {
    /// The JWK thumbprint of the key of the DPoP proof, in base64url; `None` if no proof was sent.
    pub dpop: Option<&'a str>,
    /// The SHA-256 of the certificate of the connection, in base64url; `None` if it has none.
    pub certificate: Option<&'a str>,
}

/// The key that a token is bound to: the claim `cnf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundKey {
    /// The DPoP key with this thumbprint: `jkt` (RFC 9449 §6.1).
    Dpop(String),
    /// The certificate with this hash: `x5t#S256` (RFC 8705 §3.1).
    Certificate(String),
}

impl BoundKey {
    /// The name and value of the member of `cnf`.
    pub fn confirmation(&self) -> (&'static str, &str) {
        match self {
            Self::Dpop(thumbprint) => ("jkt", thumbprint),
            Self::Certificate(hash) => ("x5t#S256", hash),
        }
    }

    /// `token_type` of the token (RFC 9449 §5). One that is bound to a certificate is a bearer token (RFC 8705 §3).
    pub const fn token_type(key: Option<&Self>) -> &'static str {
        match key {
            Some(Self::Dpop(_)) => "DPoP",
            Some(Self::Certificate(_)) | None => "Bearer",
        }
    }

    /// The key that a token is bound to. `None` for a bearer token, and for a token that is bound in an unknown way,
    /// which has the claim `cnf` too.
    pub fn of_claims(claims: &Map<String, Value>) -> Option<Self> {
        let confirmation = claims.get("cnf")?.as_object().filter(|members| members.len() == 1)?;
        let text = |name: &str| confirmation.get(name).and_then(Value::as_str).map(str::to_owned);
        text("jkt").map(Self::Dpop).or_else(|| text("x5t#S256").map(Self::Certificate))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_read_from_the_claim_that_it_is_written_to() {
        // RFC 8705 §3.1, RFC 9449 §6.1
        for key in [BoundKey::Dpop("a".to_owned()), BoundKey::Certificate("b".to_owned())] {
            let (name, value) = key.confirmation();
            let claims = Map::from_iter([("cnf".to_owned(), json!({ name: value }))]);
            assert_eq!(BoundKey::of_claims(&claims), Some(key));
        }
        assert_eq!(BoundKey::of_claims(&Map::new()), None);
    }

    #[test]
    fn other_confirmations_have_no_known_key() {
        for cnf in [
            json!({}),
            json!({ "kid": "a" }),
            json!({ "jkt": 1 }),
            json!("a"),
            json!({ "jkt": "a", "kid": "b" }),
            json!({ "jkt": "a", "x5t#S256": "b" }),
        ] {
            let claims = Map::from_iter([("cnf".to_owned(), cnf.clone())]);
            assert_eq!(BoundKey::of_claims(&claims), None, "{cnf}");
        }
    }
}
