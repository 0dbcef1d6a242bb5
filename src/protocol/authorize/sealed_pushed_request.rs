//! The references to pushed requests, which are sealed: the parameters themselves, or the record that stores them.

use serde::{Deserialize, Serialize};

use super::{
    super::params::RequestParams,
    parameters::{AuthorizationParameter, AuthorizationParams},
    pushed::{PushedRequest, PushedRequestId},
};
use crate::{
    model::{SealPurpose, Timestamp},
    protocol::records::{RecordFormat, SealedRecord},
};

/// The sealed part of a `request_uri`. The parameters of a confidential client that are too long for a URL are
/// stored; the others are in the value itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SealedPushedRequest {
    /// The pushed parameters, which are short enough for a URL.
    Whole(PushedRequest),
    /// The id of a `RecordKind::PushedRequest` record.
    Stored(String),
    /// Such a record, for the link of a page that opens the request once more.
    Repeated(RepeatedRequest),
}

impl RecordFormat for SealedPushedRequest {}

impl SealedRecord for SealedPushedRequest {
    const PURPOSE: SealPurpose = SealPurpose::PushedRequest;
}

/// The reference to a stored request in the link of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedRequest {
    /// The id of the `RecordKind::PushedRequest` record.
    pub id: String,
    /// Until when a browser may open the link.
    expires_at: Timestamp,
    /// The parameter `prompt`, which a page may change. Empty if the request has none.
    prompt: String,
}

impl RepeatedRequest {
    /// The reference to the stored request of an interaction: its parameters as a query string, and its identity.
    pub fn new(query: String, id: &PushedRequestId, now: Timestamp) -> Self {
        let again = PushedRequest::again(query, id, now);
        let params = RequestParams::parse(again.query.as_bytes());
        let prompt =
            params.get(AuthorizationParameter::Prompt.name()).unwrap_or_default().to_owned();
        Self { id: id.id.clone(), expires_at: again.expires_at, prompt }
    }

    /// Returns true if the link cannot be opened any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// The request to open: the stored request with the `prompt` and expiry of the link.
    #[must_use]
    pub fn repeat(self, stored: &PushedRequest) -> PushedRequest {
        let mut params = RequestParams::parse(stored.query.as_bytes());
        params.replace(AuthorizationParameter::Prompt.name(), self.prompt);
        let query = AuthorizationParams::new(&params).to_query();
        PushedRequest { query, expires_at: self.expires_at }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::pushed::pushed_request, *};
    use crate::protocol::records::{decode_record, encode_record};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const QUERY: &str = "client_id=team.wiki&redirect_uri=https%3A%2F%2Frp.test%2Fcb&state=s";

    #[test]
    fn a_link_opens_the_stored_request_with_the_prompt_of_its_page() {
        let id = PushedRequestId::new("one".to_owned(), NOW);
        let later = NOW.plus(Duration::from_mins(5));
        for (pushed, of_page, expected) in [
            ("", "", None),
            ("&prompt=login", "&prompt=login", Some("login")),
            ("&prompt=login", "&prompt=login+select_account", Some("login select_account")),
            ("", "&prompt=select_account", Some("select_account")),
        ] {
            let mut sent = RequestParams::parse(format!("{QUERY}{pushed}").as_bytes());
            let stored = pushed_request(&mut sent, &id, NOW).expect("a request").to_stored(&id);
            let link = RepeatedRequest::new(format!("{QUERY}{of_page}"), &id, later);
            assert!(!link.is_over(later.plus(Duration::from_secs(89))));
            assert!(link.is_over(later.plus(Duration::from_secs(90))));
            let again = link.repeat(&stored);
            let (params, opened) = again.open("team.wiki").expect("its client");
            assert_eq!((params.get("prompt"), params.get("state")), (expected, Some("s")));
            assert_eq!(opened.id, id.id);
            assert!(again.is_current(&opened, None, later.plus(Duration::from_secs(89))));
        }
    }

    #[test]
    fn a_link_ends_with_the_request() {
        let id = PushedRequestId::new("one".to_owned(), NOW);
        let link = RepeatedRequest::new(QUERY.to_owned(), &id, id.ends_at);
        assert!(link.is_over(id.ends_at));
    }

    #[test]
    fn earlier_references_stay_readable() {
        let expires_at = Timestamp::from_secs(1);
        let request = PushedRequest { query: "a=b".to_owned(), expires_at };
        let link = RepeatedRequest { id: "x".to_owned(), expires_at, prompt: String::new() };
        for (reference, expected) in [
            (SealedPushedRequest::Whole(request), "010003613d62d00f"),
            (SealedPushedRequest::Stored("x".to_owned()), "01010178"),
            (SealedPushedRequest::Repeated(link), "01020178d00f00"),
        ] {
            let bytes = encode_record(&reference);
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(text, expected);
            assert_eq!(decode_record(&bytes), Ok(reference));
        }
    }
}
