//! DPoP proofs (RFC 9449 §4). A proof is a JWT that shows, for one request, that the client has a key. The
//! signature is verified by the caller, with the key that the proof contains itself.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use url::Url;

use super::{
    error::{ErrorCode, OAuthError, abbreviate_value},
    jwt::{JWT_CLOCK_LEEWAY, UnverifiedJwt},
};
use crate::model::{Client, Fapi2Rules, JwsAlgorithm, Timestamp, jwk_thumbprint, sha256_base64url};

/// The signature algorithms of DPoP proofs that are accepted, as discovery announces them (RFC 9449 §5.1).
pub const PROOF_ALGORITHMS: [JwsAlgorithm; 6] = [
    JwsAlgorithm::ES256,
    JwsAlgorithm::ES384,
    JwsAlgorithm::EdDSA,
    JwsAlgorithm::Ed25519,
    JwsAlgorithm::PS256,
    JwsAlgorithm::RS256,
];
/// The algorithms of proofs that a tenant with these rules of FAPI 2.0 accepts (Security Profile §5.4.1).
pub fn proof_algorithms(rules: Option<Fapi2Rules>) -> impl Iterator<Item = JwsAlgorithm> {
    PROOF_ALGORITHMS.into_iter().filter(move |it| rules.is_none() || it.is_fapi2())
}

/// The media type of proofs (RFC 9449 §4.2).
const JWT_TYPE: &str = "dpop+jwt";
/// The age from which a proof is refused.
const MAX_AGE: Duration = Duration::from_mins(2);
/// Maximum length of a proof, in bytes. One with an RSA key of 4096 bits has less than 2 KiB.
const MAX_LEN: usize = 4 * 1024;
/// Maximum length of `jti` in bytes.
const MAX_JTI_LEN: usize = 512;
/// Maximum length of the base64url-encoded modulus of an RSA key: 4096 bits. Strangers choose the key.
const MAX_MODULUS_LEN: usize = 684;
/// Minimum length of the base64url-encoded modulus of an RSA key: 2048 bits (RFC 7518 §3.3).
const MIN_MODULUS_LEN: usize = 342;
/// Maximum number of JSON values in the header or the claims.
const MAX_JSON_VALUES: usize = 64;
/// Members of private and symmetric JWKs (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A proof as it was sent. Its signature is not verified.
#[derive(Clone, Debug)]
pub struct DpopProof {
    /// The parsed header and claims of the proof. `typ` is `dpop+jwt`, and `alg` is one of [`PROOF_ALGORITHMS`].
    pub jwt: UnverifiedJwt,
    /// The members of the public key: the header parameter `jwk`.
    pub jwk: Map<String, Value>,
    /// The JWK thumbprint of the key with SHA-256, in base64url (RFC 7638).
    pub thumbprint: String,
}

/// The request that a proof has to be for.
#[derive(Clone, Copy, Debug)]
pub struct ProofTarget<'a> {
    /// The HTTP method of the request in upper case, to compare with `htm`.
    pub method: &'a str,
    /// The URLs of the endpoint: its own, and those inside the cluster.
    pub urls: &'a [String],
    /// The access token of the request, whose hash `ath` must be; `None` where no access token is sent.
    pub access_token: Option<&'a str>,
}

/// The key under which a used proof is recorded, to detect replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedProof {
    /// The base64url SHA-256 of the key's thumbprint and `jti`.
    pub id: String,
    /// The time from which the proof is too old, so that the record is no longer needed.
    pub expires_at: Timestamp,
}

/// Returns the error for an unusable proof (RFC 9449 §5).
pub fn invalid_dpop_proof(text: impl Into<String>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidDpopProof, text)
}

/// Rule: the proof of a client has an algorithm that its profile allows (FAPI 2.0 Security Profile §5.4.1).
pub fn check_proof_algorithm(client: &Client, algorithm: JwsAlgorithm) -> Result<(), OAuthError> {
    if client.may_sign_with(algorithm) {
        return Ok(());
    }
    let text = format!("'alg' of the DPoP proof is {algorithm}; it must be PS256, ES256 or EdDSA.");
    Err(invalid_dpop_proof(text))
}

