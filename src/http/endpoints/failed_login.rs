//! The sign-in page after an attempt that failed. It does not depend on whether the user exists.

use http::StatusCode;

use super::authorize::{AuthorizationContext, page};
use crate::{
    http::{EndpointError, Reply},
    identity::SignInError,
};

/// The sign-in page with the error. It is not a redirect: without a session the interaction can
/// only be kept in the page itself.
pub(super) fn render_failed_attempt(
    authorization: &AuthorizationContext<'_>,
    username: &str,
    error: SignInError,
) -> Result<Reply, EndpointError> {
    let text = authorization.request.text();
    let (status, problem, retry_after) = match error {
        // It does not depend on whether the user exists.
        SignInError::Wrong if username.contains('@') => {
            let problem = text.wrong_password_with_email().to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, problem, None)
        }
        SignInError::Wrong => {
            (StatusCode::UNPROCESSABLE_ENTITY, text.wrong_password().to_owned(), None)
        }
        SignInError::Wait(wait) => {
            let seconds = wait.as_secs().max(1);
            let problem = text.too_many_attempts(&text.wait_in_words(wait)).to_string();
            (StatusCode::TOO_MANY_REQUESTS, problem, Some(seconds))
        }
        SignInError::Busy(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, text.too_many_people().to_owned(), Some(2))
        }
    };
    let page = page::sign_in_again(authorization, username, &problem)?.status(status);
    Ok(match retry_after {
        Some(seconds) => page.header("retry-after", &seconds.to_string()),
        None => page,
    })
}
