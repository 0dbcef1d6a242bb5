//! A parsed signing key: signs JWTs, and has the public half that verifies them.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, jwk::Jwk};
use serde_json::{Value, json};

use super::{
    jwt_type::JwtType,
    key_secret::{KeyRecord, KeyTimes},
    material::{InvalidPrivateKey, PrivateKey},
};
use crate::model::{AccessTokenType, SigningAlgorithm, Timestamp};

/// A parsed key that can sign and verify.
pub struct SigningKey {
    /// The key ID, the `kid` of headers and of the JWKS.
    pub kid: String,
    /// The algorithm that the key signs with.
    pub algorithm: SigningAlgorithm,
    /// The times at which the key is published, signs and leaves the JWKS.
    pub times: KeyTimes,
    material: PrivateKey,
    pub(super) jwk: Value,
    pub(super) verifying: DecodingKey,
    /// The header with the type `JWT`.
    plain_header: String,
    access_token_header: String,
    introspection_header: String,
    logout_token_header: String,
}

impl SigningKey {
    /// Parses the private key of a stored key, and prepares its JWK and headers.
    pub(super) fn parse(record: &KeyRecord) -> Result<Self, InvalidPrivateKey> {
        let material = PrivateKey::from_pem(record.algorithm, record.private_key.expose())?;
        Self::new(record.kid.clone(), record.times, material)
    }

    pub(super) fn new(
        kid: String,
        times: KeyTimes,
        material: PrivateKey,
    ) -> Result<Self, InvalidPrivateKey> {
        let algorithm = material.algorithm();
        let mut jwk = material.public_jwk();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(algorithm.as_str());
        let model: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| InvalidPrivateKey)?;
        let verifying = DecodingKey::from_jwk(&model).map_err(|_| InvalidPrivateKey)?;
        let header = |typ: JwtType| {
            let header = json!({ "alg": algorithm.as_str(), "typ": typ.as_str(), "kid": kid });
            URL_SAFE_NO_PAD.encode(header.to_string())
        };
        Ok(Self {
            algorithm,
            times,
            plain_header: header(JwtType::IdToken),
            access_token_header: header(JwtType::AccessToken(AccessTokenType::AtJwt)),
            introspection_header: header(JwtType::Introspection),
            logout_token_header: header(JwtType::LogoutToken),
            kid,
            material,
            jwk,
            verifying,
        })
    }

    /// Signs claims (JSON). RSA takes 360 µs of CPU time: use `Signer` to bound that.
    pub(super) fn sign(&self, typ: JwtType, claims: &[u8]) -> Result<String, InvalidPrivateKey> {
        let header = match typ {
            JwtType::IdToken
            | JwtType::Userinfo
            | JwtType::AuthorizationResponse
            | JwtType::ClientAssertion
            | JwtType::AccessToken(AccessTokenType::Jwt) => &self.plain_header,
            JwtType::AccessToken(AccessTokenType::AtJwt) => &self.access_token_header,
            JwtType::Introspection => &self.introspection_header,
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
    /// The key is in the JWKS, and does not sign yet.
    Published,
    /// The key is in the JWKS, and signs new tokens.
    Signing,
    /// The key is in the JWKS for tokens that it signed earlier, and signs no new ones.
    Retired,
}

/// Checks that a stored key can be parsed.
pub fn check_key(record: &KeyRecord) -> Result<(), InvalidPrivateKey> {
    SigningKey::parse(record).map(drop)
}
