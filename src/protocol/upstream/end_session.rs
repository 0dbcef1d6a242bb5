//! The sign-out at a provider (OIDC RP-Initiated Logout §2), and its end here.

use std::time::Duration;

use aws_lc_rs::constant_time;
use serde::{Deserialize, Serialize};
use url::Url;

use super::MAX_PROVIDER_URL_LEN;
use crate::{
    model::{SealPurpose, Timestamp, sha256},
    protocol::{
        records::{RecordFormat, SealedRecord},
        session::CLOCK_SKEW,
    },
};

/// Longest ID token that is sent as a hint, in bytes: it is a part of a URL.
pub const MAX_ID_TOKEN_HINT: usize = 6 * 1024;
/// How long a person may take at the provider to be led back to the application.
const RETURN_TTL: Duration = Duration::from_mins(15);

/// The parts of a sign-out request to a provider.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamEndSession<'a> {
    /// The ID token of the sign-in at the provider. One of more than [`MAX_ID_TOKEN_HINT`] bytes is not sent.
    pub id_token_hint: Option<&'a str>,
    /// `client_id` of this tenant at the provider.
    pub client_id: &'a str,
    /// The page of this tenant that the provider sends the browser to afterwards.
    pub post_logout_redirect_uri: &'a str,
    /// The parameter `state`: the sealed [`UpstreamLogoutState`]; `None` if no application waits for the browser.
    pub sealed_state: Option<&'a str>,
}

/// Returns the URL to send the browser to; `None` if the endpoint is not a URL. A URL that is too long
/// has no ID token, and no state if that does not suffice: the sign-out ends on a page here then.
pub fn end_session_url(endpoint: &str, request: UpstreamEndSession<'_>) -> Option<String> {
    let endpoint = Url::parse(endpoint).ok()?;
    let hint = request.id_token_hint.filter(|it| it.len() <= MAX_ID_TOKEN_HINT);
    let url_with = |hint: Option<&str>, state: Option<&str>| {
        let mut url = endpoint.clone();
        let parameters = [
            ("id_token_hint", hint),
            ("client_id", Some(request.client_id)),
            ("post_logout_redirect_uri", Some(request.post_logout_redirect_uri)),
            ("state", state),
        ];
        let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        url.query_pairs_mut().extend_pairs(given);
        String::from(url)
    };
    let parts = [(hint, request.sealed_state), (None, request.sealed_state), (None, None)];
    let mut urls = parts.into_iter().map(|(hint, state)| url_with(hint, state));
    urls.find(|url| url.len() <= MAX_PROVIDER_URL_LEN)
}

/// The state of a sign-out at a provider. It is sealed into the parameter `state`, and bound to the
/// browser by a cookie that ends with its use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamLogoutState {
    /// The registered URL of the application, with its own `state`.
    return_to: String,
    /// The hash of the cookie's value.
    browser: [u8; 32],
    expires_at: Timestamp,
}

impl UpstreamLogoutState {
    /// The state of a browser with this cookie. `return_to`: a registered URL.
    pub fn begin(return_to: &str, cookie: &str, now: Timestamp) -> Self {
        let expires_at = now.plus(RETURN_TTL);
        Self { return_to: return_to.to_owned(), browser: sha256(cookie), expires_at }
    }

    /// The URL to go on to, if the state has not expired and is that of this browser.
    pub fn return_to(&self, cookie: Option<&str>, now: Timestamp) -> Option<&str> {
        let hash = sha256(cookie?);
        constant_time::verify_slices_are_equal(&hash, &self.browser).ok()?;
        (now < self.expires_at.plus(CLOCK_SKEW)).then_some(&self.return_to)
    }
}

impl SealedRecord for UpstreamLogoutState {
    const PURPOSE: SealPurpose = SealPurpose::UpstreamLogout;
}

impl RecordFormat for UpstreamLogoutState {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a_state_is_used_in_time_and_in_its_browser_only() {
        let state = UpstreamLogoutState::begin("https://rp.test/bye", "a", NOW);
        let at = |minutes| NOW.plus(Duration::from_mins(minutes));
        assert_eq!(state.return_to(Some("a"), at(14)), Some("https://rp.test/bye"));
        assert_eq!(state.return_to(Some("a"), at(17)), None);
        assert_eq!(state.return_to(Some("b"), NOW), None);
        assert_eq!(state.return_to(None, NOW), None);
    }

    #[test]
    fn the_format_of_upstream_logout_states_is_stable() {
        let state = UpstreamLogoutState::begin("r", "a", Timestamp::from_secs(0));
        let state = UpstreamLogoutState { browser: [7; 32], ..state };
        let bytes = [b"\x01\x01r".as_slice(), &[7; 32], b"\xc0\xee\x6d".as_slice()].concat();
        assert_eq!(encode_record(&state), bytes);
        assert_eq!(decode_record(&bytes), Ok(state));
    }

    #[test]
    fn an_id_token_that_is_too_long_for_a_url_is_left_out() {
        let of = |token: &str| {
            let request = UpstreamEndSession {
                id_token_hint: Some(token),
                client_id: "a b",
                post_logout_redirect_uri: "https://id.test/logged-out",
                sealed_state: None,
            };
            end_session_url("https://login.test/out?a=1", request).expect("a URL")
        };
        let rest = "client_id=a+b&post_logout_redirect_uri=https%3A%2F%2Fid.test%2Flogged-out";
        assert_eq!(of("x.y.z"), format!("https://login.test/out?a=1&id_token_hint=x.y.z&{rest}"));
        let long = "x".repeat(MAX_ID_TOKEN_HINT + 1);
        assert_eq!(of(&long), format!("https://login.test/out?a=1&{rest}"));
    }

    #[test]
    fn a_long_state_gets_no_url_that_servers_refuse() {
        let (hint, short, long) = ("x".repeat(6000), "s".repeat(4000), "s".repeat(40_000));
        let of = |state: &str| {
            let request = UpstreamEndSession {
                id_token_hint: Some(&hint),
                client_id: "a",
                post_logout_redirect_uri: "https://id.test/logged-out",
                sealed_state: Some(state),
            };
            end_session_url("https://login.test/out", request).expect("a URL")
        };
        let rest = "client_id=a&post_logout_redirect_uri=https%3A%2F%2Fid.test%2Flogged-out";
        assert_eq!(of(&short), format!("https://login.test/out?{rest}&state={short}"));
        assert_eq!(of(&long), format!("https://login.test/out?{rest}"));
    }
}
