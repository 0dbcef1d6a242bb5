//! The token response of a provider (RFC 6749 §5.1, §5.2).

use serde_json::{Map, Value};

use crate::model::Secret;

/// The tokens of a provider.
#[derive(Clone, Debug, Default)]
pub struct UpstreamTokens {
    /// `access_token`; `None` if the response has none.
    pub access_token: Option<Secret<String>>,
    /// `id_token`, not verified. The response to a refresh may have none (OIDC Core §12.2).
    pub id_token: Option<String>,
    /// `refresh_token`; `None` if the response has none.
    pub refresh_token: Option<Secret<String>>,
}

/// The reason why a token request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenResponseError {
    /// The provider refused the code or the refresh token.
    #[error("the provider refused the code or the refresh token (invalid_grant): {}", described(.0))]
    InvalidGrant(String),
    /// The provider refused this client or its request, which an operator has to mend.
    #[error("the provider refused the request with {code:?}: {}", described(description))]
    Refused {
        /// `error` of the response, cut after 256 characters.
        code: String,
        /// `error_description` of the response, cut after 256 characters; empty if absent.
        description: String,
    },
    /// The provider cannot answer now.
    #[error("the provider answered with status {0}")]
    Unavailable(u16),
    /// The status is neither that of a token response nor that of an error in JSON. Redirects are included.
    #[error(
        "the provider's token endpoint answered with status {0} and without an error in JSON; redirects are not followed"
    )]
    Status(u16),
    /// The response is not a token response.
    #[error("the provider's token response cannot be read: {0}")]
    Unreadable(&'static str),
}

impl TokenResponseError {
    /// Returns true if the provider gives tokens again only after the person has signed in there (OIDC Core §3.1.2.6),
    /// for example to accept new terms or to prove a second factor.
    pub fn asks_for_person(&self) -> bool {
        let codes = ["interaction_required", "login_required", "consent_required"];
        matches!(self, Self::Refused { code, .. } if codes.contains(&code.as_str()))
    }
}

/// The description of an error; a text of Lanyard if the provider gives none.
const fn described(description: &str) -> &str {
    if description.is_empty() { "it gives no reason" } else { description }
}

/// Parses the response of a token endpoint.
///
/// # Errors
///
/// [`TokenResponseError`] by the status and the member `error`.
pub fn parse_token_response(
    status: u16,
    body: &[u8],
) -> Result<UpstreamTokens, TokenResponseError> {
    if status >= 500 || status == 429 {
        return Err(TokenResponseError::Unavailable(status));
    }
    let response: Map<String, Value> = serde_json::from_slice(body).map_err(|_| match status {
        200 => TokenResponseError::Unreadable("it is not a JSON object"),
        status => TokenResponseError::Status(status),
    })?;
    let text = |name: &str| response.get(name).and_then(Value::as_str);
    // GitHub sends errors with the status 200.
    if let Some(code) = text("error") {
        let shortened = |text: &str| text.chars().take(256).collect::<String>();
        let description = shortened(text("error_description").unwrap_or_default());
        return Err(match code {
            "invalid_grant" | "bad_verification_code" | "bad_refresh_token" => {
                TokenResponseError::InvalidGrant(description)
            }
            "temporarily_unavailable" => TokenResponseError::Unavailable(status),
            code => TokenResponseError::Refused { code: shortened(code), description },
        });
    }
    if status != 200 {
        return Err(TokenResponseError::Status(status));
    }
    let is_bearer = text("token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !is_bearer {
        return Err(TokenResponseError::Unreadable("its token_type is not Bearer"));
    }
    let secret = |name: &str| text(name).map(|token| Secret::new(token.to_owned()));
    Ok(UpstreamTokens {
        access_token: secret("access_token"),
        id_token: text("id_token").map(str::to_owned),
        refresh_token: secret("refresh_token"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> TokenResponseError {
        parse_token_response(status, body.as_bytes()).expect_err("an error")
    }

    #[test]
    fn distinguishes_a_spent_grant_from_a_wrong_client_and_an_outage() {
        let gone = error(400, r#"{"error":"invalid_grant","error_description":"gone"}"#);
        assert_eq!(gone, TokenResponseError::InvalidGrant("gone".into()));
        let github = error(200, r#"{"error":"bad_verification_code"}"#);
        assert_eq!(github, TokenResponseError::InvalidGrant(String::new()));
        let client = error(401, r#"{"error":"invalid_client"}"#);
        assert!(!client.asks_for_person());
        let terms = error(400, r#"{"error":"interaction_required"}"#);
        assert!(terms.asks_for_person());
        assert!(matches!(client, TokenResponseError::Refused { .. }));
        assert_eq!(error(503, "<html>"), TokenResponseError::Unavailable(503));
        assert!(matches!(error(200, "<html>"), TokenResponseError::Unreadable(_)));
        assert_eq!(error(302, ""), TokenResponseError::Status(302));
        assert_eq!(error(404, "{}"), TokenResponseError::Status(404));
        assert!(matches!(
            error(200, r#"{"token_type":"DPoP"}"#),
            TokenResponseError::Unreadable(_)
        ));
    }

    #[test]
    fn reads_tokens() {
        let body =
            r#"{"token_type":"bearer","access_token":"a","id_token":"i","refresh_token":"r"}"#;
        let tokens = parse_token_response(200, body.as_bytes()).expect("tokens");
        assert_eq!(tokens.id_token.as_deref(), Some("i"));
        assert!(tokens.refresh_token.is_some_and(|token| token.expose() == "r"));
    }
}
