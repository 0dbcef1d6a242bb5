//! Classifies a server's errors by the effect of the failed operation.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::{scripts::LOST, server::UnsuitableServer};
use crate::{
    model::ErrorCause,
    store::{
        StoreError,
        retry::{FailedOperation, OperationEffect},
    },
};

/// An error of the server. Its text contains no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ValkeyError {
    /// No connection could be opened; no command was sent.
    #[error("{0}")]
    Connect(RedisError),
    /// A command failed after the connection was open. It may have taken effect.
    #[error("{0}")]
    Operation(RedisError),
    /// The server has started and is loading its journal. It cannot be checked yet.
    #[error("the server is still loading its journal")]
    Loading,
    /// The server's configuration is not suitable.
    #[error("{0}")]
    Unsuitable(UnsuitableServer),
    /// The records have a format that this release cannot read.
    #[error(
        "the server's records have format {format}, which needs a newer release: this one has {own}"
    )]
    Newer { format: i64, own: i64 },
}

impl ValkeyError {
    /// Returns true if the server does not permit the user to run a command.
    pub(super) fn is_not_permitted(&self) -> bool {
        let Self::Operation(error) = self else { return false };
        error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
            || error.to_string().contains(SCRIPT_NOT_PERMITTED)
    }

    /// Returns true if the connection is unusable: it broke, or its server is no longer the right
    /// one.
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

/// The error of a script whose user may not run a command in it. Newer servers return the code `NOPERM`.
const SCRIPT_NOT_PERMITTED: &str = "user executing the script can't run this command";

/// Returns false if the connection still delivers responses to other commands.
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
            other => Self::Unavailable(ErrorCause::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loading_server_is_retried_and_not_refused() {
        assert_eq!(ValkeyError::Loading.effect(), OperationEffect::Nothing);
        assert!(matches!(StoreError::from(ValkeyError::Loading), StoreError::Unavailable(_)));
    }
}
