//! Error pages: the problem and its remedy in words, with the error code and request id in small
//! print for support.

use askama::Template;

use super::frame::{PageFrame, render_page};
use crate::{
    model::Tenant,
    protocol::error::{ErrorCode, OAuthError},
};

/// The content of an error page.
#[derive(Clone, Debug)]
pub struct ErrorPage<'a> {
    /// The tenant, if the URL belongs to one.
    pub tenant: Option<&'a Tenant>,
    /// The problem in a few words.
    pub title: &'a str,
    /// The problem in a sentence.
    pub message: &'a str,
    /// The next step for the user.
    pub advice: &'a str,
    /// Details for a developer; may be empty.
    pub detail: &'a str,
    /// The error code.
    pub code: &'a str,
    /// The request's id in the logs.
    pub request_id: &'a str,
    /// A link to continue.
    pub retry: Option<RetryLink<'a>>,
}

/// A link with which the user can continue.
#[derive(Clone, Copy, Debug)]
pub struct RetryLink<'a> {
    /// The link's URL.
    pub href: &'a str,
    /// The link's text.
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
    render_page(&ErrorTemplate {
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
pub fn oauth_error_page(tenant: Option<&Tenant>, error: &OAuthError, request_id: &str) -> String {
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

const RETURN_ADVICE: &str = "Go back to the application and try again. If this happens again, \
                    contact the application's operator.";
const WAIT_ADVICE: &str = "Wait a moment and try again. If this continues, contact the operator of \
                     this service.";

/// The title, message and advice for an error code.
const fn words(code: ErrorCode) -> (&'static str, &'static str, &'static str) {
    match code {
        ErrorCode::InvalidClient => (
            "Unknown application",
            "The application that sent you here is not registered with this service.",
            "Check the URL that you opened. If it is correct, contact the application's operator.",
        ),
        ErrorCode::ServerError => (
            "Something went wrong",
            "Something went wrong on our side. The error has been logged.",
            WAIT_ADVICE,
        ),
        ErrorCode::TemporarilyUnavailable => {
            ("Temporarily unavailable", "This service is temporarily unavailable.", WAIT_ADVICE)
        }
        ErrorCode::AccessDenied => {
            ("Not allowed", "This action is not allowed. Nothing was changed.", RETURN_ADVICE)
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
            "Invalid request",
            "The application that sent you here sent a request that this service does not accept.",
            RETURN_ADVICE,
        ),
    }
}
