//! Times in the format of RFC 3339.

use crate::{model::Timestamp, registry::validate::ProblemList};

/// A field's time, if it is set and valid.
pub fn check_time(
    problems: &mut ProblemList,
    field: &str,
    written: Option<&String>,
) -> Option<Timestamp> {
    let written = written?;
    // jiff also accepts other formats, such as a space between date and time.
    let strict = written.as_bytes().get(10) == Some(&b'T') && !written.contains('[');
    let parsed = written.parse::<jiff::Timestamp>().ok().filter(|_| strict);
    if parsed.is_none() {
        problems.invalid(field, "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z");
    }
    parsed.map(Timestamp::from)
}
