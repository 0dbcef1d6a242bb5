//! Durations in the format of the Gateway API (GEP-2257): `1h30m`, `90s`, `500ms`.

use std::{ops::RangeInclusive, time::Duration};

use super::ProblemList;

/// Maximum number of parts in a duration.
const MAX_PARTS: usize = 4;
/// Maximum number of digits in a part.
const MAX_DIGITS: usize = 5;

/// Parses `([0-9]{1,5}(h|m|s|ms)){1,4}`; `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, Duration::ZERO);
    for _ in 0..MAX_PARTS {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=MAX_DIGITS).contains(&digits) {
            return None;
        }
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        // `ms` must be tried before `m`, which is its prefix.
        let (millis, after) = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
            .into_iter()
            .find_map(|(name, millis)| Some((millis, unit.strip_prefix(name)?)))?;
        total += Duration::from_millis(number * millis);
        rest = after;
        if rest.is_empty() {
            return Some(total);
        }
    }
    None
}

/// Writes a duration in its largest whole unit: `2h`, `90s`, `1500ms`.
pub fn write_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if millis.is_multiple_of(size) && (millis >= size || unit == "s") {
            return format!("{}{unit}", millis / size);
        }
    }
    format!("{millis}ms")
}

/// A field's duration, if it is set, valid and within the bounds.
pub fn duration_within(
    problems: &mut ProblemList,
    field: &str,
    written: Option<&String>,
    bounds: RangeInclusive<Duration>,
) -> Option<Duration> {
    let text = written?;
    let Some(duration) = parse_duration(text) else {
        problems.invalid(field, "must be a duration in h, m, s and ms, such as 1h30m or 90s");
        return None;
    };
    if bounds.contains(&duration) {
        return Some(duration);
    }
    let (least, most) = (write_duration(*bounds.start()), write_duration(*bounds.end()));
    problems.invalid(field, format!("must be between {least} and {most}"));
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parses_gateway_api_durations() {
        for (text, millis) in [
            ("0s", 0),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("10s500ms", 10_500),
            ("1h2m3s4ms", 3_723_004),
            ("99999h", 359_996_400_000),
            ("1m1m", 120_000),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn rejects_everything_else() {
        for text in
            ["", "1", "s", "1d", "-1s", "+1s", "1.5h", "1 h", "123456s", "1us", "1h1h1h1h1h", "١s"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(millis in 0_u64..99_999) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&write_duration(duration)), Some(duration));
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,20}") {
            let _ = parse_duration(&text);
        }
    }
}
