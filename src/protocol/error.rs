//! OAuth error responses: the registered codes, and errors with a description for the client and details for the log.

use std::fmt;

use crate::model::{Client, ObjectKey};

/// An error code that this server sends, by the section that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidRequest,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §4.1.2.1, §5.2.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1, §5.2.
    InvalidScope,
    /// RFC 8707 §2.
    InvalidTarget,
    /// RFC 6749 §4.1.2.1.
    AccessDenied,
    /// RFC 6749 §4.1.2.1.
    ServerError,
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable,
    /// OIDC Core §3.1.2.6.
    LoginRequired,
    /// OIDC Core §3.1.2.6.
    ConsentRequired,
    /// OIDC Core §3.1.2.6.
    InteractionRequired,
    /// OIDC Core §3.1.2.6.
    AccountSelectionRequired,
    /// OpenID Connect Core Error Code `unmet_authentication_requirements` 1.0.
    UnmetAuthenticationRequirements,
    /// OIDC Core §3.1.2.6.
    InvalidRequestUri,
    /// OIDC Core §3.1.2.6.
    InvalidRequestObject,
    /// OIDC Core §3.1.2.6.
    RequestNotSupported,
    /// OIDC Core §3.1.2.6.
    RequestUriNotSupported,
    /// OIDC Core §3.1.2.6.
    RegistrationNotSupported,
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata,
    /// RFC 7591 §3.2.2.
    UnapprovedSoftwareStatement,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 8628 §3.5.
    AuthorizationPending,
    /// RFC 8628 §3.5.
    SlowDown,
    /// RFC 8628 §3.5.
    ExpiredToken,
    /// CIBA Core §13.
    UnknownUserId,
    /// CIBA Core §13.
    InvalidBindingMessage,
    /// RFC 9396 §5.
    InvalidAuthorizationDetails,
}

impl ErrorCode {
    /// The code as it appears on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::UnknownUserId => "unknown_user_id",
            Self::InvalidBindingMessage => "invalid_binding_message",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An OAuth error. `public` is sent to the client for its developer; `private` is only logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// The member `error` of the response.
    pub code: ErrorCode,
    /// `error_description`: printable ASCII without `"` and `\` (RFC 6749 §5.2).
    pub public: String,
    /// Additional detail for the log. Never contains a secret, code, token or password.
    pub private: Option<String>,
    /// A disagreement of the request with the client's registration, for the log.
    pub mismatch: Option<Box<RegistrationMismatch>>,
}

/// A value of a request and the registered values that it had to be one of. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationMismatch {
    /// Namespace and name of the client's object.
    pub client: ObjectKey,
    /// The value in the request, cut after 512 characters.
    pub received: String,
    /// The values that the client, or the server, has, cut after 512 characters.
    pub registered: String,
}

/// Maximum length of a value in [`RegistrationMismatch`], in characters.
const MAX_LOGGED_VALUE: usize = 512;

/// Maximum length of a value of a request in a description, in characters.
const MAX_DESCRIBED_VALUE: usize = 100;

/// Shortens a value of a request for a description.
pub fn abbreviate_value(value: &str) -> String {
    match value.char_indices().nth(MAX_DESCRIBED_VALUE) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.to_owned(),
    }
}

/// Shortens a value of a request for the log.
fn shorten(value: &str) -> String {
    match value.char_indices().nth(MAX_LOGGED_VALUE) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

impl OAuthError {
    /// Creates an error with a description. Characters that the RFC forbids become `'`.
    pub fn new(code: ErrorCode, public: impl Into<String>) -> Self {
        let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        let public = public.into();
        let public = if public.chars().all(allowed) {
            public
        } else {
            public.chars().map(|c| if allowed(c) { c } else { '\'' }).collect()
        };
        Self { code, public, private: None, mismatch: None }
    }

    /// Adds detail that is only logged.
    #[must_use]
    pub fn because(mut self, private: impl Into<String>) -> Self {
        self.private = Some(private.into());
        self
    }

    /// Adds the value of the request and the registered values, which are only logged.
    #[must_use]
    pub fn mismatch(mut self, client: &Client, received: &str, registered: &str) -> Self {
        self.mismatch = Some(Box::new(RegistrationMismatch {
            client: client.object.clone(),
            received: shorten(received),
            registered: shorten(registered),
        }));
        self
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.public)?;
        match &self.private {
            Some(private) => write!(f, " ({private})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for OAuthError {}
