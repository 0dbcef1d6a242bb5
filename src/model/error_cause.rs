//! The cause of an error that is cloned and compared.

use std::{error::Error, fmt, sync::Arc};

/// The cause of an error, which is an error itself or a text. Errors that one failure gives to
/// several callers share it. Two causes are equal if their texts are.
#[derive(Clone)]
pub struct ErrorCause(Arc<dyn Error + Send + Sync>);

impl ErrorCause {
    /// A cause with the given error or text.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into().into())
    }

    /// The error, if it has this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for ErrorCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Like `Display`, because an error's fields may contain more than its text shows.
impl fmt::Debug for ErrorCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_string().fmt(f)
    }
}

impl PartialEq for ErrorCause {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for ErrorCause {}

impl Error for ErrorCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_cause_is_an_error_or_a_text() {
        let error = || io::Error::new(io::ErrorKind::TimedOut, "no answer");
        let cause = ErrorCause::new(error());
        assert_eq!(cause, ErrorCause::new("no answer"));
        assert_ne!(cause, ErrorCause::new("another"));
        assert_eq!(cause.to_string(), "no answer");
        let found = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        assert_eq!(found, Some(io::ErrorKind::TimedOut));
    }
}
