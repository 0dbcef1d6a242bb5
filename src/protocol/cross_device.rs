//! Requests that a client makes on one device and a person answers on another. They come from devices (RFC 8628)
//! and over the backchannel (OpenID Connect CIBA Core 1.0).

use std::time::Duration;

use super::{authorization_details::AUTHORIZATION_DETAILS, params::RequestParams};
use crate::model::Client;

/// How long a request waits for the person, at most.
pub const MAX_WAITING_TIME: Duration = Duration::from_mins(10);
/// The time between two polls, in the response (RFC 8628 §3.2, CIBA Core §7.3).
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The parameters that are kept (RFC 8628 §3.1, CIBA Core §7.1, RFC 8707 §2, RFC 9396 §2).
const PARAMETERS: [&str; 4] = ["acr_values", AUTHORIZATION_DETAILS, "resource", "scope"];

/// The authorization request of a client, as a query string: its id, and the parameters that have a meaning.
pub fn cross_device_query(client: &Client, params: &RequestParams) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", client.id.as_str());
    for name in PARAMETERS {
        query.extend_pairs(params.all(name).map(|value| (name, value)));
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixtures;

    #[test]
    fn only_parameters_with_a_meaning_are_kept() {
        let sent = "scope=openid&resource=urn%3Aa&resource=urn%3Ab&client_secret=x&prompt=none&client_id=other&acr_values=one";
        let query = cross_device_query(&fixtures::client(), &RequestParams::parse(sent.as_bytes()));
        let kept =
            "client_id=team.wiki&acr_values=one&resource=urn%3Aa&resource=urn%3Ab&scope=openid";
        assert_eq!(query, kept);
    }
}
