//! The log: one line a thing that happened, on standard error, JSON or text, times in RFC 3339.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

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
}

/// Starts logging for the whole process. `filter` is a level, or directives per module.
///
/// Libraries that would print requests, with their headers and bodies, at the finest levels are
/// held to `info` whatever the filter says.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LogError> {
    let mut targets = EnvFilter::builder()
        .parse(filter)
        .map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?;
    for library in ["h2", "hyper", "hyper_util", "kube_client", "rustls", "tower"] {
        let bound = format!("{library}=info").parse().expect("a valid directive");
        targets = targets.add_directive(bound);
    }
    let registry = tracing_subscriber::registry().with(targets);
    let lines = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
        LogFormat::Text => {
            let colors = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(lines.with_ansi(colors)).try_init()?;
        }
    }
    Ok(())
}
