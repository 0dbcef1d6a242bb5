//! Rich authorization requests (RFC 9396). No resource server declares a type, so each request for one is refused.
//! A token without the requested limits would allow more than the client expects.

use super::{
    authorization_parameter::AuthorizationParameter,
    error::{ErrorCode, OAuthError},
    params::RequestParams,
};

/// The parameter with the details (RFC 9396 §2).
pub const AUTHORIZATION_DETAILS: &str = AuthorizationParameter::AuthorizationDetails.name();

/// Rule: a request asks for no authorization details (RFC 9396 §5).
pub fn check_authorization_details(params: &RequestParams) -> Result<(), OAuthError> {
    match params.get(AUTHORIZATION_DETAILS) {
        None => Ok(()),
        Some(_) => Err(invalid_authorization_details()),
    }
}

/// Returns the error of a request with authorization details.
pub fn invalid_authorization_details() -> OAuthError {
    let text = "The parameter 'authorization_details' is not supported, because no resource server declares a type of them; ask for scopes of a 'resource'.";
    OAuthError::new(ErrorCode::InvalidAuthorizationDetails, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_with_authorization_details_are_refused() {
        // RFC 9396 §5
        let check = |text: &str| {
            let params = RequestParams::parse(text.as_bytes());
            check_authorization_details(&params).map_err(|error| error.code)
        };
        assert_eq!(check("scope=a&authorization_details="), Ok(()), "an empty one is not sent");
        for sent in ["[]", "x", "%5B%7B%22type%22%3A%22payment%22%7D%5D"] {
            let refused = check(&format!("authorization_details={sent}"));
            assert_eq!(refused, Err(ErrorCode::InvalidAuthorizationDetails), "{sent}");
        }
    }
}
