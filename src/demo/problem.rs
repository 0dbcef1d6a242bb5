//! Errors of the demo, described for the user.

use hyper::StatusCode;

use super::provider_http_client::ProviderCallError;

/// The content of an error page.
#[derive(Clone, Debug)]
pub(super) struct DemoError {
    pub status: StatusCode,
    pub title: &'static str,
    /// The problem in a sentence.
    pub message: String,
    /// The next step for the user.
    pub remedy: &'static str,
}

impl DemoError {
    pub(super) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "Page not found",
            message: "The demo has no page at this URL.".to_owned(),
            remedy: "Start from the list of applications.",
        }
    }

    pub(super) fn unknown_client() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "Unknown application",
            message:
                "No tenant has this application. It may have been changed or deleted just now."
                    .to_owned(),
            remedy: "Check the list of applications, and the log of lanyard dev.",
        }
    }

    pub(super) fn no_pending_sign_in() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "This sign-in is not in progress",
            message: "The sign-in was started in another browser or more than 15 minutes ago, \
                      was completed already, or lanyard dev was restarted."
                .to_owned(),
            remedy: "Sign in again.",
        }
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "You were not signed in",
            message: message.into(),
            remedy: "Sign in again, or check the log of lanyard dev.",
        }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_GATEWAY, ..Self::refused(message) }
    }
}

/// The reason why userinfo has no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum UserinfoError {
    #[error("The issuer has no userinfo endpoint.")]
    NoEndpoint,
    #[error(transparent)]
    Call(#[from] ProviderCallError),
    #[error("The response's sub differs from the ID token's, so the response was dropped.")]
    OtherSubject,
}

impl From<ProviderCallError> for DemoError {
    fn from(error: ProviderCallError) -> Self {
        Self::failed(error.to_string())
    }
}