impl DpopProof {
    /// Reads a proof (RFC 9449 §4.3, rules 2 to 5 and 7).
    pub fn read(text: &str) -> Result<Self, OAuthError> {
        if text.len() > MAX_LEN {
            return Err(invalid_dpop_proof("The DPoP proof is too long."));
        }
        let malformed = || invalid_dpop_proof("The DPoP proof is not a JWT with a known 'alg'.");
        let read = UnverifiedJwt::read_with_header(text, MAX_JSON_VALUES);
        let (jwt, mut header) = read.ok_or_else(malformed)?;
        if jwt.typ.as_deref() != Some(JWT_TYPE) {
            return Err(invalid_dpop_proof("'typ' of the DPoP proof must be 'dpop+jwt'."));
        }
        if !PROOF_ALGORITHMS.contains(&jwt.algorithm) {
            let text = format!(
                "'alg' of the DPoP proof is {}; use one of dpop_signing_alg_values_supported in the metadata of the issuer.",
                jwt.algorithm
            );
            return Err(invalid_dpop_proof(text));
        }
        let Some(Value::Object(jwk)) = header.remove("jwk") else {
            let text = "The header of the DPoP proof must have the public key as 'jwk'.";
            return Err(invalid_dpop_proof(text));
        };
        if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
            let text = "'jwk' of the DPoP proof contains a private key, which is known to others now; make a new one.";
            return Err(invalid_dpop_proof(text));
        }
        let unusable =
            || invalid_dpop_proof("'jwk' of the DPoP proof is not a supported public key.");
        let thumbprint = jwk_thumbprint(&jwk).filter(|_| has_allowed_lengths(&jwk));
        let thumbprint = thumbprint.ok_or_else(unusable)?;
        Ok(Self { jwt, jwk, thumbprint })
    }

    /// Checks the claims of a proof whose signature was verified (RFC 9449 §4.3, rules 3, 8, 9, 11 and 12).
    pub fn check_claims(
        &self,
        target: ProofTarget<'_>,
        now: Timestamp,
    ) -> Result<UsedProof, OAuthError> {
        let missing = |name: &str| {
            invalid_dpop_proof(format!("The DPoP proof must have the claim '{name}'."))
        };
        let claim = |name: &str| self.jwt.text(name).ok_or_else(|| missing(name));
        let (method, url) = (claim("htm")?, claim("htu")?);
        if method != target.method {
            let (sent, expected) = (abbreviate_value(method), target.method);
            let text =
                format!("'htm' of the DPoP proof is '{sent}'; the request's method is {expected}.");
            return Err(invalid_dpop_proof(text));
        }
        if !is_of_endpoint(url, target.urls) {
            let (sent, expected) = (abbreviate_value(url), target.urls.first());
            let expected = expected.map_or("", String::as_str);
            let text = format!("'htu' of the DPoP proof is '{sent}'; it must be '{expected}'.");
            return Err(invalid_dpop_proof(text));
        }
        if let Some(token) = target.access_token
            && claim("ath")? != sha256_base64url(token)
        {
            let text = "'ath' of the DPoP proof is not the hash of the access token that was sent.";
            return Err(invalid_dpop_proof(text));
        }
        let issued_at = self.issued_at(now)?;
        self.check_validity(now)?;
        let jti = claim("jti")?;
        if !(1..=MAX_JTI_LEN).contains(&jti.len()) {
            return Err(invalid_dpop_proof("'jti' of the DPoP proof must have 1 to 512 bytes."));
        }
        let id = sha256_base64url(format!("{}\0{jti}", self.thumbprint));
        Ok(UsedProof { id, expires_at: issued_at.plus(MAX_AGE) })
    }

    /// Checks `iat`: at most [`JWT_CLOCK_LEEWAY`] ahead of `now`, and less than [`MAX_AGE`] behind it.
    fn issued_at(&self, now: Timestamp) -> Result<Timestamp, OAuthError> {
        let issued_at = self
            .jwt
            .time("iat")
            .ok_or_else(|| invalid_dpop_proof("The DPoP proof must have a time as 'iat'."))?;
        let (ahead, behind) =
            (issued_at.saturating_sub(now.secs()), now.secs().saturating_sub(issued_at));
        if ahead > seconds(JWT_CLOCK_LEEWAY) {
            let text = format!(
                "'iat' of the DPoP proof is {ahead} s in the future; check the clock of the client."
            );
            return Err(invalid_dpop_proof(text));
        }
        if behind >= seconds(MAX_AGE) {
            let text = format!(
                "The DPoP proof is {behind} s old, and is accepted for {} s; make a new one for each request, and check the clock of the client.",
                MAX_AGE.as_secs()
            );
            return Err(invalid_dpop_proof(text));
        }
        Ok(Timestamp::from_secs(issued_at))
    }

    /// Checks `nbf` and `exp`, which a proof need not have (RFC 7519 §4.1.4, §4.1.5). Only clocks that are ahead get
    /// leeway.
    fn check_validity(&self, now: Timestamp) -> Result<(), OAuthError> {
        let time = |name: &str| match self.jwt.claims.get(name) {
            None => Ok(None),
            Some(_) => self.jwt.time(name).map(Some).ok_or_else(|| {
                invalid_dpop_proof(format!("'{name}' of the DPoP proof must be a time."))
            }),
        };
        let ahead = time("nbf")?.map_or(0, |start| start.saturating_sub(now.secs()));
        if ahead > seconds(JWT_CLOCK_LEEWAY) {
            let text = format!(
                "'nbf' of the DPoP proof is {ahead} s in the future; check the clock of the client."
            );
            return Err(invalid_dpop_proof(text));
        }
        if time("exp")?.is_some_and(|end| end <= now.secs()) {
            let text = "The DPoP proof has expired by its claim 'exp'; make a new one for each request, and check the clock of the client.";
            return Err(invalid_dpop_proof(text));
        }
        Ok(())
    }
}

