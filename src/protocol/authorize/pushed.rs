//! Pushed authorization requests (RFC 9126). The client sends the parameters itself, and the browser takes a
//! reference to them along, the `request_uri`.
//!
//! A pushed request keeps its identity in its own parameter `request_uri`, so that it survives a sign-in
//! like every other parameter. References from browsers never get there: they are resolved first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
    },
    interaction::{INTERACTION_TTL, Interaction},
    interaction_goal::InteractionGoal,
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::{
    model::{Client, SealPurpose, Timestamp},
    protocol::records::{RecordFormat, SealedRecord},
};

/// How long a browser may open a pushed request (RFC 9126 §2.2).
pub const PUSHED_REQUEST_LIFETIME: Duration = Duration::from_secs(90);
/// The beginning of every `request_uri` of a pushed request (RFC 9126 §2.2).
pub const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The identity of a pushed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRequestId {
    /// A random id, which no other pushed request has.
    pub id: String,
    /// When the last page of its sign-in expires.
    pub ends_at: Timestamp,
    /// Whether the parameters are stored, because they are too long for a URL.
    pub is_stored: bool,
}

/// The end of the identity of a stored request.
const STORED: &str = ".stored";

impl PushedRequestId {
    /// The identity of a request that is pushed now.
    pub fn new(id: String, now: Timestamp) -> Self {
        let ends_at = now.plus(PUSHED_REQUEST_LIFETIME).plus(INTERACTION_TTL);
        Self { id, ends_at, is_stored: false }
    }

    /// The value of the request's own parameter `request_uri`.
    fn to_parameter(&self) -> String {
        let end = if self.is_stored { STORED } else { "" };
        format!("{REQUEST_URI_PREFIX}{}.{}{end}", self.id, self.ends_at.secs())
    }

    fn parse(request_uri: &str) -> Option<Self> {
        let (id, rest) = request_uri.strip_prefix(REQUEST_URI_PREFIX)?.split_once('.')?;
        let stored = rest.strip_suffix(STORED);
        let ends_at = Timestamp::from_secs(stored.unwrap_or(rest).parse().ok()?);
        let is_stored = stored.is_some();
        (!id.is_empty()).then(|| Self { id: id.to_owned(), ends_at, is_stored })
    }
}

/// A pushed request, whose parameters were validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedRequest {
    /// The parameters as a query string.
    pub query: String,
    /// Until when a browser may open it.
    pub expires_at: Timestamp,
}

impl RecordFormat for PushedRequest {}

/// The note in a cookie that a browser has opened a pushed request in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedPushedRequest {
    /// The id of the pushed request that the browser has opened.
    pub id: String,
}

impl RecordFormat for OpenedPushedRequest {}

impl SealedRecord for OpenedPushedRequest {
    const PURPOSE: SealPurpose = SealPurpose::OpenedPushedRequest;
}

/// Returns true if a `request_uri` is a reference to a pushed request.
pub fn is_pushed_reference(request_uri: &str) -> bool {
    request_uri.starts_with(REQUEST_URI_PREFIX)
}

/// Returns the sealed part of a reference to a pushed request.
pub fn sealed_reference(request_uri: &str) -> Option<&str> {
    request_uri.strip_prefix(REQUEST_URI_PREFIX)
}

/// Rule: a pushed request has no `request_uri`, and its `client_id` is the client that pushed it. It is a signed
/// object if the client must sign it (RFC 9126 §2.1). Without `client_id` it is added, because the authentication
/// names the client.
pub fn check_pushed_parameters(
    mut params: RequestParams,
    client: &Client,
) -> Result<RequestParams, OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    if params.get(AuthorizationParameter::RequestUri.name()).is_some() {
        return refused(
            "The parameter 'request_uri' must not be in a pushed authorization request.",
        );
    }
    if client.must_sign_requests() && params.get(AuthorizationParameter::Request.name()).is_none() {
        // FAPI 2.0 Message Signing §5.3.1
        return refused(
            "This application must send its request as a signed object in the parameter 'request'.",
        );
    }
    match params.get(AuthorizationParameter::ClientId.name()) {
        Some(id) if id != client.id.as_str() => {
            refused("The parameter 'client_id' is not that of the authenticated client.")
        }
        Some(_) => Ok(params),
        None => {
            params.replace(AuthorizationParameter::ClientId.name(), client.id.to_string());
            Ok(params)
        }
    }
}

/// Rule: the key of a DPoP proof that is sent along binds the code, as `dpop_jkt` does, and they do not
/// differ (RFC 9449 §10.1).
pub fn bind_pushed_request(params: &mut RequestParams, key: &str) -> Result<(), OAuthError> {
    match params.get(AuthorizationParameter::DpopJkt.name()) {
        Some(thumbprint) if thumbprint != key => {
            let text = "The key of the DPoP proof is not that of the parameter 'dpop_jkt'.";
            Err(OAuthError::new(ErrorCode::InvalidDpopProof, text))
        }
        _ => {
            params.replace(AuthorizationParameter::DpopJkt.name(), key.to_owned());
            Ok(())
        }
    }
}

