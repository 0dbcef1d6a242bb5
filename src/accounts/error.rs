//! Errors of account services.

use crate::{
    keys::SignError,
    model::SigningAlgorithm,
    store::{RecordKind, StoreError},
};

/// An account service failed. No variant is the fault of the caller's request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
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
    /// The installation's sealing keys have not been read or created yet.
    #[error("the sealing keys do not exist yet")]
    NoSealingKeys,
}

impl AccountError {
    /// Returns true if the same request may succeed later.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Store(StoreError::Unavailable(_) | StoreError::Unsuitable(_))
            | Self::Sign(SignError::Busy)
            | Self::Conflict(_)
            | Self::DuplicateId(_)
            | Self::Lost(_)
            | Self::NoSigningKey(_)
            | Self::NoSealingKeys => true,
            Self::Store(StoreError::TooLarge(_))
            | Self::Sign(SignError::Unusable)
            | Self::Undecodable(_) => false,
        }
    }
}
