//! Error pages: the problem and its remedy in words, with the error code and request id in small
//! print for support.

use askama::Template;

use super::frame::{PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::Tenant,
    protocol::error::{ErrorCode, OAuthError},
};

/// The content of an error page.
#[derive(Clone, Debug)]
pub struct ErrorPage<'a> {
    /// The tenant, if the URL belongs to one.
    pub tenant: Option<&'a Tenant>,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The problem in a few words.
    pub title: &'a str,
    /// The problem in a sentence.
    pub message: &'a str,
    /// The next step for the user.
    pub advice: &'a str,
    /// Details for a developer; may be empty.
    pub detail: &'a str,
    /// The error code, such as `invalid_request`.
    pub code: &'a str,
    /// The id of the request, which its log lines have as well.
    pub request_id: &'a str,
    /// The link with which the user can continue; `None` shows none.
    pub retry: Option<RetryLink<'a>>,
}

/// A link with which the user can continue.
#[derive(Clone, Copy, Debug)]
pub struct RetryLink<'a> {
    /// The URL that the link leads to.
    pub href: &'a str,
    /// The text of the link, in the page's language.
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
        frame: PageFrame::new(page.tenant, page.text),
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
pub fn oauth_error_page(
    (tenant, text): (Option<&Tenant>, &MessageCatalog),
    error: &OAuthError,
    request_id: &str,
) -> String {
    let (title, message, advice) = words(text, error.code);
    error_page(&ErrorPage {
        tenant,
        text,
        title,
        message,
        advice,
        detail: &error.public,
        code: error.code.as_str(),
        request_id,
        retry: None,
    })
}

/// The title, message and advice for an error code.
fn words(text: &MessageCatalog, code: ErrorCode) -> (&str, &str, &str) {
    match code {
        ErrorCode::InvalidClient => (
            text.unknown_application_title(),
            text.unknown_application_text(),
            text.unknown_application_advice(),
        ),
        ErrorCode::ServerError => {
            (text.server_error_title(), text.server_error_text(), text.wait_advice())
        }
        ErrorCode::TemporarilyUnavailable => {
            (text.unavailable_title(), text.unavailable_text(), text.wait_advice())
        }
        ErrorCode::AccessDenied => {
            (text.not_allowed_title(), text.not_allowed_text(), text.return_advice())
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
        | ErrorCode::InsufficientScope
        | ErrorCode::InvalidDpopProof
        | ErrorCode::AuthorizationPending
        | ErrorCode::SlowDown
        | ErrorCode::ExpiredToken
        | ErrorCode::UnknownUserId
        | ErrorCode::InvalidBindingMessage
        | ErrorCode::InvalidAuthorizationDetails => {
            (text.invalid_request_title(), text.invalid_request_text(), text.return_advice())
        }
    }
}
