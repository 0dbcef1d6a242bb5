//! Rule: `response_type` is supported and registered for the client (RFC 6749 §4.1.2.1). Its words
//! may be in any order (OAuth 2.0 Multiple Response Types §3).

use std::collections::BTreeSet;

use super::{
    super::error::{ErrorCode, OAuthError, abbreviate_value},
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::{Client, ResponseType};

pub(super) fn check_response_type(
    params: AuthorizationParams<'_>,
    client: &Client,
) -> Result<ResponseType, OAuthError> {
    let requested = params.require(AuthorizationParameter::ResponseType)?;
    let registered: Vec<&str> = client.response_types.iter().map(|it| it.as_str()).collect();
    let registered = registered.join(", ");
    let Some(response_type) = parse(requested) else {
        let text = format!(
            "The response type '{}' is not supported; this application may use: {registered}.",
            abbreviate_value(requested),
        );
        let error = OAuthError::new(ErrorCode::UnsupportedResponseType, text);
        return Err(error.mismatch(client, requested, &registered));
    };
    if client.response_types.contains(&response_type) {
        return Ok(response_type);
    }
    let text = format!(
        "This application may not use the response type '{response_type}'; it may use: {registered}."
    );
    let error = OAuthError::new(ErrorCode::UnauthorizedClient, text);
    Err(error.mismatch(client, requested, &registered))
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
