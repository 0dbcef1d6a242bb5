//! What a server's errors say of an operation.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::{scripts::LOST, server::UnsuitableServer};
use crate::store::{
    StoreError,
    retry::{FailedOperation, OperationEffect},
};

/// Why the server did not do what was asked; its text names no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ValkeyError {
    /// No connection could be made: nothing was asked.
    #[error("{0}")]
    Connect(RedisError),
    /// An operation failed.
    #[error("{0}")]
    Operation(RedisError),
    /// The server was started and still reads its journal: it cannot be judged yet.
    #[error("the server still reads its journal")]
    Loading,
    /// The server is not to be used.
    #[error("{0}")]
    Unsuitable(UnsuitableServer),
    /// A newer release needs a format of its own.
    #[error(
        "the server's records have format {format}, which needs a newer release: this one has {own}"
    )]
    Newer { format: i64, own: i64 },
}

impl ValkeyError {
    /// Whether the connection is of no further use: it broke, or leads to a server that is no
    /// longer the one to ask.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Operation(error) => {
                is_broken(error)
                    || error.code() == Some(LOST)
                    || matches!(
                        error.kind(),
                        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
                    )
            }
            _ => false,
        }
    }
}

/// Answers may still come, for other questions.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.kind() == ErrorKind::Parse
}

impl FailedOperation for ValkeyError {
    fn effect(&self) -> OperationEffect {
        match self {
            Self::Connect(error) => match error.kind() {
                ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => {
                    OperationEffect::Final
                }
                _ => OperationEffect::Nothing,
            },
            Self::Operation(error) if is_broken(error) => OperationEffect::Unknown,
            Self::Operation(error) => match error.kind() {
                ErrorKind::Server(
                    ServerErrorKind::BusyLoading
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ReadOnly
                    | ServerErrorKind::TryAgain,
                ) => OperationEffect::Nothing,
                _ => OperationEffect::Final,
            },
            Self::Loading => OperationEffect::Nothing,
            Self::Unsuitable(_) | Self::Newer { .. } => OperationEffect::Final,
        }
    }
}

impl From<ValkeyError> for StoreError {
    fn from(failure: ValkeyError) -> Self {
        match failure {
            ValkeyError::Unsuitable(why) => Self::Unsuitable(why.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_was_just_started_is_asked_again_and_not_refused() {
        assert_eq!(ValkeyError::Loading.effect(), OperationEffect::Nothing);
        assert!(matches!(StoreError::from(ValkeyError::Loading), StoreError::Unavailable(_)));
    }
}
