//! What can go wrong while the controller acts, and whether to try again.

use crate::{keys, source::WriteError};

/// Why an object could not be brought to where it should be.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A write did not happen.
    #[error("{what}: {error}")]
    Write {
        /// Which.
        what: String,
        /// Why.
        #[source]
        error: WriteError,
    },
    /// A Secret that has to be written belongs to someone else.
    #[error("the Secret {0:?} belongs to someone else; rename or delete it")]
    NotOwned(String),
    /// A Secret that has to be written may not be read.
    #[error("the Secret {0:?} may not be read: {1}")]
    Unreadable(String, String),
    /// No key could be made.
    #[error("a key could not be generated")]
    Generate(#[from] keys::InvalidKey),
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Try again, ever more slowly.
    Transient,
    /// Nothing changes until somebody edits something.
    Permanent,
}

impl ReconcileError {
    /// A fixed word for Events and metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Write { error: WriteError::Conflict, .. } => "Conflict",
            Self::Write { error: WriteError::NotFound, .. } => "Gone",
            Self::Write { error: WriteError::Refused(_), .. } => "WriteRefused",
            Self::Write { error: WriteError::Unavailable(_), .. } => "Unavailable",
            Self::NotOwned(_) => "NotOwned",
            Self::Unreadable(..) => "SecretUnreadable",
            Self::Generate(_) => "GenerateFailed",
        }
    }

    /// Whether another try may help.
    pub const fn retry(&self) -> RetryPolicy {
        match self {
            Self::Write { error: WriteError::Refused(_), .. }
            | Self::NotOwned(_)
            | Self::Unreadable(..) => RetryPolicy::Permanent,
            Self::Write { .. } | Self::Generate(_) => RetryPolicy::Transient,
        }
    }
}
