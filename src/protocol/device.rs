//! User codes (RFC 8628 §6.1).

use std::fmt;

/// The letters of user codes: no vowels, so that no word appears by chance (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// The number of letters of a user code: 34 bits.
const LEN: usize = 8;
/// Longest text that is read as a user code.
const MAX_TYPED_LEN: usize = 64;

/// The code that a person types to name a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// The code of a random number. All codes are about equally likely.
    pub fn of_random(mut number: u64) -> Self {
        let letters = (0..LEN).map(|_| {
            let letter = LETTERS[usize::try_from(number % 20).unwrap_or_default()];
            number /= 20;
            char::from(letter)
        });
        Self(letters.collect())
    }

    /// Parses a code as people type it: in any case, with or without dash and spaces.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED_LEN {
            return None;
        }
        let is_separator =
            |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
        let letters = typed.chars().filter(|c| !is_separator(c)).map(|c| c.to_ascii_uppercase());
        let code: String = letters.collect();
        let is_code = code.len() == LEN && code.bytes().all(|it| LETTERS.contains(&it));
        is_code.then_some(Self(code))
    }

    /// The letters, without the dash.
    pub fn letters(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserCode {
    /// Writes the code as devices show it, with a dash in the middle.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", &self.0[..LEN / 2], &self.0[LEN / 2..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_eight_letters_without_vowels() {
        for number in [0, 1, 25_599_999_999, u64::MAX] {
            let code = UserCode::of_random(number);
            assert_eq!(code.letters().len(), LEN);
            assert!(!code.letters().contains(['A', 'E', 'I', 'O', 'U', 'Y']), "{code}");
            assert_eq!(UserCode::parse(&code.to_string()), Some(code));
        }
        assert_eq!(UserCode::of_random(0).to_string(), "BBBB-BBBB");
        assert_ne!(UserCode::of_random(1), UserCode::of_random(2));
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        // RFC 8628 §6.1
        let code = UserCode::parse("WDJB-MJHT");
        assert!(code.is_some());
        for typed in ["wdjb-mjht", "WDJBMJHT", " wdjb mjht ", "wdjb\u{2013}mjht", "W-D-J-B-M-J-H-T"]
        {
            assert_eq!(UserCode::parse(typed), code, "{typed}");
        }
        let long = "-".repeat(100);
        for typed in ["", "WDJB-MJH", "WDJB-MJHTX", "WDJA-MJHT", "WDJB_MJHT", "ẞDJBMJHT", &long] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
    }
}
