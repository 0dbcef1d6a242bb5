//! Verifies JWS that clients sign, with their public keys or their client secret (RFC 7515 §5.2).
//! The caller parses the header and decides which algorithms are allowed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse},
};
use serde_json::{Map, Value};

use super::client_certificate::{ParsedCertificate, RegisteredCertificate, is_strong_modulus};
use crate::model::JwsAlgorithm;

/// Maximum number of keys parsed from one JWK Set; the rest are ignored.
const MAX_KEYS: usize = 32;
/// Maximum number of keys that are tried for one JWS. If several keys fit, a JWS names its own by `kid` (OIDC
/// Core §10.1), so a set of many keys does not make a stranger's JWS costly.
const MAX_CANDIDATES: usize = 4;

/// The reason a signature was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// No key of the set matches the algorithm and `kid`. The set may have changed since it was
    /// fetched.
    #[error("no known key matches")]
    UnknownKey,
    /// The key with the given `kid` exists, but the signature was not made with it.
    #[error("the signature does not match")]
    BadSignature,
    /// More keys match than are tried, and none of those that were tried made the signature.
    #[error("more than {} keys match; name one by kid, and give each key its own", MAX_CANDIDATES)]
    TooManyKeys,
}

/// A client's parsed public keys.
#[derive(Clone, Default)]
pub struct PublicKeys(Vec<PublicKey>);

#[derive(Clone)]
struct PublicKey {
    kid: Option<String>,
    algorithm: Option<String>,
    family: Family,
    issuer: Option<String>,
    key: DecodingKey,
    certificate: RegisteredCertificate,
    /// Whether it signs JWT-SVIDs only.
    is_svid: bool,
}

/// `use` of the keys of a SPIFFE bundle (SPIFFE Trust Domain and Bundle §4.2.2).
const SVID_USE: &str = "jwt-svid";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl std::fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.kid)).finish()
    }
}

impl PublicKeys {
    /// Parses the keys of a JWK Set that can verify signatures. Other keys are ignored (RFC 7517
    /// §5), and so are RSA keys of less than 2048 bits (RFC 7518 §3.3).
    pub fn parse(set: &Value) -> Self {
        let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten();
        Self(keys.take(MAX_KEYS).filter_map(public_key).collect())
    }

    /// Parses the key that a JWS has as `jwk` in its header (RFC 7515 §4.1.3), which has no issuer and no certificate.
    /// The set is empty if the key cannot verify signatures.
    pub fn of_header(jwk: &Map<String, Value>) -> Self {
        Self(header_key(jwk).into_iter().collect())
    }

    /// Returns true if the set has no usable key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if a key signs other JWTs than JWT-SVIDs.
    pub fn has_signature_keys(&self) -> bool {
        self.0.iter().any(|key| !key.is_svid)
    }

    /// Returns true if a key is that of a certificate, or names the certificate (RFC 8705 §2.2.2).
    pub fn has_certificate(&self, certificate: &ParsedCertificate<'_>) -> bool {
        self.0.iter().any(|key| !key.is_svid && key.certificate.is(certificate))
    }

    /// Verifies a compact JWS with the keys that match `algorithm` and `kid`.
    pub fn verify(
        &self,
        jws: &str,
        algorithm: JwsAlgorithm,
        kid: Option<&str>,
    ) -> Result<(), JwsError> {
        self.verify_with(jws, (algorithm, kid), |key| !key.is_svid)
    }

    /// Verifies a JWT-SVID, which the keys of a SPIFFE bundle sign too.
    pub fn verify_svid(
        &self,
        jws: &str,
        algorithm: JwsAlgorithm,
        kid: Option<&str>,
    ) -> Result<(), JwsError> {
        self.verify_with(jws, (algorithm, kid), |_| true)
    }

    /// Verifies a compact JWS with the keys that match `algorithm` and `kid`, and that have no `issuer`
    /// or one that `counts`. The keys of Microsoft Entra have this member.
    pub fn verify_by(
        &self,
        jws: &str,
        named: (JwsAlgorithm, Option<&str>),
        counts: impl Fn(&str) -> bool,
    ) -> Result<(), JwsError> {
        let counted = |key: &PublicKey| key.issuer.as_deref().is_none_or(&counts);
        self.verify_with(jws, named, |key| !key.is_svid && counted(key))
    }

