//! The logout token of a provider (OIDC Back-Channel Logout §2.4, §2.6). The signature is verified by
//! the caller.

use std::time::Duration;

use serde_json::Value;

use super::{
    UpstreamMetadata,
    id_token::{audiences_of_token, check_upstream_jwt_algorithm},
};
use crate::{
    model::{JwsAlgorithm, Timestamp},
    protocol::{
        identity_provider::OidcUpstream,
        jwt::{JWT_CLOCK_LEEWAY, UnverifiedJwt},
        logout_token::BACKCHANNEL_LOGOUT_EVENT,
    },
};

/// The age from which a logout token is refused: a provider may try again for a while, and a stolen token
/// is of no use later.
const MAX_AGE: Duration = Duration::from_mins(10);
/// Maximum size of a logout token, in bytes.
const MAX_LEN: usize = 16 * 1024;

/// A logout token that meets every requirement but its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamLogoutToken {
    /// The algorithm of its signature.
    pub algorithm: JwsAlgorithm,
    /// `kid` of the header; `None` if the provider sends none.
    pub kid: Option<String>,
    /// `iss`, which the provider's settings accept.
    pub issuer: String,
    /// `sub`. At least one of `sub` and `sid` is present.
    pub subject: Option<String>,
    /// `sid`: the provider's ID of its session.
    pub sid: Option<String>,
    /// `iat`, by the provider's clock.
    pub issued_at: Timestamp,
}

/// The reason why a logout token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoutTokenError {
    /// The token is not a signed JWT, or one of another type.
    #[error("the logout token is not a signed JWT of the type logout+jwt")]
    Malformed,
    /// The algorithm is `none`, a shared secret's, or not among the provider's.
    #[error("the logout token is signed with an algorithm that the provider does not announce")]
    Algorithm,
    /// The issuer is another one.
    #[error("the logout token is from another issuer")]
    Issuer,
    /// The audience is not the tenant's client.
    #[error("the logout token is for another client")]
    Audience,
    /// The token is too old or from the future.
    #[error(
        "the logout token has no iat, is older than 10 minutes, has expired, or the clocks differ by more than a minute"
    )]
    Time,
    /// The token is about another event.
    #[error("the logout token has no event of the type backchannel-logout")]
    Event,
    /// The token has a nonce, so it is an ID token.
    #[error("the logout token has a nonce")]
    Nonce,
    /// The token names neither a person nor a session.
    #[error("the logout token has neither sub nor sid")]
    NoSubject,
}

