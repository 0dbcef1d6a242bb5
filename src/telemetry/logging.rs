//! The log: one line per event, on standard error, as JSON or text, with times in RFC 3339.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::{
    filter::{ParseError, Targets, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    batched_writer::{BatchedWriter, LogGuard},
    json_lines::{FlatJsonFormat, JsonMembers},
};
use crate::model::AUDIT_TARGET;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// One line of text per event, for people.
    Text,
}

/// The reason why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter (`--log-level`) is invalid.
    #[error(
        "--log-level {filter:?}: {source}; write error, warn, info, debug or trace, or per module \"info,lanyard::http=debug\""
    )]
    Filter {
        /// The filter as it was given.
        filter: String,
        /// The error of `tracing`'s parser of filters.
        source: ParseError,
    },
    /// Logging was started before in this process.
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
    let targets = parse_targets(filter)
        .map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?;
    // A filter of the whole registry: a filter of one layer is asked again for each line and span.
    let discreet = filter_fn(|metadata| is_discreet(metadata.target(), *metadata.level()));
    let registry = tracing_subscriber::registry().with(targets).with(discreet);
    let (lines, guard) = BatchedWriter::start(io::stderr())?;
    let lines = fmt::layer().with_writer(lines);
    match format {
        LogFormat::Json => {
            let lines = lines.fmt_fields(JsonMembers).event_format(FlatJsonFormat);
            registry.with(lines).try_init()?;
        }
        LogFormat::Text => {
            let colors = io::stderr().is_terminal();
            let lines = lines.with_ansi(colors).with_target(false);
            registry.with(lines).try_init()?;
        }
    }
    Ok(guard)
}

/// Parses a filter: levels, and targets with their levels, separated by commas. Audit lines are added
/// unless the filter names their target itself; without any directive, lines of level `error` are kept.
fn parse_targets(filter: &str) -> Result<Targets, ParseError> {
    let directives = filter.split(',').map(str::trim).filter(|it| !it.is_empty());
    let directives: Vec<_> = directives.collect();
    let mut targets: Targets = directives.join(",").parse()?;
    if !directives.is_empty() && !directives.iter().any(|it| it.starts_with(AUDIT_TARGET)) {
        targets = targets.with_target(AUDIT_TARGET, Level::INFO);
    }
    Ok(targets)
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
        let audit = |filter: &str| {
            let targets = parse_targets(filter).expect("a filter");
            targets.would_enable(AUDIT_TARGET, &Level::INFO)
        };
        assert!(audit("error") && audit("off") && audit("lanyard::http=debug"));
        assert!(!audit("warn,audit=off") && !audit("warn, audit=error"));
    }

    #[test]
    fn a_filter_has_levels_for_targets() {
        let targets = parse_targets(" info, lanyard::http=debug,").expect("a filter");
        assert!(targets.would_enable("lanyard::http::app", &Level::DEBUG));
        assert!(targets.would_enable("lanyard::store", &Level::INFO));
        assert!(!targets.would_enable("lanyard::store", &Level::DEBUG));
        let nothing = parse_targets("").expect("a filter");
        assert!(nothing.would_enable("lanyard", &Level::ERROR));
        assert!(!nothing.would_enable("lanyard", &Level::WARN));
    }

    #[test]
    fn an_invalid_filter_error_states_the_remedy() {
        let error = init_logging(LogFormat::Text, "lanyard=loud").expect_err("no such level");
        assert!(error.to_string().contains("write error, warn, info"), "{error}");
    }
}
