//! Maps errors to responses. Only this module and `challenges` choose the status of an error.

use std::time::Duration;

use http::StatusCode;

use super::{
    Reply, RequestLanguage,
    challenges::{
        access_token_error, bearer_error, dpop_error, missing_access_token_reply,
        missing_token_reply,
    },
    unusable_page::UnusablePage,
};
use crate::{
    http::pages,
    model::Tenant,
    protocol::{
        authorize::AuthorizationResponse,
        error::{ErrorCode, OAuthError},
    },
};

/// The error of a handler, by the form of its response.
#[derive(Clone, Debug)]
pub enum EndpointError {
    /// The request was refused. The route decides the form of the response (`ErrorFormat`).
    Refused(OAuthError),
    /// Client authentication failed: 401, with a challenge if the client used the `Authorization`
    /// header (RFC 6749 §5.2).
    Client {
        /// The error in the response.
        error: OAuthError,
        /// Whether the response has the challenge, because the client used the `Authorization` header.
        challenge: bool,
    },
    /// The bearer token was refused (RFC 6750 §3).
    Bearer(OAuthError),
    /// The access token or its DPoP proof was refused (RFC 9449 §7.1).
    Dpop(OAuthError),
    /// The request has no token: a challenge without an error (RFC 6750 §3.1).
    NoToken,
    /// The request has no access token: a challenge for each way of sending one (RFC 9449 §7.1).
    NoAccessToken,
    /// 403: the tenant's policy forbids this request.
    Forbidden(OAuthError),
    /// The client gets the error at its redirect URI, which is proven (RFC 6749 §4.1.2.1).
    Application(Box<AuthorizationResponse>),
    /// 400: the page or form that the browser sent cannot be used.
    UnusablePage(Box<UnusablePage>),
    /// 403: the authenticator app of the user belongs to another person.
    OtherPersonsAuthenticator,
    /// 404: the tenant does not offer this.
    NotOffered(OAuthError),
    /// 429: too many requests, with `Retry-After`.
    TooManyRequests {
        /// The error in the response.
        error: OAuthError,
        /// The time after which a request may succeed, sent in seconds, at least 1.
        retry_after: Duration,
    },
    /// 503: a required service does not answer; a retry may succeed. The text is for the log.
    Unavailable(String),
    /// 503: the identity provider of the user does not answer; a retry may succeed. The text is for the
    /// log.
    ProviderUnavailable(String),
    /// 500: an internal error. The text is for the log.
    Internal(String),
}

/// The format of error responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorFormat {
    /// An HTML page for users in a browser.
    Html,
    /// JSON for API clients (RFC 6749 §5.2).
    Json,
    /// A challenge, and JSON, for requests with a bearer token (RFC 6750 §3).
    Bearer,
}

const RETRY_AFTER: Duration = Duration::from_secs(2);
/// An identity provider, or the server of a document, that did not answer is asked again no earlier.
const REMOTE_RETRY_AFTER: Duration = Duration::from_secs(30);

impl EndpointError {
    /// Logs the details that the response does not contain. Called within the request's span.
    pub(crate) fn log(&self) {
        match self {
            // Devices poll.
            Self::Refused(error)
                if matches!(error.code, ErrorCode::AuthorizationPending | ErrorCode::SlowDown) => {}
            Self::Refused(error)
            | Self::Bearer(error)
            | Self::Dpop(error)
            | Self::Forbidden(error)
            | Self::TooManyRequests { error, .. }
            | Self::Client { error, .. } => {
                log_refusal(error);
            }
            Self::Unavailable(error) => tracing::warn!(error, "service unavailable"),
            Self::ProviderUnavailable(error) => {
                tracing::info!(error, "identity provider unavailable");
            }
            Self::Internal(error) => tracing::error!(error, "internal error"),
            Self::Application(_)
            | Self::UnusablePage(_)
            | Self::OtherPersonsAuthenticator
            | Self::NotOffered(_)
            | Self::NoToken
            | Self::NoAccessToken => {}
        }
    }

    /// Returns true if an identity provider did not answer, or not as expected. Only pages about
    /// providers lead no further with a server error.
    pub(crate) fn is_fault_of_provider(&self) -> bool {
        match self {
            Self::ProviderUnavailable(_) => true,
            Self::UnusablePage(page) => page.status.is_server_error(),
            _ => false,
        }
    }

