//! Parses the values of flags.

use std::{
    net::{AddrParseError, SocketAddr},
    time::Duration,
};

/// Parses a listen address. Host names are refused, since they may have no address or several.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, InvalidValue> {
    text.parse().map_err(InvalidValue::Address)
}

/// A duration such as `20s` or `1m30s`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, InvalidValue> {
    let span: jiff::SignedDuration = text.parse().map_err(InvalidValue::Duration)?;
    Duration::try_from(span).map_err(InvalidValue::NegativeDuration)
}

/// Why the value of a flag is invalid.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidValue {
    #[error("use an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080")]
    Address(#[source] AddrParseError),
    #[error("use a duration such as 20s or 1m30s")]
    Duration(#[source] jiff::Error),
    #[error("a duration cannot be negative")]
    NegativeDuration(#[source] jiff::Error),
}
