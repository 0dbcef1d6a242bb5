//! Rule: `response_type` is one that is supported and that the client lists (RFC 6749 §4.1.2.1),
//! its words in any order (OAuth 2.0 Multiple Response Types §3).

use std::collections::BTreeSet;

use super::super::{
    error::{ErrorCode, OAuthError},
    params::RequestParams,
};
use crate::model::{Client, ResponseType};

pub(super) fn check(params: &RequestParams, client: &Client) -> Result<ResponseType, OAuthError> {
    let response_type = parse(params.require("response_type")?).ok_or_else(|| {
        OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "Supported are the response types 'code', 'id_token' and their combinations with 'token'.",
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
    // A word that comes twice is no registered response type.
    if words.len() != text.split(' ').count() {
        return None;
    }
    ResponseType::ALL.iter().copied().find(|known| words == self::words(known.as_str()))
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(' ').collect()
}
