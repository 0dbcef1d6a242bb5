//! Parses a JWT without verifying it (RFC 7515 §3.1, RFC 7519 §7.2), to find out which key to
//! verify it with. The result proves nothing.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::error::abbreviate_value;
use crate::model::JwsAlgorithm;

/// The allowed difference of the clock of a JWT's issuer: a client, or an identity provider.
pub const JWT_CLOCK_LEEWAY: Duration = Duration::from_mins(1);
/// Maximum number of JSON values in the header or the claims of a client's JWT, counted by the characters
/// before them. A parsed value takes up to 200 bytes, and may wait for the keys that verify it.
const MAX_JSON_VALUES: usize = 1000;

/// The parsed header and claims of a JWT, not verified.
#[derive(Clone, Debug, PartialEq)]
pub struct UnverifiedJwt {
    /// `alg` of the header (RFC 7515 §4.1.1). A JWT with an unknown algorithm is not parsed.
    pub algorithm: JwsAlgorithm,
    /// `kid` of the header; `None` if it is absent or not a string.
    pub kid: Option<String>,
    /// `typ` of the header as it was sent; `None` if it is absent or not a string.
    pub typ: Option<String>,
    /// The claims set. No claim has been checked.
    pub claims: Map<String, Value>,
}

impl UnverifiedJwt {
    /// Parses a compact JWS. Returns `None` if it is malformed, has an unknown algorithm or too many
    /// claims, or requires an unsupported extension (`crit`, RFC 7515 §4.1.11; detached payloads, RFC 7797).
    pub fn read(jwt: &str) -> Option<Self> {
        Self::read_within(jwt, MAX_JSON_VALUES)
    }

    /// Parses a compact JWS with another maximum number of JSON values in the header or the claims.
    pub fn read_within(jwt: &str, max_values: usize) -> Option<Self> {
        Self::read_with_header(jwt, max_values).map(|(jwt, _)| jwt)
    }