/// A time limit in seconds.
fn seconds(limit: Duration) -> i64 {
    i64::try_from(limit.as_secs()).unwrap_or(i64::MAX)
}

/// Returns true if `htu` is one of an endpoint's URLs.
fn is_of_endpoint(htu: &str, urls: &[String]) -> bool {
    // Nearly all clients send the URL that discovery names, which needs no parsing.
    urls.iter().any(|url| url == htu)
        || endpoint_of(htu).is_some_and(|own| {
            urls.iter().any(|url| endpoint_of(url).is_some_and(|url| url == own))
        })
}

/// A URL without query and fragment, in its normal form (RFC 9449 §4.3, rule 9; RFC 3986 §6.2).
fn endpoint_of(url: &str) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// Rule: strangers choose the key, so the length of its members is bounded. The modulus of RSA has a minimum too.
fn has_allowed_lengths(jwk: &Map<String, Value>) -> bool {
    let is_within = |name: &str, least: usize| {
        let value = jwk.get(name).and_then(Value::as_str);
        value.is_none_or(|value| (least..=MAX_MODULUS_LEN).contains(&value.len()))
    };
    is_within("n", MIN_MODULUS_LEN)
        && ["crv", "e", "x", "y"].into_iter().all(|name| is_within(name, 1))
}

