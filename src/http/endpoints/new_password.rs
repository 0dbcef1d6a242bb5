//! The form in which a person chooses a password, on the page of an invitation and on the account page.

use serde_json::Value;
use zxcvbn::feedback::{Suggestion, Warning};

use crate::{
    http::{AppState, EndpointError, Request},
    identity::{MIN_PASSWORD_CHARS, WeakPassword, check_new_password},
    messages::MessageCatalog,
    model::{Account, Secret, Tenant},
    protocol::params::RequestParams,
};

/// The reason why the password of a form is not taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NewPasswordRefusal {
    /// The password is too short, too long or easy to guess.
    Weak(WeakPassword),
    /// The two entries of the password differ.
    EntriesDiffer,
}

impl NewPasswordRefusal {
    /// The refusal as a text of the page.
    pub(super) fn in_words(self, text: &MessageCatalog) -> String {
        match self {
            Self::Weak(weak) => weakness(weak, text),
            Self::EntriesDiffer => text.passwords_differ().to_owned(),
        }
    }
}

/// The hash of the password in a form.
pub(super) async fn hash_new_password(
    (app, request): (&AppState, &Request),
    account: &Account,
    form: &RequestParams,
) -> Result<Result<String, NewPasswordRefusal>, EndpointError> {
    let password = form.get("new_password").unwrap_or_default();
    let tenant = &request.tenant.tenant;
    if let Err(weak) = check_new_password(password, about(account, tenant)) {
        return Ok(Err(NewPasswordRefusal::Weak(weak)));
    }
    if form.get("new_password_again") != Some(password) {
        return Ok(Err(NewPasswordRefusal::EntriesDiffer));
    }
    let password = Secret::new(password.to_owned());
    let origin = (&tenant.id, request.address);
    Ok(Ok(app.passwords.hash(origin, password, &*app.accounts.entropy).await?))
}

/// Texts that attackers know about a person.
fn about<'a>(account: &'a Account, tenant: &'a Tenant) -> impl Iterator<Item = &'a str> {
    const CLAIMS: [&str; 7] =
        ["name", "given_name", "family_name", "nickname", "email", "birthdate", "phone_number"];
    let claims = CLAIMS.iter().filter_map(|name| account.claims.get(*name).and_then(Value::as_str));
    let own = [&*account.username, &*tenant.display_name, tenant.issuer.host()];
    own.into_iter().chain(claims)
}

fn weakness(weak: WeakPassword, text: &MessageCatalog) -> String {
    match weak {
        WeakPassword::TooShort => {
            text.password_too_short(&MIN_PASSWORD_CHARS.to_string()).to_string()
        }
        WeakPassword::TooLong => text.password_too_long().to_owned(),
        WeakPassword::Guessable(warning, suggestion) => {
            let reason = reason_in_words(warning, text);
            text.password_guessable(reason, advice_in_words(suggestion, text)).to_string()
        }
    }
}

/// Why a password is easy to guess.
fn reason_in_words(warning: Option<Warning>, text: &MessageCatalog) -> &str {
    let Some(warning) = warning else { return text.guess_near_a_word() };
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess => text.guess_rows(),
        Warning::ShortKeyboardPatternsAreEasyToGuess => text.guess_keyboard(),
        Warning::RepeatsLikeAaaAreEasyToGuess => text.guess_repeats(),
        Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => text.guess_repeated_words(),
        Warning::ThisIsATop10Password => text.guess_top_10(),
        Warning::ThisIsATop100Password => text.guess_top_100(),
        Warning::ThisIsACommonPassword => text.guess_common(),
        Warning::ThisIsSimilarToACommonlyUsedPassword => text.guess_similar(),
        Warning::SequencesLikeAbcAreEasyToGuess => text.guess_sequences(),
        Warning::RecentYearsAreEasyToGuess => text.guess_years(),
        Warning::AWordByItselfIsEasyToGuess => text.guess_word(),
        Warning::DatesAreOftenEasyToGuess => text.guess_dates(),
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => text.guess_names(),
    }
}

/// The advice for a better password.
fn advice_in_words(suggestion: Option<Suggestion>, text: &MessageCatalog) -> &str {
    let Some(suggestion) = suggestion else { return text.advice_add_words() };
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases => text.advice_few_words(),
        Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters => text.advice_no_symbols(),
        Suggestion::AddAnotherWordOrTwo => text.advice_add_words(),
        Suggestion::CapitalizationDoesntHelpVeryMuch => text.advice_capitals(),
        Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => text.advice_all_capitals(),
        Suggestion::ReversedWordsArentMuchHarderToGuess => text.advice_reversed(),
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => text.advice_substitutions(),
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => text.advice_longer_keyboard(),
        Suggestion::AvoidRepeatedWordsAndCharacters => text.advice_no_repeats(),
        Suggestion::AvoidSequences => text.advice_no_sequences(),
        Suggestion::AvoidRecentYears => text.advice_no_years(),
        Suggestion::AvoidYearsThatAreAssociatedWithYou => text.advice_no_own_years(),
        Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => text.advice_no_own_dates(),
    }
}