/// Builds the pushed request of these parameters, with those of their request object, and their validated
/// form.
///
/// # Errors
///
/// `invalid_request` without `redirect_uri`: the client could otherwise not know where the response goes.
pub fn pushed_request(
    params: &mut RequestParams,
    id: &PushedRequestId,
    now: Timestamp,
) -> Result<PushedRequest, OAuthError> {
    params.require(AuthorizationParameter::RedirectUri.name())?;
    params.replace(AuthorizationParameter::RequestUri.name(), id.to_parameter());
    let query = AuthorizationParams::new(params).to_query();
    Ok(PushedRequest { query, expires_at: now.plus(PUSHED_REQUEST_LIFETIME) })
}

impl PushedRequest {
    /// The request of an interaction, to be opened again.
    pub fn again(query: String, id: &PushedRequestId, now: Timestamp) -> Self {
        Self { query, expires_at: now.plus(PUSHED_REQUEST_LIFETIME).min(id.ends_at) }
    }

    /// The request with an identity that says that it is stored.
    #[must_use]
    pub fn to_stored(&self, id: &PushedRequestId) -> Self {
        let id = PushedRequestId { is_stored: true, ..id.clone() };
        let mut params = RequestParams::parse(self.query.as_bytes());
        params.replace(AuthorizationParameter::RequestUri.name(), id.to_parameter());
        let query = AuthorizationParams::new(&params).to_query();
        Self { query, expires_at: self.expires_at }
    }

    /// The parameters and the identity; `None` if the reference was issued to another client (RFC 9126 §4).
    pub fn open(&self, client_id: &str) -> Option<(RequestParams, PushedRequestId)> {
        let params = RequestParams::parse(self.query.as_bytes());
        let id = pushed_id(AuthorizationParams::new(&params))?;
        let is_of_client = params.get(AuthorizationParameter::ClientId.name()) == Some(client_id);
        is_of_client.then_some((params, id))
    }

    /// Returns true if a browser may open the request now: within its lifetime, or again in the browser
    /// that has opened it then.
    pub fn is_current(
        &self,
        id: &PushedRequestId,
        opened: Option<&OpenedPushedRequest>,
        now: Timestamp,
    ) -> bool {
        let is_opened = opened.is_some_and(|opened| opened.id == id.id);
        now < self.expires_at || (is_opened && now < id.ends_at)
    }
}

impl Interaction {
    /// The interaction without the parameters of its request, which is stored: the identity is left.
    #[must_use]
    pub fn without_pushed_parameters(mut self, id: &PushedRequestId) -> Self {
        let mut params = RequestParams::parse(b"");
        params.replace(AuthorizationParameter::RequestUri.name(), id.to_parameter());
        self.goal = InteractionGoal::Authorize(AuthorizationParams::new(&params).to_query());
        self
    }

    /// The identity of the request whose parameters were left out; `None` if the interaction is whole.
    pub fn omitted_request(&self) -> Option<PushedRequestId> {
        let params = RequestParams::parse(self.authorization_query()?.as_bytes());
        // Every pushed request has a `client_id`.
        let is_whole = params.get(AuthorizationParameter::ClientId.name()).is_some();
        pushed_id(AuthorizationParams::new(&params)).filter(|_| !is_whole)
    }

    /// The interaction with the parameters that were left out.
    #[must_use]
    pub fn with_pushed_parameters(mut self, request: PushedRequest) -> Self {
        self.goal = InteractionGoal::Authorize(request.query);
        self
    }
}

/// Returns the client id and the identity of a request that was pushed, by its parameters as a query string.
pub fn pushed_client_and_request(query: &str) -> Option<(String, PushedRequestId)> {
    let params = RequestParams::parse(query.as_bytes());
    let id = pushed_id(AuthorizationParams::new(&params))?;
    Some((params.get(AuthorizationParameter::ClientId.name())?.to_owned(), id))
}

/// Returns the identity of a request that was pushed.
pub(super) fn pushed_id(params: AuthorizationParams<'_>) -> Option<PushedRequestId> {
    PushedRequestId::parse(params.get(AuthorizationParameter::RequestUri)?)
}

/// Rule: clients of which it is required push their requests (RFC 9126 §5).
pub(super) fn check_pushed(
    params: AuthorizationParams<'_>,
    client: &Client,
) -> Result<Option<PushedRequestId>, OAuthError> {
    let pushed = pushed_id(params);
    if pushed.is_none() && client.require_pushed_requests {
        return Err(not_pushed_error());
    }
    Ok(pushed)
}

