//! The types of JWTs that a tenant issues.

use serde_json::{Map, Value};

use crate::model::AccessTokenType;

/// The type of a JWT that a tenant issues. One type is never accepted as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtType {
    /// An ID token (OIDC Core §2): `JWT`. It has the claim `exp`, and no `client_id`.
    IdToken,
    /// An access token: `at+jwt` (RFC 9068 §2.1), or `JWT` by choice. It always has the claim
    /// `client_id`, which no other type has.
    AccessToken(AccessTokenType),
    /// A userinfo response: `JWT`. It has no `exp` claim, which distinguishes it from an ID token.
    Userinfo,
    /// An authorization response (JARM §2.1): `JWT`. It has no `sub`, which distinguishes it from the others.
    AuthorizationResponse,
    /// A response of introspection: `token-introspection+jwt` (RFC 9701 §5).
    Introspection,
    /// A logout token: `logout+jwt` (OIDC Back-Channel Logout §2.4).
    LogoutToken,
    /// The assertion of a client (RFC 7523): `JWT`, because servers refuse other types. Its `iss` and `sub`
    /// are the same, as in no other type.
    ClientAssertion,
}

impl JwtType {
    /// Returns the `typ` header value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdToken
            | Self::Userinfo
            | Self::AuthorizationResponse
            | Self::ClientAssertion => "JWT",
            Self::AccessToken(typ) => typ.as_str(),
            Self::Introspection => "token-introspection+jwt",
            Self::LogoutToken => "logout+jwt",
        }
    }

    /// Returns the type of a JWT that a tenant's key signed, by its `typ` and its claims (RFC 8725
    /// §3.11, §3.12).
    pub(super) fn of(typ: &str, claims: &Map<String, Value>) -> Option<Self> {
        if claims.contains_key("client_id") {
            return typ.parse().ok().map(Self::AccessToken);
        }
        let issuer = claims.get("iss");
        match typ {
            "JWT" if issuer.is_some() && issuer == claims.get("sub") => Some(Self::ClientAssertion),
            "JWT" if !claims.contains_key("sub") => Some(Self::AuthorizationResponse),
            "JWT" if claims.contains_key("exp") => Some(Self::IdToken),
            "JWT" => Some(Self::Userinfo),
            "token-introspection+jwt" => Some(Self::Introspection),
            "logout+jwt" => Some(Self::LogoutToken),
            _ => None,
        }
    }

    /// Returns true if both are the same type. All access tokens are, whatever their `typ` is.
    pub(super) fn is_same(self, other: Self) -> bool {
        self == other || matches!((self, other), (Self::AccessToken(_), Self::AccessToken(_)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_jwt_of_no_known_type_is_refused() {
        assert_eq!(JwtType::of("at+jwt", &Map::new()), None, "without client_id");
        let claims = Map::from_iter([("client_id".to_owned(), json!("app"))]);
        assert_eq!(JwtType::of("logout+jwt", &claims), None);
        assert_eq!(JwtType::of("", &Map::new()), None);
    }
}
