//! The log: one line a thing that happened, on standard error, JSON or text, times in RFC 3339.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use super::batched_writer::{BatchedWriter, LogGuard};

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object.
    Json,
    /// For people.
    Text,
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one.
    #[error(
        "--log-level {filter:?}: {source}; write error, warn, info, debug or trace, or per module \"info,lanyard::http=debug\""
    )]
    Filter {
        /// As given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// There is a log already.
    #[error("logging was started twice: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
    /// There is no thread for it.
    #[error("the system gives no thread for the log: {0}")]
    Thread(#[from] io::Error),
}

/// Libraries that print requests, with their headers and bodies, at their finest levels: they are
/// held to `info`, whatever the filter says.
const VERBOSE_TARGETS: [&str; 7] =
    ["h2", "hyper", "hyper_util", "kube_client", "rustls", "tokio_rustls", "tower"];

/// Says of every call that failed that one did, as an error and not for what it was: whoever made the
/// call says both.
const REPETITIVE_TARGET: &str = "kube_client::client::builder";

/// Starts logging for the whole process. `filter` is a level, or directives per module. Drop what it
/// gives at the very end: the last lines wait for that.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<LogGuard, LogError> {
    let targets = EnvFilter::builder()
        .parse(filter)
        .map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?;
    let registry = tracing_subscriber::registry().with(targets);
    let (lines, guard) = BatchedWriter::start(io::stderr())?;
    let lines = fmt::layer().with_writer(lines);
    let discreet = filter_fn(|metadata| is_discreet(metadata.target(), *metadata.level()));
    match format {
        LogFormat::Json => {
            registry.with(lines.json().flatten_event(true).with_filter(discreet)).try_init()?;
        }
        LogFormat::Text => {
            let colors = io::stderr().is_terminal();
            let lines = lines.with_ansi(colors).with_target(false);
            registry.with(lines.with_filter(discreet)).try_init()?;
        }
    }
    Ok(guard)
}

fn is_discreet(target: &str, level: Level) -> bool {
    let library = target.split("::").next().unwrap_or_default();
    target != REPETITIVE_TARGET && (level <= Level::INFO || !VERBOSE_TARGETS.contains(&library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_see_headers_and_bodies_say_little() {
        assert!(!is_discreet("hyper::proto::h1::io", Level::TRACE));
        assert!(!is_discreet("h2", Level::DEBUG));
        assert!(is_discreet("hyper::proto::h1::io", Level::WARN));
        assert!(is_discreet("kube_client::client", Level::WARN));
        assert!(!is_discreet("kube_client::client::builder", Level::ERROR), "the caller says it");
        assert!(is_discreet("lanyard::http", Level::TRACE));
    }

    #[test]
    fn a_filter_that_is_none_says_what_to_write() {
        let error = init_logging(LogFormat::Text, "lanyard=loud").expect_err("no such level");
        assert!(error.to_string().contains("write error, warn, info"), "{error}");
    }
}
