//! The ID token of a provider (OIDC Core §3.1.3.7). The signature is verified by the caller.

use serde_json::{Map, Value};

use super::UpstreamMetadata;
use crate::{
    model::{JwsAlgorithm, Timestamp},
    protocol::{
        identity_provider::{IssuerTemplateError, OidcUpstream},
        jwt::{JWT_CLOCK_LEEWAY, UnverifiedJwt},
        token_hash::left_half_hash,
    },
};

/// Maximum size of an ID token, in bytes.
const MAX_LEN: usize = 64 * 1024;
/// Maximum number of JSON values in an ID token. People of some providers have thousands of groups, of
/// which a mapping includes a few.
const MAX_VALUES: usize = 10_000;

/// Requirements on an ID token.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamIdTokenRequirements<'a> {
    /// The metadata of the provider that was asked.
    pub metadata: &'a UpstreamMetadata,
    /// The provider, and this tenant as its client.
    pub oidc: &'a OidcUpstream,
    /// `nonce` of the request; `None` after a refresh.
    pub nonce: Option<&'a str>,
    /// The access token of the same response, to compare with `at_hash`.
    pub access_token: Option<&'a str>,
}

/// An ID token that meets every requirement but its signature.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamIdToken {
    /// The algorithm of its signature.
    pub algorithm: JwsAlgorithm,
    /// `kid` of the header; `None` if the provider sends none.
    pub kid: Option<String>,
    /// The claims set, which has a `sub`.
    pub claims: Map<String, Value>,
}

/// The reason why an ID token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// The token is not a signed JWT.
    #[error("the ID token is not a signed JWT")]
    Malformed,
    /// The token is larger than any that is read.
    #[error(
        "the ID token has {0} bytes, more than {MAX_LEN}; let the provider send fewer claims or groups"
    )]
    TooLarge(usize),
    /// The algorithm is `none`, a shared secret's, or not among the provider's.
    #[error("the ID token is signed with an algorithm that the provider does not announce")]
    Algorithm,
    /// The directory (`tid`) is not among those of the issuer.
    #[error("the ID token is of a directory (tid) that oidc.tenantIds does not list")]
    OtherDirectory,
    /// The issuer is another one.
    #[error("the ID token is from another issuer")]
    Issuer,
    /// The audience is not the tenant's client.
    #[error("the ID token is for another client")]
    Audience,
    /// The token has several audiences, and `azp` is not this client.
    #[error("the ID token was issued to another party (azp)")]
    AuthorizedParty,
    /// The token has expired, has no expiry, or is from the future.
    #[error("the ID token has expired, or the clocks differ by more than a minute")]
    Time,
    /// `nonce` is not that of the request.
    #[error("the ID token belongs to another request (nonce)")]
    Nonce,
    /// `at_hash` is not that of the access token.
    #[error("the ID token belongs to another access token (at_hash)")]
    AccessTokenHash,
    /// `sub` is missing, empty or not a string.
    #[error("the ID token has no sub")]
    Subject,
}

/// Checks all requirements but the signature.
///
/// # Errors
///
/// [`IdTokenError`]: the first requirement that is not met.
pub fn check_id_token(
    jwt: &str,
    expected: UpstreamIdTokenRequirements<'_>,
    now: Timestamp,
) -> Result<UpstreamIdToken, IdTokenError> {
    if jwt.len() > MAX_LEN {
        return Err(IdTokenError::TooLarge(jwt.len()));
    }
    let token = UnverifiedJwt::read_within(jwt, MAX_VALUES).ok_or(IdTokenError::Malformed)?;
    let UpstreamIdTokenRequirements { metadata, oidc, nonce, access_token } = expected;
    let client_id = oidc.client_id.as_str();
    if !check_upstream_jwt_algorithm(metadata, token.algorithm) {
        return Err(IdTokenError::Algorithm);
    }
    check_issuer(oidc, &token)?;
    let audiences = audiences_of_token(&token);
    if !audiences.contains(&client_id) {
        return Err(IdTokenError::Audience);
    }
    let azp = token.claims.get("azp").map(|azp| azp.as_str().unwrap_or_default());
    if azp.is_some_and(|azp| azp != client_id) || (audiences.len() > 1 && azp.is_none()) {
        return Err(IdTokenError::AuthorizedParty);
    }
    let tolerance = i64::try_from(JWT_CLOCK_LEEWAY.as_secs()).unwrap_or_default();
    let now = now.secs();
    let is_live = token.time("exp").is_some_and(|exp| now < exp.saturating_add(tolerance));
    let is_begun =
        |name: &str| token.time(name).is_none_or(|at| at <= now.saturating_add(tolerance));
    if !is_live || !is_begun("iat") || !is_begun("nbf") {
        return Err(IdTokenError::Time);
    }
    if nonce.is_some_and(|nonce| token.text("nonce") != Some(nonce)) {
        return Err(IdTokenError::Nonce);
    }
    if let (Some(hash), Some(access_token)) = (token.text("at_hash"), access_token)
        && left_half_hash(token.algorithm, access_token) != hash
    {
        return Err(IdTokenError::AccessTokenHash);
    }
    if token.text("sub").is_none_or(str::is_empty) {
        return Err(IdTokenError::Subject);
    }
    Ok(UpstreamIdToken { algorithm: token.algorithm, kid: token.kid, claims: token.claims })
}

