//! The signed userinfo response of a provider (OIDC Core §5.3.2). The signature is verified by the caller.

use serde_json::{Map, Value};

use super::{
    UpstreamMetadata,
    id_token::{audiences_of_token, is_asymmetric},
};
use crate::{
    model::{JwsAlgorithm, Timestamp},
    protocol::{
        identity_provider::OidcUpstream,
        jwt::{JWT_CLOCK_LEEWAY, UnverifiedJwt},
    },
};

/// Maximum number of JSON values in a response. People of some providers have thousands of groups, of
/// which a mapping includes a few.
const MAX_VALUES: usize = 10_000;

/// A userinfo response that meets every requirement but its signature.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedUserinfo {
    /// The algorithm of its signature.
    pub algorithm: JwsAlgorithm,
    /// `kid` of the header; `None` if the provider sends none.
    pub kid: Option<String>,
    /// The claims of the response. `sub` has not been compared with that of the ID token.
    pub claims: Map<String, Value>,
}

/// The reason why a signed userinfo response is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedUserinfoError {
    /// The response is not a signed JWT, or one of another type.
    #[error("the provider's userinfo response is not a signed JWT; encrypted ones are not read")]
    Malformed,
    /// The algorithm is `none`, a shared secret's, or not among the provider's.
    #[error(
        "the provider's userinfo response is signed with an algorithm that the provider does not announce"
    )]
    Algorithm,
    /// The issuer is another one.
    #[error("the provider's userinfo response is from another issuer")]
    Issuer,
    /// The audience is not the tenant's client.
    #[error("the provider's userinfo response is for another client")]
    Audience,
    /// The response has expired, or is from the future.
    #[error(
        "the provider's userinfo response has expired, or the clocks differ by more than a minute"
    )]
    Time,
}

/// Checks all requirements but the signature, and the `sub`, which unsigned responses have too. `issuer`:
/// that of the ID token. A response need not have `iss` and `aud`.
///
/// # Errors
///
/// [`SignedUserinfoError`]: the first requirement that is not met.
pub fn check_signed_userinfo(
    jwt: &str,
    (metadata, oidc): (&UpstreamMetadata, &OidcUpstream),
    issuer: &str,
    now: Timestamp,
) -> Result<SignedUserinfo, SignedUserinfoError> {
    let token = UnverifiedJwt::read_within(jwt, MAX_VALUES).filter(|it| it.accepts_typ("JWT"));
    let token = token.ok_or(SignedUserinfoError::Malformed)?;
    if !is_offered(metadata, token.algorithm) {
        return Err(SignedUserinfoError::Algorithm);
    }
    if token.claims.get("iss").is_some_and(|it| it.as_str() != Some(issuer)) {
        return Err(SignedUserinfoError::Issuer);
    }
    let is_for_other = || !audiences_of_token(&token).contains(&oidc.client_id.as_str());
    if token.claims.contains_key("aud") && is_for_other() {
        return Err(SignedUserinfoError::Audience);
    }
    if !is_within_validity(&token, now) {
        return Err(SignedUserinfoError::Time);
    }
    let UnverifiedJwt { algorithm, kid, claims, .. } = token;
    Ok(SignedUserinfo { algorithm, kid, claims })
}

/// Returns true for the algorithms of the metadata. Where it has none for userinfo, the client has chosen
/// one at the provider.
fn is_offered(metadata: &UpstreamMetadata, algorithm: JwsAlgorithm) -> bool {
    let offered = &metadata.userinfo_signing_alg_values_supported;
    is_asymmetric(algorithm)
        && (offered.is_empty() || offered.iter().any(|name| name.parse() == Ok(algorithm)))
}

