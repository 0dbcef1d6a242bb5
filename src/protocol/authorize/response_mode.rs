//! Rule: `response_mode` is `query`, `fragment` or `form_post`, and tokens never travel in a query
//! (OAuth 2.0 Multiple Response Types §2.1, §5; Form Post Response Mode §2).

use super::super::{
    error::{ErrorCode, OAuthError},
    params::RequestParams,
};
use crate::model::ResponseType;

/// Where in the redirect URI the response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// After `?`.
    Query,
    /// After `#`.
    Fragment,
    /// In the body of a POST that the browser sends.
    FormPost,
}

impl ResponseMode {
    /// All of them, by their registered names.
    pub const NAMES: [&'static str; 3] = ["query", "fragment", "form_post"];
}

impl ResponseMode {
    /// The mode of a response type that names none.
    const fn default_of(response_type: ResponseType) -> Self {
        match response_type {
            ResponseType::Code => Self::Query,
            _ => Self::Fragment,
        }
    }

    /// The mode that the response to this request has, whether an error or not: errors of later
    /// checks need it before `response_type` is judged. Whatever may ask for a token gets the
    /// fragment; a valid request gets just what `check` allows.
    pub(super) fn of_errors(params: &RequestParams) -> Self {
        let may_have_tokens = params.get("response_type").is_some_and(|types| {
            types.split(' ').any(|word| word == "id_token" || word == "token")
        });
        match params.get("response_mode") {
            Some("fragment") => Self::Fragment,
            Some("form_post") => Self::FormPost,
            _ if may_have_tokens => Self::Fragment,
            _ => Self::Query,
        }
    }
}

pub(super) fn check(params: &RequestParams, response_type: ResponseType) -> Result<(), OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    match params.get("response_mode") {
        None | Some("fragment" | "form_post") => Ok(()),
        Some("query") if ResponseMode::default_of(response_type) == ResponseMode::Query => Ok(()),
        Some("query") => refused("The response mode 'query' may not carry tokens."),
        Some(_) => refused("Supported are the response modes 'query', 'fragment' and 'form_post'."),
    }
}
