//! Errors of other layers as errors of endpoints.

use std::time::Duration;

use super::EndpointError;
use crate::{
    accounts::{AccountError, RequestError},
    identity::PasswordQueueFull,
    keys::SigningError,
    protocol::{
        client_auth::{ClientAuthError, ClientAuthFailure},
        error::{ErrorCode, OAuthError},
    },
    store::{RecordKind, StoreError},
};

const TOO_MANY_RECORDS_MESSAGE: &str =
    "Too many requests of the client or user are remembered until they expire. Try again later.";
const TOO_MANY_REVOKED_MESSAGE: &str = "The token was not revoked: too many revoked tokens of the client are \
    remembered until they expire. Try again later.";

const NO_SPACE_MESSAGE: &str =
    "The tenant has used up its space in the store. Try again later, or ask its administrators.";
/// The shares of tenants are counted once a minute.
const NO_SPACE_RETRY: Duration = Duration::from_mins(1);

/// The text for records of a kind of which too many have not expired.
fn too_many_records(kind: RecordKind) -> &'static str {
    if kind == RecordKind::Revoked { TOO_MANY_REVOKED_MESSAGE } else { TOO_MANY_RECORDS_MESSAGE }
}

impl From<AccountError> for EndpointError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::OtherPersonsAuthenticator => Self::OtherPersonsAuthenticator,
            AccountError::TooManyRecords(kind, wait) => Self::TooManyRequests {
                error: OAuthError::new(ErrorCode::TemporarilyUnavailable, too_many_records(kind)),
                retry_after: wait,
            },
            AccountError::Store(StoreError::NoSpace { .. }) => Self::TooManyRequests {
                error: OAuthError::new(ErrorCode::TemporarilyUnavailable, NO_SPACE_MESSAGE),
                retry_after: NO_SPACE_RETRY,
            },
            AccountError::ProviderUnavailable(_) => Self::ProviderUnavailable(error.to_string()),
            _ if error.is_temporary() => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<OAuthError> for EndpointError {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<RequestError<OAuthError>> for EndpointError {
    fn from(error: RequestError<OAuthError>) -> Self {
        match error {
            RequestError::Refused(error) => error.into(),
            RequestError::Failed(error) => error.into(),
        }
    }
}

impl From<RequestError<ClientAuthError>> for EndpointError {
    fn from(error: RequestError<ClientAuthError>) -> Self {
        match error {
            RequestError::Refused(ClientAuthError {
                error,
                failure: ClientAuthFailure::Throttled(wait),
                ..
            }) => Self::TooManyRequests { error, retry_after: wait },
            RequestError::Refused(ClientAuthError { error, challenge, .. })
                if error.code == ErrorCode::InvalidClient =>
            {
                Self::Client { error, challenge }
            }
            RequestError::Refused(refused) => refused.error.into(),
            RequestError::Failed(error) => error.into(),
        }
    }
}

impl From<StoreError> for EndpointError {
    fn from(error: StoreError) -> Self {
        AccountError::from(error).into()
    }
}

impl From<SigningError> for EndpointError {
    fn from(error: SigningError) -> Self {
        AccountError::from(error).into()
    }
}

impl From<PasswordQueueFull> for EndpointError {
    fn from(error: PasswordQueueFull) -> Self {
        Self::Unavailable(error.to_string())
    }
}
