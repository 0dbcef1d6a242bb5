//! A tenant's parsed keys: selects the signing key, verifies tokens and renders the JWKS.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value, json};

use super::{jwt_type::JwtType, signing_key::SigningKey};
use crate::model::{SigningAlgorithm, Timestamp};

/// The reason a JWT was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtVerificationError {
    /// Not a JWT, or a JWT of another type.
    #[error("not a token of this kind")]
    NotThisKind,
    /// The signing key does not belong to this tenant, or was removed.
    #[error("signed by an unknown key")]
    UnknownKey,
    /// The signature does not match: the token was altered, or signed with another key.
    #[error("the signature does not match")]
    BadSignature,
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
    pub fn verify(
        &self,
        jwt: &str,
        typ: JwtType,
    ) -> Result<Map<String, Value>, JwtVerificationError> {
        self.verified_by(jwt, typ).map(|(_, claims)| claims)
    }

    /// Like `verify`, and also returns the key that signed the JWT.
    pub(super) fn verified_by(
        &self,
        jwt: &str,
        typ: JwtType,
    ) -> Result<(&Arc<SigningKey>, Map<String, Value>), JwtVerificationError> {
        let header =
            jsonwebtoken::decode_header(jwt).map_err(|_| JwtVerificationError::NotThisKind)?;
        let kid = header.kid.ok_or(JwtVerificationError::UnknownKey)?;
        let key = self.by_kid(&kid).ok_or(JwtVerificationError::UnknownKey)?;
        // Use the key's algorithm, not the header's (RFC 8725 §3.1).
        let mut validation = Validation::new(match key.algorithm {
            SigningAlgorithm::RS256 => Algorithm::RS256,
            SigningAlgorithm::PS256 => Algorithm::PS256,
            SigningAlgorithm::ES256 => Algorithm::ES256,
            SigningAlgorithm::EdDSA => Algorithm::EdDSA,
        });
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = jsonwebtoken::decode::<Map<String, Value>>(jwt, &key.verifying, &validation)
            .map_err(|_| JwtVerificationError::BadSignature)?;
        let found = JwtType::of(header.typ.as_deref().unwrap_or_default(), &token.claims);
        match found {
            Some(found) if found.is_same(typ) => Ok((key, token.claims)),
            _ => Err(JwtVerificationError::NotThisKind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{KeyTimes, generate_key_record},
        model::AccessTokenType,
    };

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
            (JwtType::Introspection, r#"{"aud":"api","token_introspection":{"active":true}}"#),
            (JwtType::ClientAssertion, r#"{"iss":"app","sub":"app","exp":1}"#),
            (JwtType::AuthorizationResponse, r#"{"iss":"https://id.test","aud":"app","exp":1}"#),
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
}
