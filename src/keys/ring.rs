//! A tenant's keys, parsed and ready: what signs now, what verifies, what JWKS shows.

use std::{fmt, sync::Arc};

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
use crate::model::{SigningAlgorithm, Timestamp};

/// What a JWT is, as its `typ` says: one kind never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtType {
    /// An ID token: `JWT`.
    IdToken,
    /// An access token: `at+jwt` (RFC 9068 §2.1).
    AccessToken,
    /// Userinfo: `JWT`. It has no `exp`, which tells it from an ID token.
    Userinfo,
    /// A logout token: `logout+jwt` (OIDC Back-Channel Logout §2.4).
    LogoutToken,
}

impl JwtType {
    /// The header's `typ`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdToken | Self::Userinfo => "JWT",
            Self::AccessToken => "at+jwt",
            Self::LogoutToken => "logout+jwt",
        }
    }
}

/// One key, ready to sign and to verify.
pub struct SigningKey {
    /// `kid`.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// When it does what.
    pub times: KeyTimes,
    material: PrivateKey,
    jwk: Value,
    verifying: DecodingKey,
    id_token_header: String,
    access_token_header: String,
    logout_token_header: String,
}

/// Why a JWT is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not a JWT, or one of another type.
    #[error("not a token of this kind")]
    NotThisKind,
    /// Signed by a key that is not of this tenant, or no longer.
    #[error("signed by an unknown key")]
    UnknownKey,
    /// Altered.
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
            id_token_header: header(JwtType::IdToken),
            access_token_header: header(JwtType::AccessToken),
            logout_token_header: header(JwtType::LogoutToken),
            kid,
            material,
            jwk,
            verifying,
        })
    }

    /// Signs claims (JSON). 360 µs of a core for RSA: `Signer` bounds that.
    pub(super) fn sign(&self, typ: JwtType, claims: &[u8]) -> Result<String, InvalidKey> {
        let header = match typ {
            JwtType::IdToken | JwtType::Userinfo => &self.id_token_header,
            JwtType::AccessToken => &self.access_token_header,
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

    /// Where the key is in its life.
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

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// In JWKS, does not sign yet.
    Published,
    /// Signs.
    Signing,
    /// Verifies only.
    Retired,
}

/// The keys of one tenant.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Arc<[Arc<SigningKey>]>,
}

impl KeyRing {
    /// A ring; of two keys with one `kid` the first stays.
    pub fn new(keys: impl IntoIterator<Item = Arc<SigningKey>>) -> Self {
        let mut unique: Vec<Arc<SigningKey>> = Vec::new();
        for key in keys {
            if unique.iter().all(|other| other.kid != key.kid) {
                unique.push(key);
            }
        }
        Self { keys: unique.into() }
    }

    /// Every key, in no order.
    pub fn keys(&self) -> &[Arc<SigningKey>] {
        &self.keys
    }

    /// The key that signs with an algorithm: the newest whose time has come.
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

    /// A key by its `kid`.
    pub fn by_kid(&self, kid: &str) -> Option<&Arc<SigningKey>> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The JWK set (RFC 7517 §5): public members only.
    pub fn jwks(&self) -> Value {
        let mut keys: Vec<&Arc<SigningKey>> = self.keys.iter().collect();
        keys.sort_by_key(|key| (key.times.signs_from, &key.kid));
        json!({ "keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>() })
    }

    /// The claims of a JWT that one of these keys signed, if it is of the given type. Times and
    /// audience are the caller's to check.
    pub fn verify(&self, jwt: &str, typ: JwtType) -> Result<Map<String, Value>, VerifyError> {
        self.verified_by(jwt, typ).map(|(_, claims)| claims)
    }

    /// As `verify`, with the key that verified.
    pub(super) fn verified_by(
        &self,
        jwt: &str,
        typ: JwtType,
    ) -> Result<(&Arc<SigningKey>, Map<String, Value>), VerifyError> {
        let header = jsonwebtoken::decode_header(jwt).map_err(|_| VerifyError::NotThisKind)?;
        if header.typ.as_deref() != Some(typ.as_str()) {
            return Err(VerifyError::NotThisKind);
        }
        let kid = header.kid.ok_or(VerifyError::UnknownKey)?;
        let key = self.by_kid(&kid).ok_or(VerifyError::UnknownKey)?;
        // The algorithm is the key's and not the header's (RFC 8725 §3.1).
        let mut validation = Validation::new(match key.algorithm {
            SigningAlgorithm::RS256 => Algorithm::RS256,
            SigningAlgorithm::ES256 => Algorithm::ES256,
            SigningAlgorithm::EdDSA => Algorithm::EdDSA,
        });
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode::<Map<String, Value>>(jwt, &key.verifying, &validation)
            .map(|token| (key, token.claims))
            .map_err(|_| VerifyError::BadSignature)
    }
}

/// Whether a stored key can be used.
pub fn check_key(record: &KeyRecord) -> Result<(), InvalidKey> {
    SigningKey::parse(record).map(drop)
}

/// RFC 7638, SHA-256.
pub(super) fn thumbprint(jwk: &Value) -> Option<String> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    jwk.thumbprint(ThumbprintHash::SHA256).ok()
}
