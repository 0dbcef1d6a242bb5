//! A tenant's parsed keys: selects the signing key, verifies tokens and renders the JWKS.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, ThumbprintHash},
};
use serde_json::{Map, Value, json};

use super::{
    key_secret::{KeyRecord, KeyTimes},
    material::{InvalidKey, PrivateKey},
};
use crate::model::{AccessTokenType, SigningAlgorithm, Timestamp};

/// The type of a JWT that a tenant issues. One type is never accepted as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtType {
    /// An ID token: `JWT`.
    IdToken,
    /// An access token: `at+jwt` (RFC 9068 §2.1), or `JWT` by choice. It always has the claim
    /// `client_id`, which no other type has.
    AccessToken(AccessTokenType),
    /// A userinfo response: `JWT`. It has no `exp` claim, which distinguishes it from an ID token.
    Userinfo,
    /// A logout token: `logout+jwt` (OIDC Back-Channel Logout §2.4).
    LogoutToken,
}

impl JwtType {
    /// Returns the `typ` header value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdToken | Self::Userinfo => "JWT",
            Self::AccessToken(typ) => typ.as_str(),
            Self::LogoutToken => "logout+jwt",
        }
    }

    /// Returns the type of a JWT that a tenant's key signed, by its `typ` and its claims (RFC 8725
    /// §3.11, §3.12).
    fn of(typ: &str, claims: &Map<String, Value>) -> Option<Self> {
        if claims.contains_key("client_id") {
            return typ.parse().ok().map(Self::AccessToken);
        }
        match typ {
            "JWT" if claims.contains_key("exp") => Some(Self::IdToken),
            "JWT" => Some(Self::Userinfo),
            "logout+jwt" => Some(Self::LogoutToken),
            _ => None,
        }
    }

    /// Returns true if both are the same type. All access tokens are, whatever their `typ` is.
    fn is_same(self, other: Self) -> bool {
        self == other || matches!((self, other), (Self::AccessToken(_), Self::AccessToken(_)))
    }
}

/// A parsed key that can sign and verify.
pub struct SigningKey {
    /// The key ID.
    pub kid: String,
    /// The signing algorithm.
    pub algorithm: SigningAlgorithm,
    /// The key's lifecycle times.
    pub times: KeyTimes,
    material: PrivateKey,
    jwk: Value,
    verifying: DecodingKey,
    /// The header with the type `JWT`.
    plain_header: String,
    access_token_header: String,
    logout_token_header: String,
}

/// The reason a JWT was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not a JWT, or a JWT of another type.
    #[error("not a token of this kind")]
    NotThisKind,
    /// The signing key does not belong to this tenant, or was removed.
    #[error("signed by an unknown key")]
    UnknownKey,
    /// The token was altered.
    #[error("the signature does not match")]
    BadSignature,
}

impl SigningKey {
    /// Parses a stored key.
    pub(super) fn parse(record: &KeyRecord) -> Result<Self, InvalidKey> {
        let material = PrivateKey::from_pem(record.algorithm, record.private_key.expose())?;
        Self::new(record.kid.clone(), record.times, material)
    }

    pub(super) fn new(
        kid: String,
        times: KeyTimes,
        material: PrivateKey,
    ) -> Result<Self, InvalidKey> {
        let algorithm = material.algorithm();
        let mut jwk = material.public_jwk();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(algorithm.as_str());
        let model: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| InvalidKey)?;
        let verifying = DecodingKey::from_jwk(&model).map_err(|_| InvalidKey)?;
        let header = |typ: JwtType| {
            let header = json!({ "alg": algorithm.as_str(), "typ": typ.as_str(), "kid": kid });
            URL_SAFE_NO_PAD.encode(header.to_string())
        };
        Ok(Self {
            algorithm,
            times,
            plain_header: header(JwtType::IdToken),
            access_token_header: header(JwtType::AccessToken(AccessTokenType::AtJwt)),
            logout_token_header: header(JwtType::LogoutToken),
            kid,
            material,
            jwk,
            verifying,
        })
    }

    /// Signs claims (JSON). RSA takes 360 µs of CPU time: use `Signer` to bound that.
    pub(super) fn sign(&self, typ: JwtType, claims: &[u8]) -> Result<String, InvalidKey> {
        let header = match typ {
            JwtType::IdToken | JwtType::Userinfo | JwtType::AccessToken(AccessTokenType::Jwt) => {
                &self.plain_header
            }
            JwtType::AccessToken(AccessTokenType::AtJwt) => &self.access_token_header,
            JwtType::LogoutToken => &self.logout_token_header,
        };
        let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + 360);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.material.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Returns the key's lifecycle state. `signs` is true for the key that signs now.
    pub fn state(&self, now: Timestamp, signs: bool) -> KeyState {
        if self.times.signs_from > now {
            KeyState::Published
        } else if signs {
            KeyState::Signing
        } else {
            KeyState::Retired
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The lifecycle state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// In the JWKS, does not sign yet.
    Published,
    /// Signs new tokens.
    Signing,
    /// Only verifies tokens that it signed earlier.
    Retired,
}

/// The keys of one tenant.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Arc<[Arc<SigningKey>]>,
}

impl KeyRing {
    /// Creates a ring. If two keys have the same `kid`, the first one is used.
    pub fn new(keys: impl IntoIterator<Item = Arc<SigningKey>>) -> Self {
        let mut unique: Vec<Arc<SigningKey>> = Vec::new();
        for key in keys {
            if unique.iter().all(|other| other.kid != key.kid) {
                unique.push(key);
            }
        }
        Self { keys: unique.into() }
    }