/// Returns true if a text has the form of a JWK thumbprint with SHA-256.
pub fn is_thumbprint(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const TOKEN_ENDPOINT: &str = "https://id.test/oauth/token";
    /// The public key of RFC 8037, Appendix A.3; its thumbprint is in Appendix A.3 too.
    const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const ED_THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    fn jwk() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X })
    }

    fn written(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    fn read(header: &Value, claims: &Value) -> Result<DpopProof, String> {
        DpopProof::read(&written(header, claims)).map_err(|error| error.public)
    }

    fn header() -> Value {
        json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk() })
    }

    fn claims() -> Value {
        json!({ "jti": "one", "htm": "POST", "htu": TOKEN_ENDPOINT, "iat": NOW.secs() })
    }

    fn check(claims: &Value, access_token: Option<&str>) -> Result<UsedProof, String> {
        let urls = [TOKEN_ENDPOINT.to_owned(), "http://lanyard.sso.svc/a/b/oauth/token".to_owned()];
        let target = ProofTarget { method: "POST", urls: &urls, access_token };
        let proof = read(&header(), claims).expect("it is read");
        proof.check_claims(target, NOW).map_err(|error| error.public)
    }

    /// The claims with one of them changed.
    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn the_thumbprint_names_the_key() {
        // RFC 8037 A.3, RFC 7638 §3.1
        assert_eq!(read(&header(), &claims()).expect("it is read").thumbprint, ED_THUMBPRINT);
        let rsa = json!({ "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" });
        let thumbprint = jwk_thumbprint(rsa.as_object().expect("an object"));
        assert_eq!(thumbprint.as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        assert!(is_thumbprint(ED_THUMBPRINT) && !is_thumbprint("abc") && !is_thumbprint(""));
    }

    #[test]
    fn reads_only_proofs_with_a_public_key() {
        // RFC 9449 §4.3
        for (name, value, words) in [
            ("typ", json!("JWT"), "'typ'"),
            ("typ", Value::Null, "'typ'"),
            ("typ", json!("application/dpop+jwt"), "'typ'"),
            ("alg", json!("HS256"), "'alg' of the DPoP proof is HS256"),
            ("alg", json!("unknown"), "known 'alg'"),
            ("alg", json!("none"), "known 'alg'"),
            ("jwk", Value::Null, "must have the public key"),
            ("jwk", json!("x"), "must have the public key"),
            ("jwk", json!({ "kty": "oct", "k": "AAAA" }), "a private key"),
            (
                "jwk",
                json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X, "d": "x" }),
                "a private key",
            ),
            ("jwk", json!({ "kty": "what", "x": ED_X }), "not a supported public key"),
            ("jwk", json!({ "kty": "OKP", "crv": "Ed25519" }), "not a supported public key"),
            ("jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": "a\"b" }), "not a supported"),
            ("jwk", json!({ "kty": "RSA", "e": "AQAB", "n": "n".repeat(685) }), "not a supported"),
            ("jwk", json!({ "kty": "RSA", "e": "AQAB", "n": "n".repeat(341) }), "not a supported"),
            ("crit", json!(["exp"]), "not a JWT"),
        ] {
            let mut header = header();
            header[name] = value;
            let refused = read(&header, &claims()).expect_err("it is refused");
            assert!(refused.contains(words), "{header}: {refused}");
        }
        let padding = json!({ "x": "x".repeat(MAX_LEN) });
        assert!(read(&header(), &padding).is_err_and(|it| it.contains("too long")));
    }

    #[test]
    fn a_proof_is_for_one_request() {
        // RFC 9449 §4.3
        assert!(check(&claims(), None).is_ok());
        for url in [
            "https://id.test/oauth/token?a=b#c",
            "HTTPS://ID.test:443/oauth/token",
            "https://id.test/x/../oauth/token",
            "http://lanyard.sso.svc/a/b/oauth/token",
        ] {
            assert!(check(&with("htu", json!(url)), None).is_ok(), "{url}");
        }
        for (name, value, words) in [
            ("htm", json!("GET"), "'htm'"),
            ("htm", json!("post"), "'htm'"),
            ("htm", json!(1), "'htm'"),
            ("htu", json!("https://id.test/oauth/token/"), "'htu'"),
            ("htu", json!("https://id.test/oauth/userinfo"), "'htu'"),
            ("htu", json!("https://evil.test/oauth/token"), "'htu'"),
            ("htu", json!("http://id.test/oauth/token"), "'htu'"),
            ("htu", json!("/oauth/token"), "'htu'"),
            ("jti", json!(""), "'jti'"),
            ("jti", json!("x".repeat(513)), "'jti'"),
            ("jti", Value::Null, "'jti'"),
            ("iat", Value::Null, "'iat'"),
            ("iat", json!(NOW.secs() + 61), "61 s in the future"),
            ("iat", json!(NOW.secs() - 120), "120 s old"),
            ("iat", json!(i64::MIN), "s old"),
            ("iat", json!(i64::MAX), "in the future"),
            ("nbf", json!(NOW.secs() + 61), "'nbf' of the DPoP proof is 61 s in the future"),
            ("nbf", json!("soon"), "'nbf' of the DPoP proof must be a time"),
            ("exp", json!(NOW.secs()), "has expired by its claim 'exp'"),
            ("exp", json!(i64::MIN), "has expired by its claim 'exp'"),
            ("exp", Value::Null, "'exp' of the DPoP proof must be a time"),
        ] {
            let refused = check(&with(name, value), None).expect_err("it is refused");
            assert!(refused.contains(words), "{name} {words}: {refused}");
        }
        for (name, time) in [("nbf", NOW.secs() + 60), ("nbf", 0), ("exp", NOW.secs() + 1)] {
            assert!(check(&with(name, json!(time)), None).is_ok(), "{name} {time}");
        }
        for iat in [NOW.secs() + 60, NOW.secs() - 119] {
            let used = check(&with("iat", json!(iat)), None).expect("it counts");
            assert_eq!(used.expires_at.secs(), iat + 120);
        }
    }

    #[test]
    fn a_proof_with_a_token_names_its_hash() {
        // RFC 9449 §4.3, rule 12
        let hash = sha256_base64url("a token");
        assert!(check(&with("ath", json!(hash)), Some("a token")).is_ok());
        assert!(check(&with("ath", json!(hash)), Some("another")).is_err());
        assert!(check(&claims(), Some("a token")).is_err());
    }

    proptest! {
        #[test]
        fn reading_any_proof_never_panics(
            text in ".{0,200}",
            member in "typ|alg|jwk|crit",
            value in "[ -~]{0,60}",
            claim in "htm|htu|iat|nbf|exp|jti|ath",
            other in "[ -~]{0,60}",
        ) {
            let _ = DpopProof::read(&text);
            let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            let mut changed = header();
            changed[member] = json(&value);
            let _ = read(&changed, &claims());
            let _ = check(&with(&claim, json(&other)), Some("a token"));
        }
    }
}