/// Returns true unless a time that is there is wrong.
fn is_within_validity(token: &UnverifiedJwt, now: Timestamp) -> bool {
    let tolerance = i64::try_from(JWT_CLOCK_LEEWAY.as_secs()).unwrap_or_default();
    let now = now.secs();
    let holds = |name: &str, counts: &dyn Fn(i64) -> bool| {
        !token.claims.contains_key(name) || token.time(name).is_some_and(counts)
    };
    let is_begun = |at: i64| at <= now.saturating_add(tolerance);
    holds("exp", &|at| now < at.saturating_add(tolerance))
        && holds("iat", &is_begun)
        && holds("nbf", &is_begun)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::protocol::identity_provider::fixtures::sample_upstream;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const ISSUER: &str = "https://login.test";

    fn check_offered(
        offered: &Value,
        header: &Value,
        claims: &Value,
    ) -> Result<SignedUserinfo, SignedUserinfoError> {
        let document = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://login.test/a",
            "token_endpoint": "https://login.test/t", "jwks_uri": "https://login.test/j",
            "userinfo_signing_alg_values_supported": offered,
        });
        let metadata = UpstreamMetadata::parse(document.to_string().as_bytes()).expect("metadata");
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = if header["alg"] == "none" { "" } else { "c2ln" };
        let jwt = format!("{}.{}.{signature}", part(header), part(claims));
        check_signed_userinfo(&jwt, (&metadata, &sample_upstream(ISSUER)), ISSUER, NOW)
    }

    fn check(claims: &Value) -> Result<SignedUserinfo, SignedUserinfoError> {
        check_offered(&json!([]), &json!({"alg": "RS256"}), claims)
    }

    #[test]
    fn claims_about_the_response_have_to_hold() {
        // OIDC Core §5.3.2: `iss` and `aud` should be there.
        assert!(check(&json!({"sub": "1"})).is_ok());
        for good in [
            json!({"iss": ISSUER, "aud": "lanyard", "exp": 1_800_000_300, "iat": 1_800_000_000}),
            json!({"aud": ["other", "lanyard"]}),
        ] {
            assert!(check(&good).is_ok(), "{good}");
        }
        for (claims, error) in [
            (json!({"iss": "https://evil.test"}), SignedUserinfoError::Issuer),
            (json!({"iss": null}), SignedUserinfoError::Issuer),
            (json!({"aud": "other"}), SignedUserinfoError::Audience),
            (json!({"aud": []}), SignedUserinfoError::Audience),
            (json!({"exp": 1_799_999_900}), SignedUserinfoError::Time),
            (json!({"exp": "soon"}), SignedUserinfoError::Time),
            (json!({"iat": 1_800_000_100}), SignedUserinfoError::Time),
            (json!({"nbf": 1_800_000_100}), SignedUserinfoError::Time),
        ] {
            assert_eq!(check(&claims), Err(error), "{claims}");
        }
    }

    #[test]
    fn unsigned_responses_and_other_algorithms_are_refused() {
        let with = |alg: &str, typ: &str, offered: &Value| {
            check_offered(offered, &json!({"alg": alg, "typ": typ}), &json!({"sub": "1"}))
        };
        assert!(with("ES256", "JWT", &json!([])).is_ok());
        assert!(with("ES256", "JWT", &json!(["RS256", "ES256"])).is_ok());
        assert_eq!(with("ES256", "JWT", &json!(["RS256"])), Err(SignedUserinfoError::Algorithm));
        for alg in ["none", "HS256"] {
            let found = with(alg, "JWT", &json!([alg]));
            assert_eq!(found, Err(SignedUserinfoError::Algorithm), "{alg}");
        }
        for typ in ["at+jwt", "logout+jwt"] {
            let found = with("RS256", typ, &json!([]));
            assert_eq!(found, Err(SignedUserinfoError::Malformed), "{typ}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let read = |text: &str| {
            let document = json!({
                "issuer": ISSUER, "authorization_endpoint": "https://login.test/a",
                "token_endpoint": "https://login.test/t", "jwks_uri": "https://login.test/j",
            });
            let metadata = UpstreamMetadata::parse(document.to_string().as_bytes());
            let of = (&metadata.expect("metadata"), &sample_upstream(ISSUER));
            check_signed_userinfo(text, of, ISSUER, NOW)
        };
        // The last one is encrypted (RFC 7516 §3.1).
        for text in ["", "{}", r#"{"sub":"1"}"#, "a.b.c", "e30.e30.e30.e30.e30"] {
            assert_eq!(read(text), Err(SignedUserinfoError::Malformed), "{text}");
        }
    }
}
