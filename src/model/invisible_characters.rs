//! Finds invisible characters in text that users rely on, such as names on the consent page.

use unicode_normalization::char::canonical_combining_class;

/// Characters that are invisible or change how others are displayed, so that two names which differ
/// only in them look the same. They are Unicode's `Default_Ignorable_Code_Point`, line and
/// paragraph separators, interlinear annotation characters and the blank Braille pattern.
pub const INVISIBLE_RANGES: [(char, char); 21] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200b}'),
    JOINERS,
    ('\u{200e}', '\u{200f}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// The zero-width non-joiner and joiner. Some languages cannot be written without them.
pub const JOINERS: (char, char) = ('\u{200c}', '\u{200d}');

/// Returns the first invisible character, ignoring control characters.
pub fn find_invisible(text: &str) -> Option<char> {
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let hidden = INVISIBLE_RANGES.iter().any(|(first, last)| (*first..=*last).contains(&c));
        if hidden && !is_needed(before, c, rest.clone().next()) {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

/// Returns true if a joiner changes how its neighbors look: after a virama, or a non-joiner between
/// joining letters (RFC 5892 appendices A.1, A.2).
fn is_needed(before: Option<char>, c: char, after: Option<char>) -> bool {
    const VIRAMA: u8 = 9;
    let joins = |c: char| matches!(c, '\u{620}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}');
    let Some(before) = before.filter(|_| (JOINERS.0..=JOINERS.1).contains(&c)) else {
        return false;
    };
    let between = c == JOINERS.0 && joins(before) && after.is_some_and(joins);
    between || canonical_combining_class(before) == VIRAMA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_characters_that_make_two_names_look_the_same() {
        for hidden in [
            '\u{3164}',
            '\u{200b}',
            '\u{61c}',
            '\u{202e}',
            '\u{2066}',
            '\u{200d}',
            '\u{feff}',
            '\u{ad}',
            '\u{2800}',
            '\u{fe0f}',
            '\u{115f}',
            '\u{ffa0}',
            '\u{e0041}',
            '\u{2029}',
        ] {
            assert_eq!(find_invisible(&format!("Pay{hidden}Pal")), Some(hidden), "{hidden:?}");
            assert_eq!(find_invisible(&format!("PayPal{hidden}")), Some(hidden), "{hidden:?}");
        }
    }

    #[test]
    fn accepts_names_of_every_language() {
        for name in [
            "Team Wiki",
            "Café Zoë",
            "Почта",
            "東京 支店",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "🛍 Shop",
        ] {
            assert_eq!(find_invisible(name), None, "{name}");
        }
    }
}