    fn verify_with(
        &self,
        jws: &str,
        (algorithm, kid): (JwsAlgorithm, Option<&str>),
        may_sign: impl Fn(&PublicKey) -> bool,
    ) -> Result<(), JwsError> {
        let (family, wire) = asymmetric(algorithm).ok_or(JwsError::UnknownKey)?;
        let fits = |key: &&PublicKey| {
            let meant = key.algorithm.as_deref().is_none_or(|own| is_for(own, wire));
            key.family == family && may_sign(key) && meant
        };
        let is_named = |key: &PublicKey| kid.is_some() && key.kid.as_deref() == kid;
        let has_named = self.0.iter().filter(fits).any(is_named);
        let candidates = self.0.iter().filter(fits).filter(|key| {
            if has_named { is_named(key) } else { kid.is_none() || key.kid.is_none() }
        });
        for (tried, key) in candidates.enumerate() {
            if tried == MAX_CANDIDATES {
                return Err(JwsError::TooManyKeys);
            }
            if check(jws, &key.key, wire).is_ok() {
                return Ok(());
            }
        }
        // A key without a `kid` may have been replaced, so the caller should fetch the set again.
        Err(if has_named { JwsError::BadSignature } else { JwsError::UnknownKey })
    }
}

/// Verifies a compact JWS with a shared secret (HS256, HS384, HS512).
pub fn verify_with_secret(
    jws: &str,
    algorithm: JwsAlgorithm,
    secret: &[u8],
) -> Result<(), JwsError> {
    let wire = match algorithm {
        JwsAlgorithm::HS256 => Algorithm::HS256,
        JwsAlgorithm::HS384 => Algorithm::HS384,
        JwsAlgorithm::HS512 => Algorithm::HS512,
        _ => return Err(JwsError::UnknownKey),
    };
    check(jws, &DecodingKey::from_secret(secret), wire)
}

fn check(jws: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<(), JwsError> {
    let (message, signature) = jws.rsplit_once('.').ok_or(JwsError::BadSignature)?;
    let verified = jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm);
    if verified.unwrap_or(false) { Ok(()) } else { Err(JwsError::BadSignature) }
}

/// Returns true if a key's `alg` names this algorithm, under any of its names.
fn is_for(own: &str, wire: Algorithm) -> bool {
    own.parse().ok().and_then(asymmetric).is_some_and(|(_, own)| own == wire)
}

fn public_key(jwk: &Value) -> Option<PublicKey> {
    let algorithm = jwk.get("alg").and_then(Value::as_str).map(str::to_owned);
    let certificate = RegisteredCertificate::of(jwk);
    let issuer = jwk.get("issuer").map(|issuer| issuer.as_str().unwrap_or_default().to_owned());
    let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    let is_svid = match &jwk.common.public_key_use {
        None | Some(PublicKeyUse::Signature) => false,
        Some(PublicKeyUse::Other(usage)) if usage == SVID_USE => true,
        Some(_) => return None,
    };
    let family = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
            is_strong_modulus(&modulus).then_some(Family::Rsa)?
        }
        AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
            jsonwebtoken::jwk::EllipticCurve::P256 => Family::P256,
            jsonwebtoken::jwk::EllipticCurve::P384 => Family::P384,
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(pair) => match pair.curve {
            jsonwebtoken::jwk::EllipticCurve::Ed25519 => Family::Ed25519,
            _ => return None,
        },
        _ => return None,
    };
    Some(PublicKey {
        family,
        key: DecodingKey::from_jwk(&jwk).ok()?,
        algorithm,
        issuer,
        certificate,
        kid: jwk.common.key_id,
        is_svid,
    })
}

fn header_key(jwk: &Map<String, Value>) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    // A member that is null is treated as absent, as in a set.
    if jwk.get("use").is_some_and(|usage| !usage.is_null() && usage != "sig") {
        return None;
    }
    let ec = || DecodingKey::from_ec_components(text("x")?, text("y")?).ok();
    let (family, key) = match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) => (Family::P256, ec()?),
        ("EC", Some("P-384")) => (Family::P384, ec()?),
        ("OKP", Some("Ed25519")) => {
            (Family::Ed25519, DecodingKey::from_ed_components(text("x")?).ok()?)
        }
        ("RSA", _) => {
            let [modulus, exponent] = [text("n")?, text("e")?];
            let has_strong_modulus = is_strong_modulus(&URL_SAFE_NO_PAD.decode(modulus).ok()?);
            let key = DecodingKey::from_rsa_components(modulus, exponent).ok()?;
            (has_strong_modulus.then_some(Family::Rsa)?, key)
        }
        _ => return None,
    };
    Some(PublicKey {
        family,
        key,
        algorithm: text("alg").map(str::to_owned),
        kid: None,
        issuer: None,
        certificate: RegisteredCertificate::None,
        is_svid: false,
    })
}

