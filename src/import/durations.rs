//! Durations of the sources, in the form of manifests.

use std::time::Duration;

/// Parses a duration as Go writes it: `24h`, `1h30m`, `1.5h`.
pub(super) fn parse_go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        seconds += number * unit;
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// Writes a duration in hours, minutes and seconds.
pub(super) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, 'h'), (seconds % 3600 / 60, 'm'), (seconds % 60, 's')];
    let text: String = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go_are_written_as_those_of_manifests() {
        for (go, text) in
            [("24h", "24h"), ("1.5h", "1h30m"), ("720h0m0s", "720h"), ("90s", "1m30s")]
        {
            let parsed = parse_go_duration(go).expect(go);
            assert_eq!(duration_text(parsed), text);
        }
        for wrong in ["", "h", "24", "1d", "-1h"] {
            assert_eq!(parse_go_duration(wrong), None, "{wrong}");
        }
    }
}
