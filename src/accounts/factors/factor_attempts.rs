//! The attempts to use a second factor, counted in the store so that guesses at several replicas count
//! together. An attempt is counted before it is checked.
//!
//! Attempts with a browser that the person has proved the factor with are counted for that browser. All other
//! browsers share one budget of the person. An attacker with the password therefore cannot lock the person out, and
//! the person's own success gives an attacker no more guesses (docs/security.md#guesses-at-codes).

use std::time::Duration;

use crate::{
    accounts::{
        AccountContext, AccountError, context::RecordChange,
        records::vaulted_record::person_record_key,
    },
    identity::{BackoffCounter, BackoffPolicy, RefillingBudget},
    model::{Subject, Timestamp, sha256_base64url},
    protocol::{
        known_browser::KNOWN_BROWSER_TTL,
        records::{FactorAttempts, FactorBudget, decode_record, encode_record},
    },
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// Guesses of all browsers that are not known: at most 2,948 within a year. Three of a million codes are
/// right, so fewer than one person in a hundred is guessed in a year.
const UNKNOWN_BROWSERS_BUDGET: RefillingBudget =
    RefillingBudget { burst: 20, refill: Duration::from_hours(3) };
/// A known browser waits after five failures: 30 s, 1 min, … 1 h. Its count ends with its cookie.
const KNOWN_BROWSER: BackoffPolicy = BackoffPolicy {
    free: 5,
    first: Duration::from_secs(30),
    max_delay: Duration::from_hours(1),
    forget: KNOWN_BROWSER_TTL,
};
/// Failures after which a known browser counts like any other: its cookie may be stolen.
const MAX_FAILURES_OF_BROWSER: u32 = 50;

/// An attempt that was counted as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum CountedAttempt {
    /// The attempt of a known browser.
    OfKnownBrowser,
    /// The attempt of another browser, in the budget of all others.
    OfStranger,
}

/// The count of a known browser.
enum BrowserCount {
    Counted,
    Wait(Duration),
    TooMany,
}

/// Counts an attempt with a browser; `known_browser` is its ID if the person has proved the factor with it.
/// Returns the time to wait if it comes too soon; then it must not be checked.
pub(super) async fn begin_attempt(
    context: AccountContext<'_>,
    subject: &Subject,
    known_browser: Option<&str>,
) -> Result<Result<CountedAttempt, Duration>, AccountError> {
    if let Some(browser) = known_browser {
        match count_for_browser(context, subject, browser).await? {
            BrowserCount::Counted => return Ok(Ok(CountedAttempt::OfKnownBrowser)),
            BrowserCount::Wait(wait) => return Ok(Err(wait)),
            BrowserCount::TooMany => {}
        }
    }
    let wait = count_for_stranger(context, subject).await?;
    Ok(wait.map_or(Ok(CountedAttempt::OfStranger), Err))
}