    /// Parses a compact JWS as `read_within` does, and returns all parameters of the header too.
    pub fn read_with_header(jwt: &str, max_values: usize) -> Option<(Self, Map<String, Value>)> {
        let mut parts = jwt.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let (header, claims) = (object(header, max_values)?, object(claims, max_values)?);
        if header.contains_key("crit") || header.contains_key("b64") {
            return None;
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let algorithm = text("alg")?.parse().ok()?;
        // An unsecured JWT has an empty signature (RFC 7519 §6.1).
        if (algorithm == JwsAlgorithm::None) != signature.is_empty() {
            return None;
        }
        let (kid, typ) = (text("kid").map(str::to_owned), text("typ").map(str::to_owned));
        Some((Self { algorithm, kid, typ, claims }, header))
    }

    /// Returns true if `typ` is this type, `JWT`, or missing. JWTs signed for another purpose have
    /// another type (RFC 8725 §3.11). The prefix `application/` is optional (RFC 7515 §4.1.9).
    pub fn accepts_typ(&self, typ: &str) -> bool {
        let said = self.typ.as_deref().unwrap_or("JWT");
        let bare =
            said.split_once('/').filter(|(kind, _)| kind.eq_ignore_ascii_case("application"));
        let said = bare.map_or(said, |(_, bare)| bare);
        said.eq_ignore_ascii_case("JWT") || said.eq_ignore_ascii_case(typ)
    }

    /// The error of a JWT whose type is not this one, if it is not. `what` names the JWT.
    pub fn wrong_typ(&self, typ: &str, what: &str) -> Option<String> {
        let said = self.typ.as_deref().unwrap_or_default();
        (!self.accepts_typ(typ)).then(|| {
            let said = abbreviate_value(said);
            format!("'typ' of the {what} is '{said}'; '{typ}', 'JWT' or no 'typ' is expected.")
        })
    }

    /// Returns a claim that is a string; `None` if it is absent or of another type.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Returns a time claim in whole seconds (RFC 7519 §2).
    pub fn time(&self, name: &str) -> Option<i64> {
        time(self.claims.get(name)?)
    }
}

/// Parses a `NumericDate`, dropping fractions.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and such times are refused")]
fn time(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

fn object(part: &str, max_values: usize) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    let values = json.iter().filter(|byte| b",[{".contains(byte));
    if values.count() > max_values {
        return None;
    }
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jwt(header: &str, claims: &str, signature: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{signature}", part(header), part(claims))
    }

    #[test]
    fn reads_header_and_claims() {
        let read = UnverifiedJwt::read(&jwt(
            r#"{"alg":"ES256","kid":"k","typ":"JWT"}"#,
            r#"{"sub":"a","exp":5.9}"#,
            "c2ln",
        ));
        let read = read.expect("a JWT");
        assert_eq!((read.algorithm, read.kid.as_deref()), (JwsAlgorithm::ES256, Some("k")));
        assert_eq!(
            (read.text("sub"), read.time("exp"), read.time("sub")),
            (Some("a"), Some(5), None)
        );
    }

    #[test]
    fn a_jwt_with_very_many_values_is_not_read() {
        let with = |values: usize| {
            let claims = format!(r#"{{"x":[{}]}}"#, vec!["[0]"; values].join(","));
            UnverifiedJwt::read(&jwt(r#"{"alg":"ES256"}"#, &claims, "s"))
        };
        assert!(with(400).is_some());
        assert!(with(600).is_none());
        let header = format!(r#"{{"alg":"ES256","x":[{}]}}"#, vec!["[0]"; 600].join(","));
        assert!(UnverifiedJwt::read(&jwt(&header, "{}", "s")).is_none());
    }

    #[test]
    fn a_jwt_of_another_type_is_not_accepted() {
        // RFC 8725 §3.11
        let typed = |header: &str| UnverifiedJwt::read(&jwt(header, "{}", "s")).expect("a JWT");
        for header in [
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"RS256","typ":"jwt"}"#,
            r#"{"alg":"RS256","typ":"oauth-authz-req+jwt"}"#,
            r#"{"alg":"RS256","typ":"application/OAuth-authz-req+jwt"}"#,
        ] {
            assert!(typed(header).accepts_typ("oauth-authz-req+jwt"), "{header}");
        }
        for header in [
            r#"{"alg":"RS256","typ":"oauth-authz-req+jwt"}"#,
            r#"{"alg":"RS256","typ":"text/jwt"}"#,
            r#"{"alg":"RS256","typ":"logout+jwt"}"#,
        ] {
            assert!(!typed(header).accepts_typ("client-authentication+jwt"), "{header}");
        }
    }

    #[test]
    fn rejects_unsupported_headers() {
        // RFC 7515 §4.1.11, RFC 7519 §6.1
        for (header, signature) in [
            (r#"{"alg":"RS256","crit":["exp"]}"#, "x"),
            (r#"{"alg":"RS256","b64":false}"#, "x"),
            (r#"{"alg":"none"}"#, "x"),
            (r#"{"alg":"RS256"}"#, ""),
            (r#"{"alg":"NONE"}"#, ""),
            (r"{}", "x"),
            ("[]", "x"),
        ] {
            assert_eq!(UnverifiedJwt::read(&jwt(header, "{}", signature)), None, "{header}");
        }
        assert!(UnverifiedJwt::read(&jwt(r#"{"alg":"none"}"#, "{}", "")).is_some());
        assert_eq!(UnverifiedJwt::read("a.b"), None);
        assert_eq!(
            UnverifiedJwt::read(&format!("{}.x", jwt(r#"{"alg":"RS256"}"#, "{}", "s"))),
            None
        );
    }

    proptest! {
        #[test]
        fn reading_any_text_never_panics(text in ".{0,200}", header in ".{0,60}", claims in ".{0,60}") {
            let _ = UnverifiedJwt::read(&text);
            if let Some(read) = UnverifiedJwt::read(&jwt(&header, &claims, "s")) {
                let _ = read.time("exp");
            }
        }
    }
}
