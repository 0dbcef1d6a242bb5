//! Rules of userinfo (OIDC Core §5.3, RFC 6750, RFC 9068 §4).

use serde_json::Value;

use super::{
    claims::{Claims, GRANT_ID_CLAIM},
    error::{ErrorCode, OAuthError},
    params::RequestParams,
    records::Grant,
    scope::{self, Scopes},
    sender_keys::BoundKey,
};
use crate::model::{Issuer, Subject, Timestamp};

/// The claims of a user's access token whose signature and type were verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerToken {
    /// The claim `sub`: the user, as the token's client knows them.
    pub subject: Subject,
    /// The granted scopes, from the claim `scope`; `openid` is one of them.
    pub scopes: Scopes,
    /// The ID of its grant, from the claim `grant_id`.
    pub grant_id: String,
}

/// Returns the access token of a request, sent in exactly one of the ways of RFC 6750 §2. Tokens in
/// the query are rejected, because queries are logged. `None` for a request without a token.
pub fn bearer_token<'a>(
    authorization: Option<&'a str>,
    query: &RequestParams,
    form: Option<&'a RequestParams>,
) -> Result<Option<&'a str>, OAuthError> {
    let invalid = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    if query.get("access_token").is_some() {
        return invalid("Send the access token in the Authorization header, not in the query.");
    }
    // Treat other schemes as missing: the challenge names the supported one (RFC 6750 §3.1).
    let header = authorization
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let body = form.and_then(|form| form.get("access_token"));
    match (header, body) {
        (Some(_), Some(_)) => invalid("Send the access token in one way only."),
        (token, None) | (None, token) => Ok(token),
    }
}

/// An access token and the scheme that it was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentedAccessToken<'a> {
    /// The text of the token, not verified.
    pub token: &'a str,
    /// Whether it was sent with the scheme `DPoP` (RFC 9449 §7.1), not as a bearer token.
    pub with_dpop: bool,
}

/// Returns the access token of a request, as [`bearer_token`] or with the scheme `DPoP`.
pub fn presented_access_token<'a>(
    authorization: Option<&'a str>,
    query: &RequestParams,
    form: Option<&'a RequestParams>,
) -> Result<Option<PresentedAccessToken<'a>>, OAuthError> {
    let bearer = bearer_token(authorization, query, form)?;
    let dpop = authorization
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("dpop"))
        .map(|(_, token)| token.trim());
    match (bearer, dpop) {
        (Some(_), Some(_)) => {
            let text = "Send the access token in one way only.";
            Err(OAuthError::new(ErrorCode::InvalidRequest, text))
        }
        (token, None) => Ok(token.map(|token| PresentedAccessToken { token, with_dpop: false })),
        (None, Some(token)) => Ok(Some(PresentedAccessToken { token, with_dpop: true })),
    }
}

/// Rule: a token that is bound to a DPoP key is sent with a proof (RFC 9449 §7.2). All others are sent as bearer
/// tokens, including those that are bound to a certificate (RFC 8705 §3). Returns the key.
pub fn check_scheme(claims: &Claims, with_dpop: bool) -> Result<Option<BoundKey>, OAuthError> {
    let invalid = |text: &str| Err(OAuthError::new(ErrorCode::InvalidToken, text));
    match (BoundKey::of_claims(claims), with_dpop) {
        (key @ Some(BoundKey::Dpop(_)), true) | (key @ Some(BoundKey::Certificate(_)), false) => {
            Ok(key)
        }
        (None, false) if !claims.contains_key("cnf") => Ok(None),
        (None | Some(BoundKey::Certificate(_)), true) => invalid(
            "The access token is not bound to a DPoP key; send it with the scheme 'Bearer'.",
        ),
        (None | Some(BoundKey::Dpop(_)), false) => invalid(
            "The access token is bound to a key; send it with the scheme 'DPoP' and a proof in the header 'DPoP'.",
        ),
    }
}

/// Rule: a token that is bound to a certificate is sent with it (RFC 8705 §3). `hash`: that of the certificate of the
/// connection.
pub fn check_certificate(bound: &str, hash: Option<&str>) -> Result<(), OAuthError> {
    let text = match hash {
        Some(hash) if hash == bound => return Ok(()),
        Some(_) => "The access token is bound to a different certificate.",
        None => {
            "The access token is bound to a certificate; send it with the certificate, to the address in 'mtls_endpoint_aliases' of the discovery document."
        }
    };
    Err(OAuthError::new(ErrorCode::InvalidToken, text))
}

/// Checks a token's claims (RFC 9068 §4).
pub fn check_access_token_claims(
    claims: &Claims,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<BearerToken, OAuthError> {
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidToken, text);
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    if text("iss") != Some(issuer.as_str()) {
        return Err(invalid("The access token was issued by another issuer."));
    }
    if time("exp").is_none_or(|exp| exp <= now.secs()) {
        return Err(invalid("The access token has expired."));
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == issuer.as_str(),
        Some(Value::Array(all)) => all.iter().any(|one| one == issuer.as_str()),
        _ => false,
    };
    if !for_us {
        return Err(invalid("The access token is for another audience."));
    }
    let scopes = scope::parse_scopes(text("scope"));
    if !scopes.contains("openid") {
        let text = "The access token does not have the scope 'openid'.";
        return Err(OAuthError::new(ErrorCode::InsufficientScope, text));
    }
    match (text("sub"), text(GRANT_ID_CLAIM)) {
        (Some(subject), Some(grant_id)) => Ok(BearerToken {
            subject: Subject::new(subject),
            scopes,
            grant_id: grant_id.to_owned(),
        }),
        _ => Err(invalid("The access token does not belong to a user.")),
    }
}

