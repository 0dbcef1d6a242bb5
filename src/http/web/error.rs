//! Failures → answers: the one place that chooses a status.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use super::Reply;
use crate::{
    http::pages,
    identity::PasswordQueueFull,
    keys::SignError,
    model::Tenant,
    protocol::error::{ErrorCode, OAuthError},
    store::StoreError,
};

/// Why a handler gives no ordinary answer, and by that the form of the answer.
#[derive(Clone, Debug)]
pub enum EndpointError {
    /// An error of the token endpoint and its like: JSON (RFC 6749 §5.2).
    Json(OAuthError),
    /// The client is not authenticated; 401 with a challenge if it tried by the `Authorization`
    /// header (RFC 6749 §5.2).
    Client {
        /// What is wrong.
        error: OAuthError,
        /// Whether it used the header.
        challenge: bool,
    },
    /// An error of an endpoint that takes bearer tokens (RFC 6750 §3).
    Bearer(OAuthError),
    /// No token at all: a challenge without an error (RFC 6750 §3.1).
    NoToken,
    /// Not now and not for anyone: 403.
    Forbidden(OAuthError),
    /// A page.
    Page(OAuthError),
    /// An answer that is ready.
    Reply(Box<Reply>),
    /// Something that this needs does not answer; worth another try. The text is for the log.
    Unavailable(String),
    /// A fault of ours. The text is for the log.
    Internal(String),
}

/// For whom an answer of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorFormat {
    /// A browser with a person in front.
    Person,
    /// A program.
    Program,
}

const RETRY_AFTER: Duration = Duration::from_secs(2);

impl EndpointError {
    /// What the log says beyond the answer.
    pub(crate) fn log(&self, request_id: &str) {
        match self {
            Self::Json(error)
            | Self::Bearer(error)
            | Self::Page(error)
            | Self::Forbidden(error)
            | Self::Client { error, .. } => {
                tracing::info!(request_id, code = %error.code, reason = %error, "refused");
            }
            Self::Unavailable(why) => tracing::warn!(request_id, why, "unavailable"),
            Self::Internal(why) => tracing::error!(request_id, why, "internal error"),
            Self::Reply(_) | Self::NoToken => {}
        }
    }

    /// The answer.
    pub(crate) fn reply(self, tenant: Option<&Tenant>, audience: ErrorFormat, id: &str) -> Reply {
        let realm = tenant.map_or("lanyard", |tenant| tenant.issuer.as_str());
        match self {
            Self::Reply(reply) => *reply,
            Self::Json(error) => json_error(&error),
            Self::Forbidden(error) => json_error(&error).status(StatusCode::FORBIDDEN),
            Self::Client { error, challenge } => {
                let reply = json_error(&error).status(StatusCode::UNAUTHORIZED);
                if challenge {
                    reply.header("www-authenticate", &format!("Basic realm=\"{realm}\""))
                } else {
                    reply
                }
            }
            Self::NoToken => Reply::empty(StatusCode::UNAUTHORIZED)
                .header("www-authenticate", &format!("Bearer realm=\"{realm}\"")),
            Self::Bearer(error) => {
                let mut challenge = format!(
                    "Bearer realm=\"{realm}\", error=\"{}\", error_description=\"{}\"",
                    error.code, error.public
                );
                if error.code == ErrorCode::InsufficientScope {
                    // What would be enough (RFC 6750 §3).
                    challenge.push_str(", scope=\"openid\"");
                }
                json_error(&error)
                    .status(bearer_status(error.code))
                    .header("www-authenticate", &challenge)
            }
            Self::Page(error) => {
                Reply::html(page_status(error.code), pages::error(tenant, &error, id))
            }
            Self::Unavailable(_) => {
                let text = "The service cannot answer right now. Try again in a moment.";
                let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
                let reply = match audience {
                    ErrorFormat::Person => {
                        Reply::html(StatusCode::OK, pages::error(tenant, &error, id))
                    }
                    ErrorFormat::Program => json_error(&error),
                };
                let seconds = RETRY_AFTER.as_secs().to_string();
                reply.status(StatusCode::SERVICE_UNAVAILABLE).header("retry-after", &seconds)
            }
            Self::Internal(_) => {
                let text = format!("Something went wrong here. The request's id is {id}.");
                let error = OAuthError::new(ErrorCode::ServerError, text);
                let reply = match audience {
                    ErrorFormat::Person => {
                        Reply::html(StatusCode::OK, pages::error(tenant, &error, id))
                    }
                    ErrorFormat::Program => json_error(&error),
                };
                reply.status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// The answer to what no handler gets to see: a method, a body. For a person a page, else JSON.
pub(crate) fn reject(
    status: StatusCode,
    why: &str,
    tenant: Option<&Tenant>,
    (audience, id): (ErrorFormat, &str),
) -> Reply {
    let error = OAuthError::new(ErrorCode::InvalidRequest, why);
    let failure = match audience {
        ErrorFormat::Person => EndpointError::Page(error),
        ErrorFormat::Program => EndpointError::Json(error),
    };
    failure.reply(tenant, audience, id).status(status)
}

fn json_error(error: &OAuthError) -> Reply {
    let body = json!({ "error": error.code.as_str(), "error_description": error.public });
    Reply::json(StatusCode::BAD_REQUEST, &body)
}

/// RFC 6750 §3.1.
const fn bearer_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    }
}

const fn page_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

impl From<StoreError> for EndpointError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Unsuitable(_) => {
                Self::Unavailable(error.to_string())
            }
            StoreError::TooLarge(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<SignError> for EndpointError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Busy => Self::Unavailable(error.to_string()),
            SignError::Unusable => Self::Internal(error.to_string()),
        }
    }
}

impl From<PasswordQueueFull> for EndpointError {
    fn from(error: PasswordQueueFull) -> Self {
        Self::Unavailable(error.to_string())
    }
}