    /// Returns all keys, in no particular order.
    pub fn keys(&self) -> &[Arc<SigningKey>] {
        &self.keys
    }

    /// Returns the key that signs with an algorithm: the newest one that may sign and is not
    /// retired.
    pub fn signing_key(
        &self,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Option<&Arc<SigningKey>> {
        self.keys
            .iter()
            .filter(|key| key.algorithm == algorithm && key.times.signs_from <= now)
            .filter(|key| key.times.retire_at.is_none_or(|at| at > now))
            .max_by_key(|key| (key.times.signs_from, &key.kid))
    }

    /// Returns the oldest of the keys that sign now, one for each algorithm.
    pub fn oldest_signing_key(&self, now: Timestamp) -> Option<&Arc<SigningKey>> {
        let signing = self.keys.iter().filter_map(|key| self.signing_key(key.algorithm, now));
        signing.min_by_key(|key| key.times.signs_from)
    }

    /// Returns the time at which the next key without a successor has signed for this long.
    pub fn rotation_due(&self, interval: Duration) -> Option<Timestamp> {
        let last = self.keys.iter().filter(|key| key.times.retire_at.is_none());
        last.map(|key| key.times.signs_from.plus(interval)).min()
    }

    /// Returns the key with this `kid`.
    pub fn by_kid(&self, kid: &str) -> Option<&Arc<SigningKey>> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// Returns the JWK Set (RFC 7517 §5), with public members only.
    pub fn jwks(&self) -> Value {
        let mut keys: Vec<&Arc<SigningKey>> = self.keys.iter().collect();
        keys.sort_by_key(|key| (key.times.signs_from, &key.kid));
        json!({ "keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>() })
    }

    /// Returns the claims of a JWT of the given type that one of these keys signed. An access token
    /// may have either `typ`. Does not check times or audience.
    pub fn verify(&self, jwt: &str, typ: JwtType) -> Result<Map<String, Value>, VerifyError> {
        self.verified_by(jwt, typ).map(|(_, claims)| claims)
    }

    /// Like `verify`, and also returns the key that signed the JWT.
    pub(super) fn verified_by(
        &self,
        jwt: &str,
        typ: JwtType,
    ) -> Result<(&Arc<SigningKey>, Map<String, Value>), VerifyError> {
        let header = jsonwebtoken::decode_header(jwt).map_err(|_| VerifyError::NotThisKind)?;
        let kid = header.kid.ok_or(VerifyError::UnknownKey)?;
        let key = self.by_kid(&kid).ok_or(VerifyError::UnknownKey)?;
        // Use the key's algorithm, not the header's (RFC 8725 §3.1).
        let mut validation = Validation::new(match key.algorithm {
            SigningAlgorithm::RS256 => Algorithm::RS256,
            SigningAlgorithm::ES256 => Algorithm::ES256,
            SigningAlgorithm::EdDSA => Algorithm::EdDSA,
        });
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = jsonwebtoken::decode::<Map<String, Value>>(jwt, &key.verifying, &validation)
            .map_err(|_| VerifyError::BadSignature)?;
        let found = JwtType::of(header.typ.as_deref().unwrap_or_default(), &token.claims);
        match found {
            Some(found) if found.is_same(typ) => Ok((key, token.claims)),
            _ => Err(VerifyError::NotThisKind),
        }
    }
}

/// Checks that a stored key can be parsed.
pub fn check_key(record: &KeyRecord) -> Result<(), InvalidKey> {
    SigningKey::parse(record).map(drop)
}

/// Computes the SHA-256 thumbprint of a JWK (RFC 7638).
pub(super) fn jwk_thumbprint(jwk: &Value) -> Option<String> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    jwk.thumbprint(ThumbprintHash::SHA256).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate_key_record;

    fn ring() -> KeyRing {
        let at = Timestamp::from_secs(0);
        let times = KeyTimes { published_at: at, signs_from: at, retire_at: None };
        let record = generate_key_record(SigningAlgorithm::ES256, times).expect("a key");
        KeyRing::new([Arc::new(SigningKey::parse(&record).expect("usable"))])
    }

    #[test]
    fn no_type_of_jwt_is_accepted_as_another() {
        // RFC 8725 §3.11, §3.12
        let access = JwtType::AccessToken;
        let (typed, plain) = (access(AccessTokenType::AtJwt), access(AccessTokenType::Jwt));
        let issued = [
            (JwtType::IdToken, r#"{"sub":"ada","exp":1}"#),
            (typed, r#"{"sub":"ada","exp":1,"client_id":"app"}"#),
            (plain, r#"{"sub":"ada","exp":1,"client_id":"app"}"#),
            (JwtType::Userinfo, r#"{"sub":"ada"}"#),
            (JwtType::LogoutToken, r#"{"sub":"ada","exp":1}"#),
        ];
        let ring = ring();
        for (typ, claims) in issued {
            let jwt = ring.keys()[0].sign(typ, claims.as_bytes()).expect("signed");
            for (expected, _) in issued {
                let both_access =
                    [typed, plain].contains(&typ) && [typed, plain].contains(&expected);
                let accepted = ring.verify(&jwt, expected).is_ok();
                assert_eq!(accepted, typ == expected || both_access, "{typ:?} as {expected:?}");
            }
        }
    }

    #[test]
    fn a_jwt_of_no_known_type_is_refused() {
        assert_eq!(JwtType::of("at+jwt", &Map::new()), None, "without client_id");
        let claims = Map::from_iter([("client_id".to_owned(), json!("app"))]);
        assert_eq!(JwtType::of("logout+jwt", &claims), None);
        assert_eq!(JwtType::of("", &Map::new()), None);
    }
}
