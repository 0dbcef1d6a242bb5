//! The thumbprint of a public key (RFC 7638): the hash of the members of its JWK that are part of the key.

use serde_json::{Map, Value};

use super::sha256_base64url;

/// Returns the SHA-256 thumbprint of a JWK in base64url (RFC 7638 §3); `None` if the key is of no supported type, or a
/// member of the key is missing or not in base64url.
pub fn jwk_thumbprint(jwk: &Map<String, Value>) -> Option<String> {
    // The required members in lexicographic order.
    let members: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let mut text = String::with_capacity(256);
    for name in members {
        let value = jwk.get(*name)?.as_str()?;
        // Base64url has no characters that JSON escapes.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if value.is_empty() || !value.bytes().all(is_plain) {
            return None;
        }
        let separator = if text.is_empty() { '{' } else { ',' };
        text.push(separator);
        text.extend(["\"", name, "\":\"", value, "\""]);
    }
    text.push('}');
    Some(sha256_base64url(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn thumbprint(jwk: &Value) -> Option<String> {
        jwk_thumbprint(jwk.as_object().expect("an object"))
    }

    #[test]
    fn the_examples_have_their_thumbprints() {
        // RFC 7638 §3.1; RFC 8037 Appendix A.3
        let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let rsa =
            json!({ "kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" });
        let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(thumbprint(&rsa).as_deref(), Some(expected));
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig" });
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(&ed).as_deref(), Some(expected));
    }

    #[test]
    fn a_jwk_without_a_complete_key_has_none() {
        for jwk in [
            json!({}),
            json!({ "kty": "oct", "k": "AAAA" }),
            json!({ "kty": "EC", "crv": "P-256", "x": "AAAA" }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "" }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": 1 }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "a\",\"y\":\"b" }),
        ] {
            assert_eq!(thumbprint(&jwk), None, "{jwk}");
        }
    }
}
