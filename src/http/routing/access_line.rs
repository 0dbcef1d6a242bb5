//! The form of values in access lines.

use std::time::Duration;

use http::Method;

/// Milliseconds with three decimals.
pub(super) fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

/// The method as logged; an arbitrary method could be as long as the request head.
pub(super) fn method_name(method: &Method) -> &str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ];
    if KNOWN.contains(method) { method.as_str() } else { "OTHER" }
}

/// Validates a request id set by a proxy.
pub(super) fn is_request_id(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_requests_have_a_nonzero_duration() {
        let said = milliseconds(Duration::from_nanos(21_499)).to_string();
        assert_eq!(said, "0.021");
    }
}