/// Rule: a token is valid only while its grant is active.
pub fn check_grant(grant: Option<&Grant>, now: Timestamp) -> Result<(), OAuthError> {
    if grant.is_some_and(|grant| grant.is_active(now)) {
        return Ok(());
    }
    Err(OAuthError::new(ErrorCode::InvalidToken, "The access token has been revoked."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn token<'a>(
        header: Option<&'a str>,
        query: &str,
        form: Option<&'a RequestParams>,
    ) -> Result<Option<&'a str>, ErrorCode> {
        let query = RequestParams::parse(query.as_bytes());
        bearer_token(header, &query, form).map_err(|error| error.code)
    }

    #[test]
    fn accepts_a_token_in_the_header_or_the_form() {
        // RFC 6750 §2.1, §2.2
        let form = RequestParams::parse(b"access_token=abc");
        assert_eq!(token(Some("Bearer abc"), "", None), Ok(Some("abc")));
        assert_eq!(token(Some("bearer abc"), "", None), Ok(Some("abc")));
        assert_eq!(token(None, "", Some(&form)), Ok(Some("abc")));
        assert_eq!(token(None, "", None), Ok(None));
        assert_eq!(token(Some("Basic YTpi"), "", None), Ok(None), "another scheme");
    }

    #[test]
    fn rejects_two_tokens_and_any_in_the_query() {
        // RFC 6750 §2, §2.3
        let form = RequestParams::parse(b"access_token=abc");
        let refused = Err(ErrorCode::InvalidRequest);
        assert_eq!(token(Some("Bearer abc"), "", Some(&form)), refused);
        assert_eq!(token(None, "access_token=abc", None), refused);
        assert_eq!(token(Some("Bearer abc"), "access_token=abc", None), refused);
    }

    /// Returns the error code for a user's token with one claim changed. `None` if it is accepted.
    fn with(name: &str, value: Value) -> Option<ErrorCode> {
        let issuer = Issuer::parse("https://id.test").expect("canonical");
        let Value::Object(mut claims) = json!({
            "iss": "https://id.test",
            "aud": "https://id.test",
            "exp": NOW.secs() + 1,
            "sub": "alice",
            "scope": "openid email",
            "grant_id": "grant-1",
        }) else {
            unreachable!("an object")
        };
        claims.insert(name.to_owned(), value);
        check_access_token_claims(&claims, &issuer, NOW).err().map(|error| error.code)
    }

    #[test]
    fn accepts_a_users_token() {
        assert_eq!(with("aud", json!(["https://api.test", "https://id.test"])), None);
    }

    #[test]
    fn rejects_tokens_of_other_issuers_or_audiences_and_expired_ones() {
        // RFC 9068 §4
        let refused = Some(ErrorCode::InvalidToken);
        assert_eq!(with("iss", json!("https://id.test/other")), refused);
        assert_eq!(with("aud", json!("https://api.test")), refused);
        assert_eq!(with("aud", json!(["https://api.test"])), refused);
        assert_eq!(with("exp", json!(NOW.secs())), refused);
        assert_eq!(with("exp", Value::Null), refused);
        assert_eq!(with("grant_id", Value::Null), refused, "a client_credentials token");
    }

    #[test]
    fn requires_the_scope_openid() {
        // OIDC Core §5.3.1, RFC 6750 §3.1
        assert_eq!(with("scope", json!("email")), Some(ErrorCode::InsufficientScope));
        assert_eq!(with("scope", json!("openid2 email")), Some(ErrorCode::InsufficientScope));
    }

    #[test]
    fn a_bound_token_is_sent_as_its_key_requires() {
        // RFC 8705 §3, RFC 9449 §7.2
        let scheme = |cnf: Value, with_dpop| {
            let claims = Claims::from_iter([("cnf".to_owned(), cnf)]);
            check_scheme(&claims, with_dpop).map_err(|error| error.code)
        };
        let (jkt, x5t) = (json!({ "jkt": "a" }), json!({ "x5t#S256": "b" }));
        assert_eq!(scheme(jkt.clone(), true), Ok(Some(BoundKey::Dpop("a".to_owned()))));
        assert_eq!(scheme(jkt, false), Err(ErrorCode::InvalidToken));
        assert_eq!(scheme(x5t.clone(), false), Ok(Some(BoundKey::Certificate("b".to_owned()))));
        assert_eq!(scheme(x5t, true), Err(ErrorCode::InvalidToken));
        assert_eq!(scheme(json!({ "kid": "c" }), false), Err(ErrorCode::InvalidToken));
        assert!(check_scheme(&Claims::new(), false).is_ok());
        assert!(check_scheme(&Claims::new(), true).is_err());
        assert!(check_certificate("b", Some("b")).is_ok());
        assert!(
            check_certificate("b", Some("c")).is_err() && check_certificate("b", None).is_err()
        );
    }

    #[test]
    fn a_token_without_a_grant_is_rejected() {
        assert!(check_grant(None, NOW).is_err());
    }

    proptest! {
        #[test]
        fn parsing_any_header_never_panics(header in ".{0,100}", query in ".{0,100}") {
            let _ = token(Some(&header), &query, None);
        }
    }
}