fn asymmetric(algorithm: JwsAlgorithm) -> Option<(Family, Algorithm)> {
    Some(match algorithm {
        JwsAlgorithm::RS256 => (Family::Rsa, Algorithm::RS256),
        JwsAlgorithm::RS384 => (Family::Rsa, Algorithm::RS384),
        JwsAlgorithm::RS512 => (Family::Rsa, Algorithm::RS512),
        JwsAlgorithm::PS256 => (Family::Rsa, Algorithm::PS256),
        JwsAlgorithm::PS384 => (Family::Rsa, Algorithm::PS384),
        JwsAlgorithm::PS512 => (Family::Rsa, Algorithm::PS512),
        JwsAlgorithm::ES256 => (Family::P256, Algorithm::ES256),
        JwsAlgorithm::ES384 => (Family::P384, Algorithm::ES384),
        JwsAlgorithm::EdDSA | JwsAlgorithm::Ed25519 => (Family::Ed25519, Algorithm::EdDSA),
        JwsAlgorithm::None | JwsAlgorithm::HS256 | JwsAlgorithm::HS384 | JwsAlgorithm::HS512 => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;
    use crate::{keys::material::PrivateKey, model::SigningAlgorithm};

    const ED_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn set(kid: &str) -> PublicKeys {
        PublicKeys::parse(&json!({ "keys": [
            { "kty": "oct", "k": "AAAA" },
            { "kty": "OKP", "crv": "Ed25519", "x": ED_X, "kid": kid, "use": "sig" },
            { "kty": "what" },
        ] }))
    }

    fn signed() -> String {
        let key = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).expect("a key");
        encode(&Header::new(Algorithm::EdDSA), &json!({ "a": 1 }), &key).expect("a JWS")
    }

    #[test]
    fn verifies_with_the_key_of_the_given_kid() {
        let jws = signed();
        assert_eq!(set("a").verify(&jws, JwsAlgorithm::EdDSA, Some("a")), Ok(()));
        assert_eq!(set("a").verify(&jws, JwsAlgorithm::EdDSA, None), Ok(()));
        let unknown = set("a").verify(&jws, JwsAlgorithm::EdDSA, Some("b"));
        assert_eq!(unknown, Err(JwsError::UnknownKey));
    }

    #[test]
    fn a_key_with_an_issuer_counts_if_the_issuer_does() {
        let jws = signed();
        let verify = |issuer: &Value| {
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X, "issuer": issuer });
            let keys = PublicKeys::parse(&json!({ "keys": [key] }));
            assert_eq!(keys.verify(&jws, JwsAlgorithm::EdDSA, None), Ok(()));
            keys.verify_by(&jws, (JwsAlgorithm::EdDSA, None), |issuer| issuer == "https://one.test")
        };
        assert_eq!(verify(&json!("https://one.test")), Ok(()));
        for other in [json!("https://two.test"), json!(null), json!(["https://one.test"])] {
            assert_eq!(verify(&other), Err(JwsError::UnknownKey), "{other}");
        }
        let counts = |_: &str| false;
        assert_eq!(set("a").verify_by(&jws, (JwsAlgorithm::EdDSA, None), counts), Ok(()));
    }

    #[test]
    fn few_keys_are_tried_for_a_signature() {
        let other = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";
        let key = |x: &str, kid: Option<&str>| {
            let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
            if let Some(kid) = kid {
                key["kid"] = json!(kid);
            }
            key
        };
        let verify = |others: &[Value], kid: Option<&str>| {
            let keys = [others, &[key(ED_X, Some("a"))]].concat();
            PublicKeys::parse(&json!({ "keys": keys })).verify(&signed(), JwsAlgorithm::EdDSA, kid)
        };
        let nameless = vec![key(other, None); 4];
        assert_eq!(verify(&nameless[1..], None), Ok(()), "the fourth");
        assert_eq!(verify(&nameless, None), Err(JwsError::TooManyKeys), "the fifth");
        assert_eq!(verify(&nameless, Some("a")), Ok(()), "only the key that is named is tried");
        assert_eq!(verify(&nameless, Some("b")), Err(JwsError::UnknownKey), "those without a name");
        let namesakes = vec![key(other, Some("a")); 4];
        assert_eq!(verify(&namesakes, Some("a")), Err(JwsError::TooManyKeys));
        let thirty = vec![key(other, Some("b")); 30];
        assert_eq!(verify(&thirty, Some("a")), Ok(()));
    }

    #[test]
    fn ed25519_has_two_names() {
        // RFC 9864 §2.2: openid-client sends `Ed25519`, other clients send `EdDSA`.
        let jws = signed();
        for named in [None, Some("EdDSA"), Some("Ed25519")] {
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X, "alg": named });
            let keys = PublicKeys::parse(&json!({ "keys": [key] }));
            for algorithm in [JwsAlgorithm::EdDSA, JwsAlgorithm::Ed25519] {
                assert_eq!(keys.verify(&jws, algorithm, None), Ok(()), "{named:?} {algorithm}");
            }
        }
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X, "alg": "ES256" });
        let keys = PublicKeys::parse(&json!({ "keys": [key] }));
        assert!(
            keys.verify(&jws, JwsAlgorithm::Ed25519, None).is_err(),
            "the key is for another algorithm"
        );
    }

    #[test]
    fn keys_of_a_spiffe_bundle_verify_only_jwt_svids() {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X, "use": "jwt-svid" });
        let keys = PublicKeys::parse(&json!({ "keys": [key] }));
        assert!(!keys.is_empty() && !keys.has_signature_keys());
        let jws = signed();
        assert_eq!(keys.verify_svid(&jws, JwsAlgorithm::EdDSA, None), Ok(()));
        assert_eq!(keys.verify(&jws, JwsAlgorithm::EdDSA, None), Err(JwsError::UnknownKey));
        assert_eq!(set("a").verify_svid(&jws, JwsAlgorithm::EdDSA, Some("a")), Ok(()));
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X, "use": "x509-svid" });
        assert!(PublicKeys::parse(&json!({ "keys": [key] })).is_empty());
    }

    #[test]
    fn rejects_altered_content_and_other_algorithms() {
        let jws = signed();
        let altered =
            format!("{}.{}", URL_SAFE_NO_PAD.encode("{}"), jws.split_once('.').expect("two").1);
        let bad = set("a").verify(&altered, JwsAlgorithm::EdDSA, Some("a"));
        assert_eq!(bad, Err(JwsError::BadSignature));
        let nameless = set("a").verify(&altered, JwsAlgorithm::EdDSA, None);
        assert_eq!(nameless, Err(JwsError::UnknownKey), "the key may have changed");
        for algorithm in [JwsAlgorithm::None, JwsAlgorithm::HS256, JwsAlgorithm::RS256] {
            let refused = set("a").verify(&jws, algorithm, None);
            assert_eq!(refused, Err(JwsError::UnknownKey), "{algorithm}");
        }
    }

    /// The verdict of a key in the header of a JWS, which is that of a set with the same key.
    fn verified_by(jwk: &Value, jws: &str, algorithm: JwsAlgorithm) -> Result<(), JwsError> {
        let in_header = PublicKeys::of_header(jwk.as_object().expect("an object"));
        let in_set = PublicKeys::parse(&json!({ "keys": [jwk] }));
        let verdict = in_header.verify(jws, algorithm, None);
        assert_eq!(verdict, in_set.verify(jws, algorithm, None), "{jwk}");
        verdict
    }

    #[test]
    fn a_key_in_the_header_verifies_as_one_of_a_set_does() {
        let jws = signed();
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X });
        assert_eq!(verified_by(&key, &jws, JwsAlgorithm::EdDSA), Ok(()));
        for (member, value, is_right) in [
            ("use", json!("sig"), true),
            ("use", json!(null), true),
            ("use", json!("enc"), false),
            ("use", json!("jwt-svid"), false),
            ("use", json!(1), false),
            ("alg", json!("EdDSA"), true),
            ("alg", json!("Ed25519"), true),
            ("alg", json!(null), true),
            ("alg", json!("ES256"), false),
            ("crv", json!("P-256"), false),
            ("crv", json!("X25519"), false),
            ("kty", json!("EC"), false),
            ("x", json!("PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"), false),
            ("x", json!("AAAA"), false),
            ("x", json!("!"), false),
        ] {
            let mut changed = key.clone();
            changed[member] = value.clone();
            let verdict = verified_by(&changed, &jws, JwsAlgorithm::EdDSA);
            assert_eq!(verdict.is_ok(), is_right, "{member}: {value}");
        }
        assert_eq!(verified_by(&json!({}), &jws, JwsAlgorithm::EdDSA), Err(JwsError::UnknownKey));
        // It is the key of the JWS whatever either of them is called.
        let named = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X, "kid": "any" });
        let named = PublicKeys::of_header(named.as_object().expect("an object"));
        assert_eq!(named.verify(&jws, JwsAlgorithm::EdDSA, Some("other")), Ok(()));
        let weak = json!({ "kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([255; 128]) });
        assert!(PublicKeys::of_header(weak.as_object().expect("an object")).is_empty());
    }

    #[test]
    fn keys_of_other_types_in_the_header_verify_too() {
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        let (x, y) = p384.public_key().as_ref()[1..].split_at(48);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let p384_jwk = json!({ "kty": "EC", "crv": "P-384", "x": x, "y": y });
        let p384 = EncodingKey::from_ec_der(p384.to_pkcs8v1().expect("a document").as_ref());
        let rsa = PrivateKey::generate(SigningAlgorithm::RS256).expect("a key");
        let rsa_jwk = rsa.public_jwk();
        let pem = rsa.to_pem().expect("a document");
        let rsa = EncodingKey::from_rsa_pem(pem.expose().as_bytes()).expect("a key");
        for (jwk, key, algorithm, other) in [
            (&p384_jwk, &p384, JwsAlgorithm::ES384, JwsAlgorithm::ES256),
            (&rsa_jwk, &rsa, JwsAlgorithm::RS256, JwsAlgorithm::PS256),
            (&rsa_jwk, &rsa, JwsAlgorithm::PS256, JwsAlgorithm::RS256),
        ] {
            let (_, wire) = asymmetric(algorithm).expect("it has public keys");
            let jws = encode(&Header::new(wire), &json!({ "a": 1 }), key).expect("a JWS");
            assert_eq!(verified_by(jwk, &jws, algorithm), Ok(()), "{algorithm}");
            assert_eq!(verified_by(jwk, &jws, other), Err(JwsError::UnknownKey), "{algorithm}");
            let (_, end) = jws.split_once('.').expect("three parts");
            let altered = format!("{}.{end}", URL_SAFE_NO_PAD.encode("{}"));
            assert!(verified_by(jwk, &altered, algorithm).is_err(), "{algorithm}");
        }
    }

    #[test]
    fn weak_rsa_keys_are_ignored() {
        // RFC 7518 §3.3
        for (modulus, is_strong) in [
            ([255_u8; 256].to_vec(), true),
            ([&[0_u8][..], &[128; 256]].concat(), true),
            ([255_u8; 128].to_vec(), false),
            ([&[127_u8][..], &[255; 255]].concat(), false),
            ([&[0_u8; 128][..], &[255; 128]].concat(), false),
            (Vec::new(), false),
        ] {
            let key = json!({ "kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(&modulus) });
            let keys = PublicKeys::parse(&json!({ "keys": [key] }));
            assert_eq!(keys.has_signature_keys(), is_strong, "{key}");
        }
    }

    #[test]
    fn a_public_key_is_not_accepted_as_shared_secret() {
        // RFC 8725 §2.1
        let key = EncodingKey::from_secret(ED_X.as_bytes());
        let jws = encode(&Header::new(Algorithm::HS256), &json!({}), &key).expect("a JWS");
        assert!(set("a").verify(&jws, JwsAlgorithm::HS256, None).is_err());
        assert_eq!(verify_with_secret(&jws, JwsAlgorithm::HS256, ED_X.as_bytes()), Ok(()));
        assert!(verify_with_secret(&jws, JwsAlgorithm::HS256, b"other").is_err());
        assert!(verify_with_secret(&jws, JwsAlgorithm::None, ED_X.as_bytes()).is_err());
    }
}
