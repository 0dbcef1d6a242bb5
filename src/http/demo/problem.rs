//! Why a step did not work, in words for the person in front of it.

use hyper::StatusCode;

use super::backchannel::ProviderCallError;

/// What went wrong, for the page that says so.
#[derive(Clone, Debug)]
pub(super) struct DemoError {
    pub status: StatusCode,
    pub title: &'static str,
    /// What happened.
    pub message: String,
    /// What to do.
    pub remedy: &'static str,
}

impl DemoError {
    pub(super) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "There is nothing here",
            message: "This address is none of the demo's.".to_owned(),
            remedy: "Begin at the list of applications.",
        }
    }

    pub(super) fn unknown_client() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "This application is not there",
            message: "No tenant that is served has it; it may just have been changed or removed."
                .to_owned(),
            remedy: "Look at the list of applications, and at the log of lanyard dev.",
        }
    }

    pub(super) fn nobody_waiting() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "Nobody was waiting for this answer",
            message: "Signing in was begun in another browser or more than 15 minutes ago, has \
                      been answered already, or lanyard dev was restarted meanwhile."
                .to_owned(),
            remedy: "Sign in again.",
        }
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "You were not signed in",
            message: message.into(),
            remedy: "Sign in again, or look at the log of lanyard dev.",
        }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_GATEWAY, ..Self::refused(message) }
    }
}

impl From<ProviderCallError> for DemoError {
    fn from(error: ProviderCallError) -> Self {
        Self::failed(error.to_string())
    }
}