/// Checks `iss`. A token from a directory that is not listed has an error of its own, because the person did sign in
/// there.
fn check_issuer(oidc: &OidcUpstream, token: &UnverifiedJwt) -> Result<(), IdTokenError> {
    let expected = oidc.issuer_of(&token.claims).map_err(|error| match error {
        IssuerTemplateError::Missing => IdTokenError::Issuer,
        IssuerTemplateError::NotListed => IdTokenError::OtherDirectory,
    })?;
    if token.text("iss") == Some(&*expected) { Ok(()) } else { Err(IdTokenError::Issuer) }
}

/// The audiences of a token.
pub(super) fn audiences_of_token(token: &UnverifiedJwt) -> Vec<&str> {
    match token.claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Returns true for the algorithms of the metadata, without `none` and those of shared secrets.
pub(super) fn check_upstream_jwt_algorithm(
    metadata: &UpstreamMetadata,
    algorithm: JwsAlgorithm,
) -> bool {
    let offered = &metadata.id_token_signing_alg_values_supported;
    let is_offered = if offered.is_empty() {
        algorithm == JwsAlgorithm::RS256
    } else {
        offered.iter().any(|name| name.parse() == Ok(algorithm))
    };
    is_asymmetric(algorithm) && is_offered
}

/// Returns true for the algorithms whose signatures the client cannot make itself.
pub(super) const fn is_asymmetric(algorithm: JwsAlgorithm) -> bool {
    !matches!(
        algorithm,
        JwsAlgorithm::None | JwsAlgorithm::HS256 | JwsAlgorithm::HS384 | JwsAlgorithm::HS512
    )
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::protocol::identity_provider::fixtures::sample_upstream;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn metadata() -> UpstreamMetadata {
        UpstreamMetadata {
            issuer: "https://login.test".into(),
            authorization_endpoint: "https://login.test/a".into(),
            token_endpoint: "https://login.test/t".into(),
            jwks_uri: "https://login.test/j".into(),
            userinfo_endpoint: None,
            end_session_endpoint: None,
            scopes_supported: Vec::new(),
            token_endpoint_auth_methods_supported: Vec::new(),
            id_token_signing_alg_values_supported: vec![
                "RS256".into(),
                "HS256".into(),
                "none".into(),
            ],
            prompt_values_supported: Vec::new(),
            userinfo_signing_alg_values_supported: Vec::new(),
            authorization_response_iss_parameter_supported: false,
        }
    }

    fn check(algorithm: &str, change: Value) -> Result<UpstreamIdToken, IdTokenError> {
        let mut claims = json!({
            "iss": "https://login.test", "aud": "lanyard", "sub": "1", "nonce": "n",
            "iat": 1_799_999_990, "exp": 1_800_000_300, "at_hash": left_half_hash(JwsAlgorithm::RS256, "token"),
        });
        let Value::Object(change) = change else { panic!("an object") };
        for (name, value) in change {
            claims[&name] = value;
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = if algorithm == "none" { "" } else { "c2ln" };
        let jwt = format!("{}.{}.{signature}", part(&json!({"alg": algorithm})), part(&claims));
        let metadata = metadata();
        let oidc = sample_upstream("https://login.test");
        let expected = UpstreamIdTokenRequirements {
            metadata: &metadata,
            oidc: &oidc,
            nonce: Some("n"),
            access_token: Some("token"),
        };
        check_id_token(&jwt, expected, NOW)
    }

    #[test]
    fn every_requirement_is_checked() {
        // OIDC Core §3.1.3.7
        assert!(check("RS256", json!({})).is_ok());
        assert!(check("RS256", json!({"aud": ["lanyard", "other"], "azp": "lanyard"})).is_ok());
        for (change, error) in [
            (json!({"iss": "https://evil.test"}), IdTokenError::Issuer),
            (json!({"aud": "other"}), IdTokenError::Audience),
            (json!({"aud": null}), IdTokenError::Audience),
            (json!({"aud": ["lanyard", "other"]}), IdTokenError::AuthorizedParty),
            (json!({"azp": "other"}), IdTokenError::AuthorizedParty),
            (json!({"azp": 1}), IdTokenError::AuthorizedParty),
            (json!({"exp": 1_799_999_900}), IdTokenError::Time),
            (json!({"exp": null}), IdTokenError::Time),
            (json!({"iat": 1_800_000_100}), IdTokenError::Time),
            (json!({"nonce": "other"}), IdTokenError::Nonce),
            (json!({"nonce": null}), IdTokenError::Nonce),
            (json!({"at_hash": "x"}), IdTokenError::AccessTokenHash),
            (json!({"sub": ""}), IdTokenError::Subject),
        ] {
            assert_eq!(check("RS256", change.clone()), Err(error), "{change}");
        }
    }

    #[test]
    fn unsigned_tokens_and_shared_secrets_are_refused_whatever_the_metadata_say() {
        for algorithm in ["none", "HS256", "ES256"] {
            assert_eq!(check(algorithm, json!({})), Err(IdTokenError::Algorithm), "{algorithm}");
        }
    }
}