/// Returns the error for a request that the client did not push, but must.
pub(super) fn not_pushed_error() -> OAuthError {
    let text = "This application must push its authorization requests: post the parameters to the pushed_authorization_request_endpoint, and send the request_uri of its response.";
    OAuthError::new(ErrorCode::InvalidRequest, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::fixtures,
        protocol::records::{decode_record, encode_record},
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn params(query: &str) -> RequestParams {
        RequestParams::parse(query.as_bytes())
    }

    fn pushed() -> (PushedRequest, PushedRequestId) {
        let id = PushedRequestId::new("one".to_owned(), NOW);
        let mut sent = params("client_id=team.wiki&redirect_uri=https%3A%2F%2Frp.test%2Fcb");
        (pushed_request(&mut sent, &id, NOW).expect("it has a redirect_uri"), id)
    }

    #[test]
    fn the_request_belongs_to_the_client_that_pushed_it() {
        // RFC 9126 §2.1, §4
        let client = fixtures::client();
        let check = |query: &str| check_pushed_parameters(params(query), &client);
        let code = |query: &str| check(query).map(drop).map_err(|error| error.code);
        assert_eq!(code("client_id=team.wiki"), Ok(()));
        assert_eq!(code("client_id=other"), Err(ErrorCode::InvalidRequest));
        assert_eq!(code("request_uri=https%3A%2F%2Frp.test"), Err(ErrorCode::InvalidRequest));
        assert_eq!(check("scope=openid").expect("accepted").get("client_id"), Some("team.wiki"));
        let (request, id) = pushed();
        let (opened, same) = request.open("team.wiki").expect("its client");
        assert_eq!((opened.get("redirect_uri"), same), (Some("https://rp.test/cb"), id));
        assert!(request.open("other").is_none());
    }

    #[test]
    fn an_interaction_gets_its_request_back() {
        let (request, id) = pushed();
        let params = RequestParams::parse(request.query.as_bytes());
        let whole = Interaction::authorize(&params, "cookie", None, NOW);
        assert_eq!(whole.authorization_query(), Some(request.query.as_str()));
        assert_eq!(whole.omitted_request(), None);
        let short = whole.clone().without_pushed_parameters(&id);
        let query = short.authorization_query().expect("a query");
        assert!(!query.contains("redirect_uri="), "{query}");
        assert_eq!(short.omitted_request(), Some(id));
        assert_eq!(short.with_pushed_parameters(request), whole);
        let plain = RequestParams::parse(b"client_id=team.wiki&scope=openid");
        let other = Interaction::authorize(&plain, "cookie", None, NOW);
        assert_eq!(other.omitted_request(), None, "it was not pushed");
    }

    #[test]
    fn the_identity_says_whether_the_request_is_stored() {
        let (request, id) = pushed();
        let stored = request.to_stored(&id);
        let (params, found) = stored.open("team.wiki").expect("its client");
        assert_eq!(found, PushedRequestId { is_stored: true, ..id.clone() });
        assert_eq!(params.get("redirect_uri"), Some("https://rp.test/cb"));
        assert_eq!(request.open("team.wiki").map(|(_, id)| id), Some(id));
    }

    #[test]
    fn a_redirect_uri_is_required() {
        let id = PushedRequestId::new("one".to_owned(), NOW);
        let refused = pushed_request(&mut params("client_id=team.wiki"), &id, NOW);
        assert_eq!(refused.map_err(|error| error.code), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn a_browser_opens_it_in_time_and_may_load_the_page_again() {
        let (request, id) = pushed();
        let own = OpenedPushedRequest { id: id.id.clone() };
        let other = OpenedPushedRequest { id: "two".to_owned() };
        let at = |seconds| NOW.plus(Duration::from_secs(seconds));
        assert!(request.is_current(&id, None, at(89)));
        assert!(!request.is_current(&id, None, at(90)));
        assert!(!request.is_current(&id, Some(&other), at(90)));
        assert!(request.is_current(&id, Some(&own), at(90)));
        assert!(request.is_current(&id, Some(&own), at(989)));
        assert!(!request.is_current(&id, Some(&own), at(990)));
    }

    #[test]
    fn only_requests_with_an_identity_are_pushed() {
        let required = Client { require_pushed_requests: true, ..fixtures::client() };
        let check = |query: &str, client: &Client| {
            let params = params(query);
            let checked = check_pushed(AuthorizationParams::new(&params), client);
            checked.map(|id| id.is_some()).map_err(|error| error.code)
        };
        let query = pushed().0.query;
        assert_eq!(check(&query, &required), Ok(true));
        assert_eq!(check("scope=openid", &fixtures::client()), Ok(false));
        assert_eq!(check("scope=openid", &required), Err(ErrorCode::InvalidRequest));
        for other in ["", "x", ".5", "x.y"] {
            let query = format!("request_uri={REQUEST_URI_PREFIX}{other}");
            assert_eq!(check(&query, &required), Err(ErrorCode::InvalidRequest), "{other}");
        }
    }

    #[test]
    fn the_formats_of_pushed_requests_are_stable() {
        let text =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let request =
            PushedRequest { query: "a=b".to_owned(), expires_at: Timestamp::from_secs(1) };
        let bytes = encode_record(&request);
        assert_eq!(text(&bytes), "0103613d62d00f");
        assert_eq!(decode_record(&bytes), Ok(request));
        let opened = OpenedPushedRequest { id: "x".to_owned() };
        let bytes = encode_record(&opened);
        assert_eq!(text(&bytes), "010178");
        assert_eq!(decode_record(&bytes), Ok(opened));
    }
}