/// Takes an attempt back that was right. A known browser gets another ID instead.
pub(super) async fn take_back_attempt(
    context: AccountContext<'_>,
    subject: &Subject,
    attempt: CountedAttempt,
) {
    if attempt == CountedAttempt::OfKnownBrowser {
        return;
    }
    let key = person_record_key(context, RecordKind::FactorAttempts, subject);
    let give_back = |stored: Option<&VersionedRecord>| {
        Ok(match stored.and_then(read_budget) {
            Some(whole_at) => {
                let whole_at = UNKNOWN_BROWSERS_BUDGET.give_back(whole_at);
                RecordChange::Write(budget_record(&key, subject, whole_at), ())
            }
            None => RecordChange::Keep(()),
        })
    };
    let given_back = match context.get(&key).await {
        Ok(stored) => context.update(&key, stored, give_back).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = given_back {
        // The person has signed in; the budget is smaller for three hours.
        tracing::warn!(%error, "could not take back an attempt to use a second factor");
    }
}

async fn count_for_browser(
    context: AccountContext<'_>,
    subject: &Subject,
    browser: &str,
) -> Result<BrowserCount, AccountError> {
    let id = sha256_base64url(format!("{subject}\0{browser}"));
    let key = context.key(RecordKind::FactorAttempts, id);
    let now = context.store_now;
    let count = |stored: Option<&VersionedRecord>| {
        let before = stored.and_then(read_counter);
        if before.is_some_and(|before| before.failures >= MAX_FAILURES_OF_BROWSER) {
            return Ok(RecordChange::Keep(BrowserCount::TooMany));
        }
        let wait = KNOWN_BROWSER.wait_time(before, now);
        if !wait.is_zero() {
            return Ok(RecordChange::Keep(BrowserCount::Wait(wait)));
        }
        let BackoffCounter { failures, last, wait_until } =
            KNOWN_BROWSER.after_failure(before, now);
        let value = encode_record(&FactorAttempts { failures, last, wait_until });
        let expires_at = now.plus(KNOWN_BROWSER.forget + KNOWN_BROWSER.max_delay);
        let record = attempts_record(&key, subject, value, expires_at);
        Ok(RecordChange::Write(record, BrowserCount::Counted))
    };
    let stored = context.get(&key).await?;
    match context.update(&key, stored, count).await {
        Err(AccountError::Conflict(_)) => Ok(BrowserCount::Wait(AFTER_CONFLICT)),
        counted => counted,
    }
}

/// Many attempts at once are not those of a person.
const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// Counts an attempt in the budget. Returns the time to wait if it is spent.
async fn count_for_stranger(
    context: AccountContext<'_>,
    subject: &Subject,
) -> Result<Option<Duration>, AccountError> {
    let key = person_record_key(context, RecordKind::FactorAttempts, subject);
    let now = context.store_now;
    let count = |stored: Option<&VersionedRecord>| {
        let before = stored.and_then(read_budget);
        let wait = UNKNOWN_BROWSERS_BUDGET.wait_time(before, now);
        if !wait.is_zero() {
            return Ok(RecordChange::Keep(Some(wait)));
        }
        let whole_at = UNKNOWN_BROWSERS_BUDGET.spend(before, now);
        Ok(RecordChange::Write(budget_record(&key, subject, whole_at), None))
    };
    let stored = context.get(&key).await?;
    match context.update(&key, stored, count).await {
        Err(AccountError::Conflict(_)) => Ok(Some(AFTER_CONFLICT)),
        counted => counted,
    }
}

fn budget_record(key: &RecordKey, subject: &Subject, whole_at: Timestamp) -> Record {
    let expires_at = whole_at.plus(KNOWN_BROWSER.max_delay);
    attempts_record(key, subject, encode_record(&FactorBudget { whole_at }), expires_at)
}

fn attempts_record(
    key: &RecordKey,
    subject: &Subject,
    value: Vec<u8>,
    expires_at: Timestamp,
) -> Record {
    Record {
        key: key.clone(),
        value: value.into(),
        expires_at,
        owners: vec![IndexEntry::new(IndexKind::User, subject.as_str())],
        due_at: None,
    }
}

fn read_counter(stored: &VersionedRecord) -> Option<BackoffCounter> {
    let FactorAttempts { failures, last, wait_until } = decode_record(&stored.record.value).ok()?;
    Some(BackoffCounter { failures, last, wait_until })
}

fn read_budget(stored: &VersionedRecord) -> Option<Timestamp> {
    let FactorBudget { whole_at } = decode_record(&stored.record.value).ok()?;
    Some(whole_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arithmetic of docs/security.md#guesses-at-codes: three codes of a million are right.
    #[test]
    fn a_thief_with_the_password_guesses_a_code_in_a_year_with_less_than_one_percent() {
        let guesses = UNKNOWN_BROWSERS_BUDGET.uses_within(Duration::from_hours(24 * 366));
        assert_eq!(guesses, 2_948);
        let miss = (1.0_f64 - 3.0 / 1_000_000.0).powf(2_948.0);
        assert!(1.0 - miss < 0.009, "{}", 1.0 - miss);
        let more = (1.0_f64 - 3.0 / 1_000_000.0).powf(2_948.0 + f64::from(MAX_FAILURES_OF_BROWSER));
        assert!(1.0 - more < 0.0091, "with a stolen cookie {}", 1.0 - more);
    }
}
