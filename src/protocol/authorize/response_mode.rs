//! Rule: `response_mode` is `query`, `fragment` or `form_post`, and tokens are never sent in a
//! query (OAuth 2.0 Multiple Response Types §2.1, §5; Form Post Response Mode §2).

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::ResponseType;

/// How response parameters are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In the fragment of the redirect URI.
    Fragment,
    /// In the body of a POST request that the browser sends.
    FormPost,
}

impl ResponseMode {
    /// All supported modes, by registered name.
    pub const NAMES: [&'static str; 3] = ["query", "fragment", "form_post"];
}

impl ResponseMode {
    /// Returns the default mode of a response type.
    const fn default_of(response_type: ResponseType) -> Self {
        match response_type {
            ResponseType::Code => Self::Query,
            _ => Self::Fragment,
        }
    }

    /// Returns the mode of the response, before `response_type` is validated, because errors need
    /// it. Requests that might ask for a token get the fragment. For valid requests the result is
    /// what `check_response_mode` allows.
    pub(super) fn of_errors(params: AuthorizationParams<'_>) -> Self {
        let may_have_tokens = params.get(Parameter::ResponseType).is_some_and(|types| {
            types.split(' ').any(|word| word == "id_token" || word == "token")
        });
        match params.get(Parameter::ResponseMode) {
            Some("fragment") => Self::Fragment,
            Some("form_post") => Self::FormPost,
            _ if may_have_tokens => Self::Fragment,
            _ => Self::Query,
        }
    }
}

pub(super) fn check_response_mode(
    params: AuthorizationParams<'_>,
    response_type: ResponseType,
) -> Result<(), OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    match params.get(Parameter::ResponseMode) {
        None | Some("fragment" | "form_post") => Ok(()),
        Some("query") if ResponseMode::default_of(response_type) == ResponseMode::Query => Ok(()),
        Some("query") => refused("The response mode 'query' cannot be used for tokens."),
        Some(_) => refused("The response mode must be 'query', 'fragment' or 'form_post'."),
    }
}
