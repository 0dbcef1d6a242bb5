//! The authorization response of a provider (RFC 6749 §4.1.2, RFC 9207).

use crate::protocol::{identity_provider::OidcUpstream, params::RequestParams};

use super::UpstreamMetadata;

/// An authorization response with a code, not yet redeemed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackResponse {
    /// The authorization code; never empty.
    pub code: String,
}

/// The reason why a response cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The provider answered with an error. Its texts are for the log.
    #[error("the provider answered {code:?}: {description:?}")]
    Refused {
        /// `error` of the response, cut after 256 characters.
        code: String,
        /// `error_description` of the response, cut after 256 characters; empty if absent.
        description: String,
    },
    /// `iss` of the response is that of another provider, or is missing although the provider's metadata promise it.
    /// The text is that of `iss`, or empty.
    #[error(
        "the response is from the issuer {0:?}, which is not the one that was asked (RFC 9207)"
    )]
    OtherIssuer(String),
    /// The response has neither a code nor an error.
    #[error("the response has neither a code nor an error")]
    NoCode,
}

/// Checks the response of a provider, before anything is sent to it.
///
/// # Errors
///
/// [`CallbackError`]. `iss` is checked first, because an error of another provider has no meaning here.
pub fn check_callback(
    (metadata, oidc): (&UpstreamMetadata, &OidcUpstream),
    params: &RequestParams,
) -> Result<CallbackResponse, CallbackError> {
    match params.get("iss") {
        Some(issuer) if !oidc.has_issuer(issuer) => {
            return Err(CallbackError::OtherIssuer(issuer.to_owned()));
        }
        None if metadata.authorization_response_iss_parameter_supported => {
            return Err(CallbackError::OtherIssuer(String::new()));
        }
        _ => {}
    }
    read_callback(params)
}

/// Reads the response of a provider without an issuer.
///
/// # Errors
///
/// [`CallbackError`] if the response is an error or has no code.
pub fn read_callback(params: &RequestParams) -> Result<CallbackResponse, CallbackError> {
    if let Some(code) = params.get("error") {
        let description = params.get("error_description").unwrap_or_default();
        let shortened = |text: &str| text.chars().take(256).collect();
        return Err(CallbackError::Refused {
            code: shortened(code),
            description: shortened(description),
        });
    }
    let code = params.get("code").filter(|code| !code.is_empty()).ok_or(CallbackError::NoCode)?;
    Ok(CallbackResponse { code: code.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::identity_provider::fixtures::sample_upstream;

    fn metadata(promises_iss: bool) -> UpstreamMetadata {
        UpstreamMetadata {
            issuer: "https://a.test".into(),
            authorization_endpoint: "https://a.test/a".into(),
            token_endpoint: "https://a.test/t".into(),
            jwks_uri: "https://a.test/j".into(),
            userinfo_endpoint: None,
            end_session_endpoint: None,
            scopes_supported: Vec::new(),
            token_endpoint_auth_methods_supported: Vec::new(),
            id_token_signing_alg_values_supported: Vec::new(),
            prompt_values_supported: Vec::new(),
            userinfo_signing_alg_values_supported: Vec::new(),
            authorization_response_iss_parameter_supported: promises_iss,
        }
    }

    fn checked_query(promises_iss: bool, query: &str) -> Result<CallbackResponse, CallbackError> {
        let oidc = sample_upstream("https://a.test");
        check_callback((&metadata(promises_iss), &oidc), &RequestParams::parse(query.as_bytes()))
    }

    #[test]
    fn the_issuer_is_checked_when_it_is_sent_and_required_when_it_was_promised() {
        // RFC 9207 §2.4
        assert!(checked_query(false, "code=c").is_ok());
        assert!(checked_query(true, "code=c&iss=https%3A%2F%2Fa.test").is_ok());
        assert_eq!(checked_query(true, "code=c"), Err(CallbackError::OtherIssuer(String::new())));
        let other = checked_query(false, "code=c&iss=https%3A%2F%2Fb.test&error=x");
        assert_eq!(other, Err(CallbackError::OtherIssuer("https://b.test".into())));
    }

    #[test]
    fn errors_of_the_provider_differ_from_missing_codes() {
        let refused = checked_query(false, "error=access_denied&error_description=no");
        let (code, description) = ("access_denied".into(), "no".into());
        assert_eq!(refused, Err(CallbackError::Refused { code, description }));
        assert_eq!(checked_query(false, "code="), Err(CallbackError::NoCode));
    }
}
