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
    let (status, problem, retry_after) = match error {
        SignInError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, wrong_message(username), None),
        SignInError::Wait(wait) => {
            let seconds = wait.as_secs().max(1);
            (StatusCode::TOO_MANY_REQUESTS, wait_message(seconds), Some(seconds))
        }
        SignInError::Busy(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many users are signing in right now. Please try again in a few seconds."
                .to_owned(),
            Some(2),
        ),
    };
    let page = page::sign_in_again(authorization, username, &problem)?.status(status);
    Ok(match retry_after {
        Some(seconds) => page.header("retry-after", &seconds.to_string()),
        None => page,
    })
}

/// The message does not depend on whether the user exists.
fn wrong_message(typed: &str) -> String {
    let mut message = "The username or password is incorrect. Please try again.".to_owned();
    if typed.contains('@') {
        message.push_str(" If you entered an email address, try your username.");
    }
    message
}

fn wait_message(seconds: u64) -> String {
    let wait = match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!("Too many sign-in attempts. Please wait {wait}, then try again.")
}

#[cfg(test)]
mod tests {
    use super::wait_message;

    #[test]
    fn words_the_wait() {
        assert!(wait_message(1).contains("wait a second,"));
        assert!(wait_message(64).contains("wait 64 seconds,"));
        assert!(wait_message(300).contains("wait 5 minutes,"));
    }
}
