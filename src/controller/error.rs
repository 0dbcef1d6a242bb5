//! Errors of a reconcile, and whether to retry.

use super::ReconcileOutcome;
use crate::{keys, model::InvitationLedgerError, source::WriteError};

/// The reason why a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A write to the source failed, such as that of a Secret.
    #[error("failed to {what}: {error}")]
    Write {
        /// The operation, such as `create Secret "x"`.
        what: String,
        /// The error of the source.
        #[source]
        error: WriteError,
    },
    /// A Secret that has to be written belongs to another owner.
    #[error("Secret {0:?} already exists and has another owner; delete or rename it")]
    NotOwned(String),
    /// A Secret that has to be written may not be read.
    #[error("cannot read Secret {0:?}: {1}")]
    Unreadable(String, String),
    /// Whether an invitation was used cannot be found out.
    #[error("failed to look up the invitation: {0}")]
    Invitations(#[source] InvitationLedgerError),
    /// A key could not be generated, or was not usable.
    #[error("failed to generate a key")]
    Generate(#[from] keys::InvalidPrivateKey),
}

/// The time of the next attempt after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Retry with exponential backoff, for each object by itself.
    Transient,
    /// Retrying does not help before a user edits an object or a permission.
    Permanent,
}

impl ReconcileError {
    /// The reason, as a fixed word for Events and metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Write { error: WriteError::Conflict, .. } => "Conflict",
            Self::Write { error: WriteError::NotFound, .. } => "Gone",
            Self::Write { error: WriteError::Refused(_), .. } => "WriteRefused",
            Self::Write { error: WriteError::Unavailable(_), .. } => "Unavailable",
            Self::NotOwned(_) => "NotOwned",
            Self::Unreadable(..) => "SecretUnreadable",
            Self::Invitations(_) => "StoreUnavailable",
            Self::Generate(_) => "GenerateFailed",
        }
    }

    /// Returns true for errors that are expected: the view lags behind a write (the next view ends
    /// that), or the namespace is being deleted.
    pub const fn is_expected(&self) -> bool {
        matches!(self, Self::Write { error: WriteError::Conflict | WriteError::NotFound, .. })
    }

    /// The outcome of the failed reconcile in metrics. The alert on them reports what an administrator has to look at.
    pub const fn outcome(&self) -> ReconcileOutcome {
        match self {
            _ if self.is_expected() => ReconcileOutcome::Ok,
            Self::NotOwned(_) => ReconcileOutcome::Problem,
            Self::Write { .. }
            | Self::Unreadable(..)
            | Self::Invitations(_)
            | Self::Generate(_) => ReconcileOutcome::Retry,
        }
    }

    /// Whether and how to retry.
    pub const fn retry(&self) -> RetryPolicy {
        match self {
            Self::Write { error: WriteError::Refused(_), .. }
            | Self::NotOwned(_)
            | Self::Unreadable(..) => RetryPolicy::Permanent,
            Self::Write { .. } | Self::Invitations(_) | Self::Generate(_) => RetryPolicy::Transient,
        }
    }
}
