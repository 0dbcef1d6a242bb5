//! What a server's errors say of an operation.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::{scripts::LOST, server::Unsuitable};
use crate::store::{
    StoreError,
    retry::{Effect, Failed},
};

/// Why the server did not do what was asked; its text names no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
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
    Unsuitable(Unsuitable),
    /// A newer release needs a format of its own.
    #[error(
        "the server's records have format {format}, which needs a newer release: this one has {own}"
    )]
    Newer { format: i64, own: i64 },
}

impl Failure {
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

impl Failed for Failure {
    fn effect(&self) -> Effect {
        match self {
            Self::Connect(error) => match error.kind() {
                ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => Effect::Final,
                _ => Effect::Nothing,
            },
            Self::Operation(error) if is_broken(error) => Effect::Unknown,
            Self::Operation(error) => match error.kind() {
                ErrorKind::Server(
                    ServerErrorKind::BusyLoading
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ReadOnly
                    | ServerErrorKind::TryAgain,
                ) => Effect::Nothing,
                _ => Effect::Final,
            },
            Self::Loading => Effect::Nothing,
            Self::Unsuitable(_) | Self::Newer { .. } => Effect::Final,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsuitable(why) => Self::Unsuitable(why.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_was_just_started_is_asked_again_and_not_refused() {
        assert_eq!(Failure::Loading.effect(), Effect::Nothing);
        assert!(matches!(StoreError::from(Failure::Loading), StoreError::Unavailable(_)));
    }
}
