//! Error pages: what went wrong and what to do, in words; the code and the request's id in small
//! print, for whoever is asked for help.

use askama::Template;

use super::frame::{PageFrame, render};
use crate::{
    model::Tenant,
    protocol::error::{ErrorCode, OAuthError},
};

/// What an error page shows.
#[derive(Clone, Debug)]
pub struct ErrorPage<'a> {
    /// Whose page it is, if the address is a tenant's.
    pub tenant: Option<&'a Tenant>,
    /// What went wrong, in a few words.
    pub title: &'a str,
    /// What went wrong, in a sentence.
    pub message: &'a str,
    /// What to do.
    pub advice: &'a str,
    /// What helps a developer; may be empty.
    pub detail: &'a str,
    /// A fixed word.
    pub code: &'a str,
    /// The request's id in the logs.
    pub request_id: &'a str,
    /// A way on.
    pub retry: Option<RetryLink<'a>>,
}

/// A link that leads on.
#[derive(Clone, Copy, Debug)]
pub struct RetryLink<'a> {
    /// Where.
    pub href: &'a str,
    /// What it says.
    pub label: &'a str,
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorTemplate<'a> {
    frame: PageFrame<'a>,
    title: &'a str,
    message: &'a str,
    advice: &'a str,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    retry: Option<(&'a str, &'a str)>,
}

/// Renders an error page.
pub fn error_page(page: &ErrorPage) -> String {
    render(&ErrorTemplate {
        frame: PageFrame::new(page.tenant),
        title: page.title,
        message: page.message,
        advice: page.advice,
        detail: page.detail,
        code: page.code,
        request_id: page.request_id,
        retry: page.retry.map(|retry| (retry.href, retry.label)),
    })
}

/// Renders the page of a protocol error.
pub fn error(tenant: Option<&Tenant>, error: &OAuthError, request_id: &str) -> String {
    let (title, message, advice) = words(error.code);
    error_page(&ErrorPage {
        tenant,
        title,
        message,
        advice,
        detail: &error.public,
        code: error.code.as_str(),
        request_id,
        retry: None,
    })
}

const RETURN_ADVICE: &str = "Go back to the application and try again. If it happens again, tell the \
                    people who run the application.";
const WAIT_ADVICE: &str = "Wait a moment and try again. If it lasts, tell the people who run this \
                     service.";

/// Title, message and advice.
const fn words(code: ErrorCode) -> (&'static str, &'static str, &'static str) {
    match code {
        ErrorCode::InvalidClient => (
            "Unknown application",
            "The application that sent you here is not registered with this service.",
            "Check the address that you came from. If it is right, tell the people who run the \
             application.",
        ),
        ErrorCode::ServerError => {
            ("Something went wrong", "It is our fault, and it has been written down.", WAIT_ADVICE)
        }
        ErrorCode::TemporarilyUnavailable => {
            ("Not available right now", "This service cannot answer at the moment.", WAIT_ADVICE)
        }
        ErrorCode::AccessDenied => {
            ("Not allowed", "This was not allowed, so nothing has changed.", RETURN_ADVICE)
        }
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::UnsupportedResponseType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::LoginRequired
        | ErrorCode::ConsentRequired
        | ErrorCode::InteractionRequired
        | ErrorCode::AccountSelectionRequired
        | ErrorCode::InvalidRequestUri
        | ErrorCode::UnmetAuthenticationRequirements
        | ErrorCode::InvalidRequestObject
        | ErrorCode::RequestNotSupported
        | ErrorCode::RequestUriNotSupported
        | ErrorCode::RegistrationNotSupported
        | ErrorCode::InvalidRedirectUri
        | ErrorCode::InvalidClientMetadata
        | ErrorCode::UnapprovedSoftwareStatement
        | ErrorCode::InvalidToken
        | ErrorCode::InsufficientScope => (
            "This request cannot be answered",
            "The application that sent you here asked for something in a way that this service \
             does not accept.",
            RETURN_ADVICE,
        ),
    }
}
