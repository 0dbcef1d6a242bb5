//! Rule: `response_type` is supported and registered for the client (RFC 6749 §4.1.2.1). Its words
//! may be in any order (OAuth 2.0 Multiple Response Types §3).

use std::collections::BTreeSet;

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::{Client, ResponseType};

pub(super) fn check(
    params: AuthorizationParams<'_>,
    client: &Client,
) -> Result<ResponseType, OAuthError> {
    let response_type = parse(params.require(Parameter::ResponseType)?).ok_or_else(|| {
        OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "The response type must be 'code', 'id_token' or one of their combinations with 'token'.",
        )
    })?;
    if client.response_types.contains(&response_type) {
        return Ok(response_type);
    }
    Err(OAuthError::new(
        ErrorCode::UnauthorizedClient,
        format!("This application may not use the response type '{response_type}'."),
    ))
}

fn parse(text: &str) -> Option<ResponseType> {
    let words = words(text);
    // A repeated word is not a registered response type.
    if words.len() != text.split(' ').count() {
        return None;
    }
    ResponseType::ALL.iter().copied().find(|known| words == self::words(known.as_str()))
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(' ').collect()
}
