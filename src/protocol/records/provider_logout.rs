//! A logout token of an identity provider, for sign-ins that have no session yet.

use serde::{Deserialize, Serialize};

use super::{RecordFormat, SealedRecord};
use crate::{
    model::{SealPurpose, Timestamp},
    protocol::{jwt::JWT_CLOCK_LEEWAY, upstream::UpstreamLogoutToken},
};

/// The last logout token about a session or person at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderLogout {
    /// The id of the record: the hash of the provider and of the name that the token is found by.
    pub id: String,
    /// `sid` of the token; `None`: the token is about all sessions of the person.
    pub sid: Option<String>,
    /// `sub` of the token; `None`: the token is about the session of `sid` alone.
    pub subject: Option<String>,
    /// `iat` of the token, by the provider's clock.
    pub issued_at: Timestamp,
    /// The time at which the token was received.
    pub received_at: Timestamp,
}

impl RecordFormat for ProviderLogout {}

impl SealedRecord for ProviderLogout {
    const PURPOSE: SealPurpose = SealPurpose::ProviderLogout;
}

impl ProviderLogout {
    /// The record of a token.
    pub fn of(id: String, token: &UpstreamLogoutToken, received_at: Timestamp) -> Self {
        let UpstreamLogoutToken { sid, subject, issued_at, .. } = token.clone();
        Self { id, sid, subject, issued_at, received_at }
    }

    /// Whether the token ends the session `(sub, sid)` at the provider that began here at `since`. A sign-in after
    /// the token was written is another session; the provider's clock may differ by [`JWT_CLOCK_LEEWAY`].
    pub fn ends(&self, (subject, sid): (&str, Option<&str>), since: Timestamp) -> bool {
        let is_same = |named: &Option<String>, own: Option<&str>| {
            named.as_deref().is_none_or(|named| own == Some(named))
        };
        is_same(&self.sid, sid)
            && is_same(&self.subject, Some(subject))
            && since <= self.issued_at.plus(JWT_CLOCK_LEEWAY)
    }

    /// Whether the token ends a sign-in at that session of the provider, which has no session here yet. A sign-in that
    /// began after the token was received is not ended.
    pub fn ends_sign_in(&self, named: (&str, Option<&str>), since: Timestamp) -> bool {
        since <= self.received_at && self.ends(named, since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::encode_record;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_700_000_000 + secs)
    }

    fn logout(sid: Option<&str>, subject: Option<&str>) -> ProviderLogout {
        let owned = |it: Option<&str>| it.map(str::to_owned);
        ProviderLogout {
            id: "i".to_owned(),
            sid: owned(sid),
            subject: owned(subject),
            issued_at: at(100),
            received_at: at(110),
        }
    }

    #[test]
    fn a_logout_token_ends_the_sessions_of_before_that_it_names() {
        let by_sid = logout(Some("s1"), None);
        assert!(by_sid.ends(("alice", Some("s1")), at(99)));
        assert!(!by_sid.ends(("alice", Some("s2")), at(99)));
        assert!(!by_sid.ends(("alice", None), at(99)));
        let by_both = logout(Some("s1"), Some("alice"));
        assert!(!by_both.ends(("bob", Some("s1")), at(99)), "another person");
        let by_subject = logout(None, Some("alice"));
        assert!(by_subject.ends(("alice", None), at(111)), "a session by another clock");
        assert!(by_subject.ends_sign_in(("alice", Some("s1")), at(110)));
        assert!(!by_subject.ends_sign_in(("alice", None), at(111)), "a sign-in after it arrived");
        let late = ProviderLogout { received_at: at(400), ..by_subject };
        assert!(late.ends(("alice", None), at(160)));
        assert!(!late.ends(("alice", None), at(161)), "a sign-in after it was written");
    }

    #[test]
    fn the_format_of_provider_logouts_is_stable() {
        let hex: String =
            encode_record(&logout(Some("s"), None)).iter().map(|it| format!("{it:02x}")).collect();
        assert_eq!(hex, "01016901017300c0bab7fef962e0d6b8fef962");
    }
}