    /// Renders the error as the response to the request with this id: as a page, as JSON, or as a bearer challenge.
    pub(crate) fn reply(
        self,
        (tenant, language): (Option<&Tenant>, &RequestLanguage),
        format: ErrorFormat,
        id: &str,
    ) -> Reply {
        let realm = tenant.map_or("lanyard", |tenant| tenant.issuer.as_str());
        let of = || (tenant, language.text());
        let page = |status: StatusCode, error: &OAuthError| {
            Reply::html(status, pages::oauth_error_page(of(), error, id))
        };
        let server_error = |status: StatusCode, error: &OAuthError| match format {
            ErrorFormat::Html => page(status, error),
            ErrorFormat::Json | ErrorFormat::Bearer => Reply::oauth_error(error).status(status),
        };
        let unavailable = |text: &str, retry_after: Duration| {
            let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
            server_error(StatusCode::SERVICE_UNAVAILABLE, &error)
                .header("retry-after", &retry_after.as_secs().to_string())
        };
        match self {
            Self::Application(response) => Reply::to_application(*response),
            Self::UnusablePage(page) => page.reply(of(), id),
            Self::OtherPersonsAuthenticator => {
                UnusablePage::of_other_persons_authenticator(language.text()).reply(of(), id)
            }
            Self::NotOffered(error) => Reply::oauth_error(&error).status(StatusCode::NOT_FOUND),
            Self::TooManyRequests { error, retry_after } => {
                server_error(StatusCode::TOO_MANY_REQUESTS, &error)
                    .header("retry-after", &retry_after.as_secs().max(1).to_string())
            }
            // A document of the client that could not be fetched, or another service that is away.
            Self::Refused(error) if error.code == ErrorCode::TemporarilyUnavailable => {
                unavailable(&error.public, REMOTE_RETRY_AFTER)
            }
            Self::Refused(error) => match format {
                ErrorFormat::Html => page(page_status(error.code), &error),
                ErrorFormat::Json => Reply::oauth_error(&error),
                ErrorFormat::Bearer => access_token_error((realm, tenant), &error),
            },
            Self::Forbidden(error) => Reply::oauth_error(&error).status(StatusCode::FORBIDDEN),
            Self::Client { error, challenge } => {
                let reply = Reply::oauth_error(&error).status(StatusCode::UNAUTHORIZED);
                if challenge {
                    reply.header("www-authenticate", &format!("Basic realm=\"{realm}\""))
                } else {
                    reply
                }
            }
            Self::NoToken => missing_token_reply(realm),
            Self::NoAccessToken => missing_access_token_reply((realm, tenant)),
            Self::Bearer(error) => bearer_error(realm, &error),
            Self::Dpop(error) => dpop_error((realm, tenant), &error),
            Self::Unavailable(_) => {
                let text = "The service is temporarily unavailable. Try again in a moment.";
                unavailable(text, RETRY_AFTER)
            }
            Self::ProviderUnavailable(_) => {
                let text = "The identity provider of the user does not answer. Nothing was revoked. Try again in a moment.";
                unavailable(text, REMOTE_RETRY_AFTER)
            }
            Self::Internal(_) => {
                let text = format!("An internal error occurred. Request ID: {id}.");
                let error = OAuthError::new(ErrorCode::ServerError, text);
                server_error(StatusCode::INTERNAL_SERVER_ERROR, &error)
            }
        }
    }
}

/// Logs a refused request, with the values that differ from the client's registration.
fn log_refusal(error: &OAuthError) {
    let mismatch = error.mismatch.as_deref();
    tracing::info!(
        client = mismatch.map(|it| tracing::field::display(&it.client)),
        error.code = %error.code,
        error.description = error.public,
        error.detail = error.private,
        received = mismatch.map(|it| it.received.as_str()),
        registered = mismatch.map(|it| it.registered.as_str()),
        "request rejected"
    );
}

/// Rejects a request before its handler runs, for its method or body: with a page for users, else
/// with JSON.
pub(crate) fn reject_request(
    status: StatusCode,
    why: &str,
    of: (Option<&Tenant>, &RequestLanguage),
    (format, id): (ErrorFormat, &str),
) -> Reply {
    // A challenge belongs to a bearer token that was checked (RFC 6750 §3); this one was not.
    let format = if format == ErrorFormat::Bearer { ErrorFormat::Json } else { format };
    let error = OAuthError::new(ErrorCode::InvalidRequest, why);
    EndpointError::Refused(error).reply(of, format, id).status(status)
}

const fn page_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}
