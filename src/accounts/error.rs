//! Errors of account services.

use std::time::Duration;

use crate::{
    keys::SigningError,
    model::SigningAlgorithm,
    protocol::{client_auth::ClientAuthError, error::OAuthError},
    store::{RecordKind, StoreError},
};

/// A failure of an account service, which is not the fault of the caller's request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountError {
    /// The store could not be reached, or refused the operation.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A token could not be signed.
    #[error(transparent)]
    Sign(#[from] SigningError),
    /// Other writers changed the record at every attempt.
    #[error("concurrent writes of a {} record conflicted repeatedly", .0.as_str())]
    Conflict(RecordKind),
    /// A record with a new random id exists already.
    #[error("the id of a new {} record already exists", .0.as_str())]
    DuplicateId(RecordKind),
    /// A record that was just written is absent.
    #[error("a new {} record was not found in the store", .0.as_str())]
    Lost(RecordKind),
    /// A record of the store has another format.
    #[error("a {} record in the store cannot be decoded", .0.as_str())]
    Undecodable(RecordKind),
    /// The tenant has no current signing key; with the algorithm if one was required.
    #[error("the tenant has no signing key{}", .0.map(|it| format!(" for {it}")).unwrap_or_default())]
    NoSigningKey(Option<SigningAlgorithm>),
    /// The client or user has too many records that have not expired. The duration is the time until another one is
    /// accepted.
    #[error("too many {} records of the client or user have not expired", .0.as_str())]
    TooManyRecords(RecordKind, Duration),
    /// An identity provider, by its name, cannot be asked about a user whose stored claims are no longer accepted.
    #[error("the identity provider {0} cannot be asked about the user now")]
    ProviderUnavailable(String),
    /// An identity provider, by its name, no longer gives the required claims of a user, or its rules do
    /// not admit the user any more.
    #[error(
        "the identity provider {0} no longer gives the required claims of the user, or its rules refuse the user"
    )]
    NotAdmitted(String),
    /// The installation's sealing keys have not been read or created yet.
    #[error("the sealing keys do not exist yet")]
    NoSealingKeys,
    /// A vault key has not been read or created yet, or is lost. Authenticators cannot be used.
    #[error(
        "a vault key is missing, so authenticators cannot be used; restore the Secret of vault keys"
    )]
    NoVaultKey,
    /// The authenticator was set up by an earlier user with the same subject.
    #[error(
        "the authenticator was set up by another person with this subject; an administrator can void it by spec.resetAuthenticatorsBefore of the OidcUser"
    )]
    OtherPersonsAuthenticator,
    /// An authenticator in the store was altered, or moved from another person.
    #[error("a {} record in the store was altered or moved", .0.as_str())]
    AlteredRecord(RecordKind),
}

impl AccountError {
    /// Returns true if the same request may succeed later.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Store(
                StoreError::Unavailable(_) | StoreError::Unsuitable(_) | StoreError::NoSpace { .. },
            )
            | Self::Sign(SigningError::Busy)
            | Self::Conflict(_)
            | Self::DuplicateId(_)
            | Self::Lost(_)
            | Self::NoSigningKey(_)
            | Self::TooManyRecords(..)
            | Self::ProviderUnavailable(_)
            | Self::NotAdmitted(_)
            | Self::NoSealingKeys
            | Self::NoVaultKey => true,
            Self::Store(StoreError::TooLarge(_))
            | Self::Sign(SigningError::Unusable)
            | Self::Undecodable(_)
            | Self::OtherPersonsAuthenticator
            | Self::AlteredRecord(_) => false,
        }
    }
}

/// A request was not served: refused by a rule of the protocol, or a service failed.
#[derive(Clone, Debug)]
pub enum RequestError<R> {
    /// The request was refused.
    Refused(R),
    /// The request may be right, but a service that it needs failed.
    Failed(AccountError),
}

impl From<OAuthError> for RequestError<OAuthError> {
    fn from(refused: OAuthError) -> Self {
        Self::Refused(refused)
    }
}

impl From<ClientAuthError> for RequestError<ClientAuthError> {
    fn from(refused: ClientAuthError) -> Self {
        Self::Refused(refused)
    }
}

impl<R> From<AccountError> for RequestError<R> {
    fn from(failed: AccountError) -> Self {
        Self::Failed(failed)
    }
}

impl<R> From<StoreError> for RequestError<R> {
    fn from(failed: StoreError) -> Self {
        Self::Failed(failed.into())
    }
}
