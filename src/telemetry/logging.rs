//! The log: one line per event, on standard error, as JSON or text, with times in RFC 3339.

use std::{
    borrow::Cow,
    io::{self, IsTerminal},
};

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::filter_fn,
    fmt::{self, format::JsonFields},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    batched_writer::{BatchedWriter, LogGuard},
    json_lines::FlatJsonFormat,
};
use crate::model::AUDIT_TARGET;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Readable text.
    Text,
}

/// The reason why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is invalid.
    #[error(
        "--log-level {filter:?}: {source}; write error, warn, info, debug or trace, or per module \"info,lanyard::http=debug\""
    )]
    Filter {
        /// The filter as given.
        filter: String,
        /// The parser's error.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Logging is already initialized.
    #[error("logging was started twice: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
    /// The writing thread could not be started.
    #[error("could not start the log thread: {0}")]
    Thread(#[from] io::Error),
}

/// Libraries that log requests with their headers and bodies at debug and trace. They are limited
/// to `info`, whatever the filter.
pub const VERBOSE_TARGETS: [&str; 7] =
    ["h2", "hyper", "hyper_util", "kube_client", "rustls", "tokio_rustls", "tower"];

/// A target that logs every failed call as an error, whatever its kind. The caller logs the failure
/// with its reason.
const REPETITIVE_TARGET: &str = "kube_client::client::builder";

/// Starts logging for the whole process. `filter` is a level, or directives per module. Drop the
/// returned guard at the very end: it writes the last lines.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<LogGuard, LogError> {
    let targets = EnvFilter::builder()
        .parse(with_audit(filter))
        .map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?;
    let registry = tracing_subscriber::registry().with(targets);
    let (lines, guard) = BatchedWriter::start(io::stderr())?;
    let lines = fmt::layer().with_writer(lines);
    let discreet = filter_fn(|metadata| is_discreet(metadata.target(), *metadata.level()));
    match format {
        LogFormat::Json => {
            let lines = lines.fmt_fields(JsonFields::new()).event_format(FlatJsonFormat::default());
            registry.with(lines.with_filter(discreet)).try_init()?;
        }
        LogFormat::Text => {
            let colors = io::stderr().is_terminal();
            let lines = lines.with_ansi(colors).with_target(false);
            registry.with(lines.with_filter(discreet)).try_init()?;
        }
    }
    Ok(guard)
}

/// The filter, with the audit lines unless it names their target itself.
fn with_audit(filter: &str) -> Cow<'_, str> {
    let names_audit = filter.split(',').any(|directive| directive.trim().starts_with(AUDIT_TARGET));
    match filter.trim() {
        "" => Cow::Borrowed(filter),
        _ if names_audit => Cow::Borrowed(filter),
        _ => Cow::Owned(format!("{filter},{AUDIT_TARGET}=info")),
    }
}

fn is_discreet(target: &str, level: Level) -> bool {
    let library = target.split("::").next().unwrap_or_default();
    target != REPETITIVE_TARGET && (level <= Level::INFO || !VERBOSE_TARGETS.contains(&library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_log_headers_and_bodies_are_limited() {
        assert!(!is_discreet("hyper::proto::h1::io", Level::TRACE));
        assert!(!is_discreet("h2", Level::DEBUG));
        assert!(is_discreet("hyper::proto::h1::io", Level::WARN));
        assert!(is_discreet("kube_client::client", Level::WARN));
        assert!(!is_discreet("kube_client::client::builder", Level::ERROR), "the caller logs it");
        assert!(is_discreet("lanyard::http", Level::TRACE));
    }

    #[test]
    fn audit_lines_are_logged_unless_the_filter_names_them() {
        assert_eq!(with_audit("error"), "error,audit=info");
        assert_eq!(with_audit("warn,audit=off"), "warn,audit=off");
    }

    #[test]
    fn an_invalid_filter_error_states_the_remedy() {
        let error = init_logging(LogFormat::Text, "lanyard=loud").expect_err("no such level");
        assert!(error.to_string().contains("write error, warn, info"), "{error}");
    }
}
