//! The reasons why a provider gives no usable answer.

use crate::{
    fetch::FetchError,
    protocol::upstream::{
        CallbackError, IdTokenError, LogoutTokenError, SignedUserinfoError, TokenResponseError,
    },
    remote::RemoteDocumentError,
};

/// The reason why a provider gives no usable answer. The messages are for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// The provider's discovery document or keys cannot be had.
    #[error("{0}")]
    Document(#[from] RemoteDocumentError),
    /// The provider cannot be called.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The provider's authorization response is refused.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The provider's token response is an error.
    #[error(transparent)]
    Token(#[from] TokenResponseError),
    /// The provider's ID token is refused.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// The provider's logout token is refused.
    #[error(transparent)]
    LogoutToken(#[from] LogoutTokenError),
    /// The provider's signed userinfo response is refused.
    #[error(transparent)]
    SignedUserinfo(#[from] SignedUserinfoError),
    /// The signature of its ID token, logout token or userinfo response is not valid.
    #[error("the signature of the provider's token is not valid")]
    Signature,
    /// The token response has no ID token.
    #[error("the provider's token response has no id_token; request the scope openid")]
    NoIdToken,
    /// The token response has no access token.
    #[error("the provider's token response has no access_token")]
    NoAccessToken,
    /// The userinfo response cannot be used.
    #[error("the provider's userinfo response {0}")]
    Userinfo(&'static str),
    /// The answer to a refresh has no claims at all.
    #[error(
        "the provider's answer to a refresh has no id_token, and userinfo is Never; set oidc.userinfo to Always, or refresh.mode to Disabled"
    )]
    NoRefreshedClaims,
    /// The answer to a refresh has no ID token, and userinfo does not have this claim of the person.
    #[error(
        "the provider's answer to a refresh has no id_token, and its userinfo response has no claim {0:?}, which the person had; let the provider send one of them, or set refresh.mode to Disabled"
    )]
    NotRefreshed(String),
    /// The answer to a refresh does not have this claim of the person, from which groups come.
    #[error(
        "the provider's answer to a refresh has no claim {0:?}, from which groups come and which the person had; let the provider send it, also as an empty list, or set refresh.mode to Disabled"
    )]
    GroupsNotRefreshed(String),
    /// Too much time has passed for a refresh token that may be used once only.
    #[error(
        "the provider needed too much time before its refresh token could be used; it is asked again in half a minute"
    )]
    TooLate,
    /// The userinfo endpoint refuses the access token, or fails.
    #[error("the provider's userinfo endpoint answered with status {0}")]
    UserinfoStatus(u16),
    /// An answer of the API cannot be used.
    #[error("the provider's API {0}")]
    Api(String),
    /// A list of the API has more entries than are read.
    #[error("the provider's API has too many entries at {0}")]
    ApiListTooLong(String),
    /// The API refuses the access token or the request, or fails.
    #[error("the provider's API {url} answered with status {status}")]
    ApiStatus {
        /// The URL that was asked.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
        /// Whether the answer says that the limit of requests is reached (status 403 or 429).
        is_rate_limited: bool,
    },
    /// A list of the API has only a part of its entries.
    #[error(
        "the provider's API left out entries of organizations at {0} (X-GitHub-SSO: partial-results), since the person has not signed in to them by SAML; the person has to sign in to each organization at GitHub, then here again"
    )]
    ApiPartial(String),
    /// The person is in none of the required organizations.
    #[error("the person is not a member of a required organization")]
    NotInOrganization,
}

impl UpstreamError {
    /// Returns true if the provider was not asked, because its address may not be called in this way.
    pub const fn is_forbidden(&self) -> bool {
        match self {
            Self::Document(RemoteDocumentError::Fetch(error)) | Self::Fetch(error) => {
                error.is_forbidden()
            }
            _ => false,
        }
    }

    /// Returns true if the provider could not be asked, so a later attempt may succeed.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Document(RemoteDocumentError::Fetch(error)) | Self::Fetch(error) => {
                error.is_transient()
            }
            Self::Document(RemoteDocumentError::Aborted)
            | Self::TooLate
            | Self::Token(TokenResponseError::Unavailable(_))
            | Self::ApiStatus { is_rate_limited: true, .. } => true,
            Self::UserinfoStatus(status) | Self::ApiStatus { status, .. } => {
                *status >= 500 || *status == 429
            }
            _ => false,
        }
    }
}
