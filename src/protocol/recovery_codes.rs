//! Recovery codes: one-time passwords for a person without the authenticator.

use crate::model::sha256;

/// The number of codes that are made at once.
pub const RECOVERY_CODE_COUNT: usize = 10;
/// Letters of a code without hyphens, of five bits each: 60 bits.
const LETTERS: usize = 12;
/// Letters between two hyphens of a code as it is shown.
const GROUP: usize = 4;
/// Base32 (RFC 4648 §6) in lower case. It has no digits that look like letters.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Random bytes of a code.
pub const RECOVERY_CODE_BYTES: usize = LETTERS;

/// The code of random bytes, in groups of letters.
pub fn recovery_code(random: [u8; RECOVERY_CODE_BYTES]) -> String {
    let mut code = String::with_capacity(LETTERS + LETTERS / GROUP);
    for (at, byte) in random.into_iter().enumerate() {
        if at > 0 && at % GROUP == 0 {
            code.push('-');
        }
        // 256 is a multiple of 32, so every letter is equally likely.
        code.push(char::from(ALPHABET[usize::from(byte & 0x1f)]));
    }
    code
}

/// Parses a code as people type it: in either case, with spaces or hyphens anywhere, and with digits that
/// look like letters.
pub fn parse_recovery_code(text: &str) -> Option<String> {
    let typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let letter = |c: char| match c.to_ascii_lowercase() {
        '0' => Some('o'),
        '1' => Some('l'),
        '8' => Some('b'),
        c => ALPHABET.contains(&u8::try_from(c).ok()?).then_some(c),
    };
    let letters: String = typed.map(letter).collect::<Option<_>>()?;
    (letters.len() == LETTERS).then_some(letters)
}

/// The hash of a parsed code. The codes have too many possibilities to be guessed from it.
pub fn recovery_code_hash(salt: &[u8], code: &str) -> [u8; 32] {
    let mut text = salt.to_vec();
    text.push(0);
    text.extend_from_slice(code.as_bytes());
    sha256(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_typed_in_many_ways() {
        let code = recovery_code([0, 31, 62, 1, 2, 3, 4, 5, 6, 11, 14, 255]);
        assert_eq!(code, "a76b-cdef-glo7");
        let parsed = parse_recovery_code(&code).expect("a code");
        assert_eq!(parsed.len(), 12);
        for typed in [code.to_uppercase(), code.replace('-', " "), code.replace('-', "")] {
            assert_eq!(parse_recovery_code(&typed).as_deref(), Some(&*parsed), "{typed}");
        }
        let lookalike = parsed.replace('l', "1").replace('o', "0").replace('b', "8");
        assert_eq!(parse_recovery_code(&lookalike).as_deref(), Some(&*parsed));
        for wrong in ["", "123456", "abcd-efgh-ijk", "abcd-efgh-ijk9", "abcd-efgh-ijké"] {
            assert_eq!(parse_recovery_code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hashes_depend_on_the_salt() {
        assert_eq!(recovery_code_hash(b"a", "b"), recovery_code_hash(b"a", "b"));
        assert_ne!(recovery_code_hash(b"a", "b"), recovery_code_hash(b"c", "b"));
    }
}
