//! Rule: `response_mode` is `query`, `fragment` or `form_post`, or one of their forms as a JWT. Tokens are never
//! sent in a query (OAuth 2.0 Multiple Response Types §2.1, §5; Form Post Response Mode §2; JARM §2.3).

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::{Client, ResponseType};

/// The part of a request to the redirect URI that contains the response parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In the fragment of the redirect URI.
    Fragment,
    /// In the body of a POST request that the browser sends.
    FormPost,
}

/// A supported value of `response_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RequestedMode {
    /// `None` for the default of the response type.
    mode: Option<ResponseMode>,
    /// Whether the response is a JWT (JARM §2.3).
    is_jwt: bool,
}

const fn plain(mode: ResponseMode) -> RequestedMode {
    RequestedMode { mode: Some(mode), is_jwt: false }
}

const fn jwt(mode: Option<ResponseMode>) -> RequestedMode {
    RequestedMode { mode, is_jwt: true }
}

/// The supported values, by registered name.
const MODES: [(&str, RequestedMode); 7] = [
    ("query", plain(ResponseMode::Query)),
    ("fragment", plain(ResponseMode::Fragment)),
    ("form_post", plain(ResponseMode::FormPost)),
    ("jwt", jwt(None)),
    ("query.jwt", jwt(Some(ResponseMode::Query))),
    ("fragment.jwt", jwt(Some(ResponseMode::Fragment))),
    ("form_post.jwt", jwt(Some(ResponseMode::FormPost))),
];

fn requested(params: AuthorizationParams<'_>) -> Option<RequestedMode> {
    let requested = params.get(AuthorizationParameter::ResponseMode)?;
    MODES.iter().find(|(name, _)| *name == requested).map(|(_, mode)| *mode)
}

/// The registered names of all supported values of `response_mode`.
pub fn response_mode_names() -> impl Iterator<Item = &'static str> {
    MODES.iter().map(|(name, _)| *name)
}

impl ResponseMode {
    /// Returns the default mode of a response type.
    const fn default_of(response_type: ResponseType) -> Self {
        match response_type {
            ResponseType::Code => Self::Query,
            _ => Self::Fragment,
        }
    }

    /// Returns the mode of the response, and whether it is a JWT, before `response_type` is validated, because
    /// errors need it. Requests that might ask for a token get the fragment. For valid requests the result is
    /// what `check_response_mode` allows.
    pub(super) fn of_errors(params: AuthorizationParams<'_>) -> (Self, bool) {
        let may_have_tokens =
            params.get(AuthorizationParameter::ResponseType).is_some_and(|types| {
                types.split(' ').any(|word| word == "id_token" || word == "token")
            });
        let requested = requested(params);
        let mode = match requested.and_then(|requested| requested.mode) {
            Some(Self::Fragment) => Self::Fragment,
            Some(Self::FormPost) => Self::FormPost,
            _ if may_have_tokens => Self::Fragment,
            _ => Self::Query,
        };
        (mode, requested.is_some_and(|requested| requested.is_jwt))
    }
}

pub(super) fn check_response_mode(
    params: AuthorizationParams<'_>,
    client: &Client,
    response_type: ResponseType,
) -> Result<(), OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    if client.needs_signed_responses() && !requested(params).is_some_and(|it| it.is_jwt) {
        // FAPI 2.0 Message Signing §5.4.1
        return refused("This application must ask for a signed response; send response_mode=jwt.");
    }
    if params.get(AuthorizationParameter::ResponseMode).is_none() {
        return Ok(());
    }
    let in_query = ResponseMode::default_of(response_type) == ResponseMode::Query;
    match requested(params) {
        // A JWT that is not encrypted does not hide tokens (JARM §2.3.1).
        Some(RequestedMode { mode: Some(ResponseMode::Query), .. }) if !in_query => {
            refused("The response modes 'query' and 'query.jwt' cannot be used for tokens.")
        }
        Some(_) => Ok(()),
        None => refused(
            "The response mode must be 'query', 'fragment' or 'form_post', one of these with '.jwt', or 'jwt'.",
        ),
    }
}
