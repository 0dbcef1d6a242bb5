//! Rates passwords that people choose (NIST SP 800-63B §3.1.1) by their length and by an estimate of guesses. The
//! estimate assumes an attacker with lists of common passwords and the person's data. Kinds of characters are ignored.

use zxcvbn::{
    Score,
    feedback::{Feedback, Suggestion, Warning},
    zxcvbn,
};

use crate::model::MAX_PASSWORD_LEN;

/// Fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// Characters that are scored, because the time grows with their square.
const MAX_SCORED_CHARS: usize = 64;
/// Shortest word about the person that is taken into account.
const MIN_WORD_CHARS: usize = 3;

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeakPassword {
    /// The password has fewer than [`MIN_PASSWORD_CHARS`] characters.
    TooShort,
    /// The password has more than [`MAX_PASSWORD_LEN`] bytes.
    TooLong,
    /// The password can be guessed, with the reason and advice as far as there are any.
    Guessable(Option<Warning>, Option<Suggestion>),
}

/// Checks a password. `about` are texts that an attacker knows about the person: names, addresses.
///
/// # Errors
///
/// [`WeakPassword`] says what is wrong.
pub fn check_new_password<'a>(
    password: &str,
    about: impl IntoIterator<Item = &'a str>,
) -> Result<(), WeakPassword> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(WeakPassword::TooShort);
    }
    if password.len() > MAX_PASSWORD_LEN {
        return Err(WeakPassword::TooLong);
    }
    let known: Vec<String> = about.into_iter().flat_map(words).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let scored: String = password.chars().take(MAX_SCORED_CHARS).collect();
    let found = zxcvbn(&scored, &known);
    if found.score() >= Score::Three {
        return Ok(());
    }
    let feedback = found.feedback();
    let warning = feedback.and_then(Feedback::warning);
    let suggestion = feedback.and_then(|it| it.suggestions().first()).copied();
    Err(WeakPassword::Guessable(warning, suggestion))
}

/// A text, and the words in it.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let parts = lower.split(|it: char| !it.is_alphanumeric()).map(str::to_owned);
    let joined: String = lower.chars().filter(|it| it.is_alphanumeric()).collect();
    let mut words: Vec<String> = parts.chain([joined, lower.clone()]).collect();
    words.retain(|word| word.chars().count() >= MIN_WORD_CHARS);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), WeakPassword> {
        check_new_password(password, ["ada.lovelace", "ada@harbour.test", "Harbour Works"])
    }

    #[test]
    fn long_and_unusual_passwords_are_accepted() {
        for good in ["correct horse battery staple", "kT9!vq#Lw2mZ", "einhorn trifft leuchtturm"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(check(&format!("trombone lantern gravel {}", "z".repeat(1000))), Ok(()));
    }

    #[test]
    fn short_and_overlong_passwords_are_refused() {
        assert_eq!(check("kT9!vq#Lw2m"), Err(WeakPassword::TooShort));
        assert_eq!(check(&"x7Q!".repeat(300)), Err(WeakPassword::TooLong));
    }

    #[test]
    fn common_passwords_and_those_about_the_person_are_refused() {
        for bad in [
            "password1234",
            "qwertyuiop12",
            "aaaaaaaaaaaaaaaa",
            "ada.lovelace1",
            "HarbourWorks1",
            "ada@harbour.test",
        ] {
            assert!(matches!(check(bad), Err(WeakPassword::Guessable(..))), "{bad}");
        }
    }
}
