//! Text that people are shown and judge by: what in it they could not see.

use unicode_normalization::char::canonical_combining_class;

/// Characters that show nothing, or change how others are shown: two names that differ in them alone
/// look the same. Unicode's `Default_Ignorable_Code_Point`, line and paragraph separators, what
/// frames annotations, and the empty Braille pattern.
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

/// Non-joiner and joiner, without which some languages cannot be written.
pub const JOINERS: (char, char) = ('\u{200c}', '\u{200d}');

/// The first character that people do not see, control characters aside.
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

/// Whether a joiner changes how its neighbours look: after a virama, and the non-joiner between
/// letters that join (RFC 5892 appendices A.1, A.2).
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
    fn finds_what_would_make_two_names_look_the_same() {
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
    fn leaves_names_of_every_language_alone() {
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
