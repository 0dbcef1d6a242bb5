//! The session of a person at an identity provider, with the tokens that it gave.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ClaimsAge, RecordFormat, SealedRecord};
use crate::model::{SealPurpose, Timestamp};

/// Longest token that is kept, in bytes: a record has at most 64 KiB.
const MAX_TOKEN_LEN: usize = 12 * 1024;

/// Where a user signed in, if not at the tenant itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInOrigin {
    /// The name of the provider's object.
    pub provider: String,
    /// The id of the [`UpstreamSession`]; `None` for a directory, which has no sessions.
    pub upstream_session: Option<String>,
}

/// The session of a person at an OpenID provider or at GitHub. A session here and its grants depend on
/// it, and end with it. It is stored by a random id, and sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamSession {
    /// The random id. A record that was moved to another key is recognized by it, and not used.
    pub id: String,
    /// The person's `sub` at this tenant.
    pub subject: String,
    /// The name of the provider's object.
    pub provider: String,
    /// The provider's issuer at the sign-in; for GitHub the URL of its host.
    pub issuer: String,
    /// The person's `sub` at the provider; at GitHub the numeric ID of the user, as text.
    pub upstream_subject: String,
    /// `sid` of the provider's ID token (OIDC Back-Channel Logout §2.1); `None` if it has none.
    pub upstream_sid: Option<String>,
    /// `sid` of the session at this tenant.
    pub sid: String,
    /// The tokens of the provider that are still used, renewed by each refresh.
    pub tokens: StoredUpstreamTokens,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When the provider last gave the claims of the person, by the store's clock.
    pub refreshed_at: Timestamp,
    /// When the provider was last asked for them, by the store's clock.
    pub asked_at: Timestamp,
    /// Whether the provider then gave only a part of the claims.
    pub incomplete: bool,
    /// Whether a replica has been asking the provider since `asked_at`.
    pub asking: bool,
    /// The end of the last grant that outlives the session here. `None`: every grant ends with it.
    pub offline_until: Option<Timestamp>,
    /// Whether the session here has ended, so that only such grants remain.
    pub ended: bool,
}

/// The tokens of a provider that are used again.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredUpstreamTokens {
    /// The last refresh token; `None` if the provider gave none, or is not asked again about signed-in people.
    pub refresh_token: Option<String>,
    /// The access token of GitHub, by which it is asked again; `None` for other providers.
    pub access_token: Option<String>,
    /// The ID token of the sign-in, the hint of a sign-out at the provider; `None` if people are not signed out there.
    pub id_token: Option<String>,
}

impl StoredUpstreamTokens {
    /// Takes the new tokens of the provider. Those that are too long to be kept are left out.
    pub fn renew(&mut self, new: Self) {
        let kept = |new: Option<String>| new.filter(|token| token.len() <= MAX_TOKEN_LEN);
        let Self { refresh_token, access_token, id_token } = self;
        *refresh_token = kept(new.refresh_token).or_else(|| refresh_token.take());
        *access_token = kept(new.access_token).or_else(|| access_token.take());
        *id_token = kept(new.id_token).or_else(|| id_token.take());
    }
}

impl fmt::Debug for StoredUpstreamTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredUpstreamTokens(…)")
    }
}

impl UpstreamSession {
    /// How old the claims of the person are.
    pub fn age(&self) -> ClaimsAge {
        let Self { refreshed_at, asked_at, incomplete, .. } = *self;
        ClaimsAge { refreshed_at, asked_at, incomplete }
    }
}

impl RecordFormat for UpstreamSession {}

impl SealedRecord for UpstreamSession {
    const PURPOSE: SealPurpose = SealPurpose::UpstreamSession;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    fn session() -> UpstreamSession {
        let at = Timestamp::from_secs;
        UpstreamSession {
            id: "u".into(),
            subject: "s".into(),
            provider: "corp".into(),
            issuer: "https://i".into(),
            upstream_subject: "1".into(),
            upstream_sid: Some("x".into()),
            sid: "l".into(),
            tokens: StoredUpstreamTokens {
                refresh_token: Some("r".into()),
                access_token: None,
                id_token: Some("t".into()),
            },
            created_at: at(1),
            refreshed_at: at(2),
            asked_at: at(3),
            incomplete: true,
            asking: false,
            offline_until: Some(at(4)),
            ended: false,
        }
    }

    #[test]
    fn the_format_of_upstream_sessions_is_stable() {
        let bytes = encode_record(&session());
        let text = b"\x01\x01u\x01s\x04corp\x09https://i\x011\x01\x01x\x01l\x01\x01r\x00\x01\x01t";
        let times = b"\xd0\x0f\xa0\x1f\xf0\x2e\x01\x00\x01\xc0\x3e\x00";
        assert_eq!(bytes, [&text[..], times].concat());
        assert_eq!(decode_record(&bytes), Ok(session()));
    }

    #[test]
    fn a_token_lasts_until_the_provider_gives_another() {
        let mut tokens = session().tokens;
        let too_long = Some("x".repeat(MAX_TOKEN_LEN + 1));
        let new = StoredUpstreamTokens {
            id_token: Some("u".into()),
            access_token: too_long,
            ..StoredUpstreamTokens::default()
        };
        tokens.renew(new);
        let StoredUpstreamTokens { refresh_token, access_token, id_token } = tokens;
        assert_eq!((refresh_token.as_deref(), id_token.as_deref()), (Some("r"), Some("u")));
        assert_eq!(access_token, None);
    }

    #[test]
    fn tokens_are_not_printed() {
        let text = format!("{:?}", session());
        assert!(
            text.contains("StoredUpstreamTokens(…)") && !text.contains("refresh_token"),
            "{text}"
        );
    }
}
