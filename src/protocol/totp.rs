//! Time-based one-time passwords (RFC 6238) of authenticator apps: SHA-1, six digits, 30 seconds, which
//! all apps support.

use aws_lc_rs::hmac;

use crate::model::Timestamp;

/// Bytes of a secret: the length of the hash (RFC 4226 §4, R6).
pub const TOTP_SECRET_LEN: usize = 20;
/// Seconds of a step (RFC 6238 §4.1).
const STEP_SECS: u64 = 30;
/// Steps before and after the current one whose codes are accepted (RFC 6238 §5.2).
const TOLERANCE: u64 = 1;
/// Steps before and after the current one whose codes show that the clock of the app is wrong.
const DETECTED_CLOCK_STEPS: u64 = 4;
const DIGITS: u32 = 1_000_000;

/// The result of the check of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotpVerdict {
    /// The code is that of this step, which must not be used again.
    Accepted(u64),
    /// The code was used, or is older than one that was.
    Replayed,
    /// The code is that of a step some way off: the clock of the app differs. The step must not be used
    /// again, or an attacker who guessed the code of a later step would know when to use it.
    OtherClock(u64),
    /// The code is not that of any step nearby.
    Wrong,
}

/// Parses a code as people type it: six digits, with spaces or hyphens anywhere.
pub fn parse_totp_code(text: &str) -> Option<u32> {
    let typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let digits: Vec<u32> = typed.map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    (digits.len() == 6).then(|| digits.iter().fold(0, |code, digit| code * 10 + digit))
}

/// Verifies a code. `last_step` is the step of the last code that was used.
pub fn verify_totp_code(secret: &[u8], last_step: u64, code: u32, now: Timestamp) -> TotpVerdict {
    let current = totp_step(now);
    let found = |reach: u64| {
        let steps = current.saturating_sub(reach)..=current + reach;
        // Each step is tried, so that the time reveals nothing.
        steps.filter(|step| totp_code(secret, *step) == code).max()
    };
    match (found(TOLERANCE), found(DETECTED_CLOCK_STEPS)) {
        (Some(step), _) if step > last_step => TotpVerdict::Accepted(step),
        (None, Some(step)) if step > last_step => TotpVerdict::OtherClock(step),
        (Some(_), _) | (None, Some(_)) => TotpVerdict::Replayed,
        (None, None) => TotpVerdict::Wrong,
    }
}

/// The step of a time (RFC 6238 §4.2).
pub fn totp_step(now: Timestamp) -> u64 {
    u64::try_from(now.secs()).unwrap_or_default() / STEP_SECS
}

/// The code of a step (RFC 4226 §5.3).
pub fn totp_code(secret: &[u8], step: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[bytes.len() - 1] & 0x0f);
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[offset..offset + 4]);
    (u32::from_be_bytes(four) & 0x7fff_ffff) % DIGITS
}

/// The secret as apps accept it when it is typed: base32 (RFC 4648 §6) in groups of four letters.
pub fn totp_key_text(secret: &[u8]) -> String {
    let letters: Vec<char> = base32(secret).chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// The URI of the QR code: the format of Google Authenticator, which all apps read.
pub fn totp_uri(secret: &[u8], issuer: &str, account: &str) -> String {
    let escaped = |text: &str| -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
    };
    // A colon separates the two names.
    let (issuer, account) = (issuer.replace(':', " "), account.replace(':', " "));
    let (issuer, account) = (escaped(&issuer), escaped(&account));
    format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", base32(secret))
}

/// Base32 without padding (RFC 4648 §6).
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let five = |chunk: &[u8]| {
        let mut padded = [0; 8];
        padded[3..3 + chunk.len()].copy_from_slice(chunk);
        let number = u64::from_be_bytes(padded);
        let letters = (chunk.len() * 8).div_ceil(5);
        let letter = move |at: usize| {
            let index = number >> (35 - 5 * at) & 0x1f;
            char::from(LETTERS[usize::try_from(index).unwrap_or_default()])
        };
        (0..letters).map(letter).collect::<String>()
    };
    bytes.chunks(5).map(five).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET: &[u8] = b"12345678901234567890";
    const NOW: Timestamp = Timestamp::from_secs(1_111_111_109);

    fn verify(offset: i64, last_step: u64) -> TotpVerdict {
        let step = totp_step(NOW).checked_add_signed(offset).expect("a step");
        verify_totp_code(SECRET, last_step, totp_code(SECRET, step), NOW)
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, the last six digits
        for (secs, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            let step = totp_step(Timestamp::from_secs(secs));
            assert_eq!(totp_code(SECRET, step), code, "{secs}");
        }
    }

    #[test]
    fn a_step_is_accepted_once() {
        let now = totp_step(NOW);
        assert_eq!(verify(0, 0), TotpVerdict::Accepted(now));
        assert_eq!(verify(-1, 0), TotpVerdict::Accepted(now - 1));
        assert_eq!(verify(1, 0), TotpVerdict::Accepted(now + 1));
        assert_eq!(verify(0, now), TotpVerdict::Replayed);
        assert_eq!(verify(-1, now), TotpVerdict::Replayed, "an older one after a newer one");
        assert_eq!(verify(1, now), TotpVerdict::Accepted(now + 1));
    }

    #[test]
    fn a_clock_that_is_90_seconds_off_is_noticed() {
        let now = totp_step(NOW);
        for offset in [-4_i64, -3, -2, 2, 3, 4] {
            let step = now.checked_add_signed(offset).expect("a step");
            assert_eq!(verify(offset, 0), TotpVerdict::OtherClock(step), "{offset}");
            assert_eq!(verify(offset, step), TotpVerdict::Replayed, "it is burnt");
        }
        assert_eq!(verify(5, 0), TotpVerdict::Wrong);
        let later = NOW.plus(Duration::from_secs(90));
        let code = totp_code(SECRET, now + 3);
        assert_eq!(verify_totp_code(SECRET, now + 3, code, later), TotpVerdict::Replayed);
    }

    #[test]
    fn codes_are_typed_with_spaces() {
        for text in ["081804", " 081 804 ", "081-804", "0 8 1 8 0 4", "081\u{a0}804"] {
            assert_eq!(parse_totp_code(text), Some(81_804), "{text:?}");
        }
        for text in ["", "81804", "0818044", "08180x", "٠٨١٨٠٤", "+81804"] {
            assert_eq!(parse_totp_code(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_key_is_base32() {
        // RFC 4648 §10
        for (text, encoded) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(text.as_bytes()), encoded, "{text}");
        }
        assert_eq!(totp_key_text(SECRET), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }

    #[test]
    fn the_uri_names_issuer_and_account() {
        let uri = totp_uri(SECRET, "Harbour: Works", "ada@shop.test");
        assert_eq!(
            uri,
            "otpauth://totp/Harbour%20%20Works:ada%40shop.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Harbour%20%20Works"
        );
    }
}