/// Checks all requirements but the signature. `jti` is not remembered: the token ends only sessions that
/// began before it, so a second use changes nothing.
///
/// # Errors
///
/// [`LogoutTokenError`]: the first requirement that is not met.
pub fn check_logout_token(
    jwt: &str,
    (metadata, oidc): (&UpstreamMetadata, &OidcUpstream),
    now: Timestamp,
) -> Result<UpstreamLogoutToken, LogoutTokenError> {
    if jwt.len() > MAX_LEN {
        return Err(LogoutTokenError::Malformed);
    }
    let token = UnverifiedJwt::read(jwt).filter(|token| token.accepts_typ("logout+jwt"));
    let token = token.ok_or(LogoutTokenError::Malformed)?;
    if !check_upstream_jwt_algorithm(metadata, token.algorithm) {
        return Err(LogoutTokenError::Algorithm);
    }
    let issuer = token.text("iss").filter(|_| oidc.accepts_issuer_of(&token.claims));
    let issuer = issuer.ok_or(LogoutTokenError::Issuer)?.to_owned();
    if !audiences_of_token(&token).contains(&oidc.client_id.as_str()) {
        return Err(LogoutTokenError::Audience);
    }
    let issued_at = check_times(&token, now).ok_or(LogoutTokenError::Time)?;
    let event = token.claims.get("events").and_then(|it| it.get(BACKCHANNEL_LOGOUT_EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(LogoutTokenError::Event);
    }
    if token.claims.contains_key("nonce") {
        return Err(LogoutTokenError::Nonce);
    }
    let text = |name: &str| token.text(name).filter(|it| !it.is_empty()).map(str::to_owned);
    let (subject, sid) = (text("sub"), text("sid"));
    if subject.is_none() && sid.is_none() {
        return Err(LogoutTokenError::NoSubject);
    }
    let (algorithm, kid) = (token.algorithm, token.kid);
    Ok(UpstreamLogoutToken { algorithm, kid, issuer, subject, sid, issued_at })
}

/// `iat`, if the token is neither old nor from the future. Earlier drafts had no `exp`.
fn check_times(token: &UnverifiedJwt, now: Timestamp) -> Option<Timestamp> {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or_default();
    let (now, tolerance) = (now.secs(), seconds(JWT_CLOCK_LEEWAY));
    let issued_at = token.time("iat")?;
    let is_new = issued_at <= now.saturating_add(tolerance)
        && issued_at > now.saturating_sub(seconds(MAX_AGE));
    let is_live = !token.claims.contains_key("exp")
        || token.time("exp").is_some_and(|exp| now < exp.saturating_add(tolerance));
    (is_new && is_live).then(|| Timestamp::from_secs(issued_at))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::protocol::identity_provider::fixtures::sample_upstream;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn metadata() -> UpstreamMetadata {
        let document = json!({
            "issuer": "https://login.test",
            "authorization_endpoint": "https://login.test/a",
            "token_endpoint": "https://login.test/t",
            "jwks_uri": "https://login.test/j",
        });
        UpstreamMetadata::parse(document.to_string().as_bytes()).expect("metadata")
    }

    fn check(header: &Value, change: Value) -> Result<UpstreamLogoutToken, LogoutTokenError> {
        let mut claims = json!({
            "iss": "https://login.test", "aud": "lanyard", "sub": "1", "sid": "s", "jti": "j",
            "iat": 1_799_999_990, "exp": 1_800_000_100,
            "events": {BACKCHANNEL_LOGOUT_EVENT: {}},
        });
        let Value::Object(change) = change else { panic!("an object") };
        for (name, value) in change {
            match value {
                Value::Null => drop(claims.as_object_mut().expect("an object").remove(&name)),
                value => claims[&name] = value,
            }
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = if header["alg"] == "none" { "" } else { "c2ln" };
        let jwt = format!("{}.{}.{signature}", part(header), part(&claims));
        check_logout_token(&jwt, (&metadata(), &sample_upstream("https://login.test")), NOW)
    }

    #[test]
    fn every_requirement_is_checked() {
        let header = json!({"alg": "RS256", "typ": "logout+jwt"});
        let token = check(&header, json!({})).expect("a logout token");
        assert_eq!((token.subject.as_deref(), token.sid.as_deref()), (Some("1"), Some("s")));
        assert_eq!(token.issued_at, Timestamp::from_secs(1_799_999_990));
        assert!(check(&header, json!({"exp": null})).is_ok(), "drafts had none");
        assert!(check(&header, json!({"sub": null})).is_ok());
        for (change, error) in [
            (json!({"iss": "https://evil.test"}), LogoutTokenError::Issuer),
            (json!({"aud": ["other"]}), LogoutTokenError::Audience),
            (json!({"iat": null}), LogoutTokenError::Time),
            (json!({"iat": 1_799_999_400}), LogoutTokenError::Time),
            (json!({"iat": 1_800_000_061}), LogoutTokenError::Time),
            (json!({"exp": 1_799_999_940}), LogoutTokenError::Time),
            (json!({"exp": "soon"}), LogoutTokenError::Time),
            (json!({"events": null}), LogoutTokenError::Event),
            (json!({"events": {"other": {}}}), LogoutTokenError::Event),
            (json!({"events": {BACKCHANNEL_LOGOUT_EVENT: 1}}), LogoutTokenError::Event),
            (json!({"nonce": "n"}), LogoutTokenError::Nonce),
            (json!({"sub": null, "sid": ""}), LogoutTokenError::NoSubject),
        ] {
            assert_eq!(check(&header, change.clone()), Err(error), "{change}");
        }
    }

    #[test]
    fn tokens_of_another_type_and_without_a_signature_are_refused() {
        let typed = |alg: &str, typ: &str| check(&json!({"alg": alg, "typ": typ}), json!({}));
        assert!(typed("RS256", "JWT").is_ok());
        assert_eq!(typed("RS256", "at+jwt"), Err(LogoutTokenError::Malformed));
        for algorithm in ["none", "HS256", "ES256"] {
            assert_eq!(typed(algorithm, "JWT"), Err(LogoutTokenError::Algorithm), "{algorithm}");
        }
    }
}
