//! Parses the values of flags.

use std::{
    net::{AddrParseError, SocketAddr},
    time::Duration,
};

/// Parses a listen address. Host names are refused, because they may have no address or several.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, InvalidValue> {
    text.parse().map_err(InvalidValue::Address)
}

/// A duration such as `20s` or `1m30s`.
pub(super) fn parse_duration_flag(text: &str) -> Result<Duration, InvalidValue> {
    let span: jiff::SignedDuration = text.parse().map_err(InvalidValue::Duration)?;
    Duration::try_from(span).map_err(InvalidValue::NegativeDuration)
}

/// The smallest size of a store. A smaller number has probably lost its unit.
const MIN_SIZE: u64 = 16 << 20;

/// A number of bytes, as Kubernetes writes the size of a volume: `500Mi`, `1.5Gi` or `1073741824`.
pub(super) fn parse_size(text: &str) -> Result<u64, InvalidValue> {
    let units = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40)];
    let found = units.into_iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, bits)));
    let (number, bits) = found.unwrap_or((text, 0));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str, most: usize| {
        (1..=most).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit())
    };
    if !is_number(whole, 15) || !is_number(fraction, 6) {
        return Err(InvalidValue::Size);
    }
    let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| InvalidValue::Size)?;
    let scale = fraction.bytes().fold(1_u128, |scale, _| scale * 10);
    match u64::try_from((digits << bits) / scale) {
        Ok(size @ MIN_SIZE..) => Ok(size),
        Ok(size) => Err(InvalidValue::SmallSize(size)),
        Err(_) => Err(InvalidValue::Size),
    }
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
    #[error("use a number of bytes, such as 1073741824, 500Mi or 1.5Gi")]
    Size,
    #[error(
        "this is {0} bytes; use at least 16Mi, and a unit (Ki, Mi, Gi or Ti) for numbers other than bytes"
    )]
    SmallSize(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_written_as_kubernetes_does() {
        for (text, size) in [
            ("16777216", 16 << 20),
            ("1073741824", 1 << 30),
            ("16384Ki", 16 << 20),
            ("500Mi", 500 << 20),
            ("1.5Gi", 3 << 29),
            ("0.25Ti", 1 << 38),
        ] {
            assert_eq!(parse_size(text).ok(), Some(size), "{text}");
        }
        for text in [
            "",
            "0",
            "20",
            "16777215",
            "15.9Mi",
            "999999999999999Ti",
            "0.0Gi",
            "Gi",
            ".5Gi",
            "1.Gi",
            "-1",
            "+1",
            "1G",
            "1 Gi",
            "1e9",
            "1.2.3",
            "1000000000000000",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
