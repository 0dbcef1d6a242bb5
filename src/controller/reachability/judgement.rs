//! The conclusion from the answers to one question. A failure is concluded when it has come three times in a row,
//! and one success ends it.

use crate::model::ProbeFailure;

/// Failures in a row after which a server that answered is unreachable.
const FAILURES_TO_FLIP: u8 = 3;

/// The result of a question: an answer, or the reason why there was none.
pub(in crate::controller) type ProbeResult = Result<(), ProbeFailure>;

/// The conclusion, and the failures that are not part of it yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::controller) struct FailureCounter {
    concluded: Option<ProbeResult>,
    /// Failures in a row that differ from the conclusion.
    failures: u8,
    last: Option<ProbeFailure>,
}

impl FailureCounter {
    /// A conclusion from an earlier time.
    pub(in crate::controller) fn of(concluded: Option<ProbeResult>) -> Self {
        Self { concluded, ..Self::default() }
    }

    pub(in crate::controller) fn concluded(self) -> Option<ProbeResult> {
        self.concluded
    }

    /// Returns true if more failures would change the conclusion.
    pub(in crate::controller) fn is_in_doubt(self) -> bool {
        self.failures > 0
    }

    /// Takes a result into account. The first one is concluded at once.
    pub(in crate::controller) fn learn(&mut self, result: ProbeResult) {
        let failure = match (self.concluded, result) {
            (None, _) | (_, Ok(())) => return *self = Self::of(Some(result)),
            (Some(before), Err(_)) if before == result => return *self = Self::of(Some(before)),
            (Some(_), Err(failure)) => failure,
        };
        // A failure that differs from the concluded one must be the same each time.
        let continues = self.concluded == Some(Ok(())) || self.last == Some(failure);
        self.failures = if continues { self.failures + 1 } else { 1 };
        self.last = Some(failure);
        if self.failures >= FAILURES_TO_FLIP {
            *self = Self::of(Some(result));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFF: ProbeResult = Err(ProbeFailure::Unreachable);
    const BAD: ProbeResult = Err(ProbeFailure::CertificateInvalid);

    #[test]
    fn three_failures_in_a_row_flip_and_one_success_flips_back() {
        for (before, results, after) in [
            (None, vec![OFF], OFF),
            (None, vec![Ok(())], Ok(())),
            (Some(Ok(())), vec![OFF, OFF], Ok(())),
            (Some(Ok(())), vec![OFF, OFF, Ok(()), OFF, OFF], Ok(())),
            (Some(Ok(())), vec![OFF, BAD, OFF], OFF),
            (Some(OFF), vec![Ok(())], Ok(())),
            (Some(OFF), vec![BAD, BAD], OFF),
            (Some(OFF), vec![BAD, OFF, BAD, BAD], OFF),
            (Some(OFF), vec![BAD, BAD, BAD], BAD),
        ] {
            let mut judgement = FailureCounter::of(before);
            for result in &results {
                judgement.learn(*result);
            }
            assert_eq!(judgement.concluded(), Some(after), "{before:?} {results:?}");
        }
    }

    #[test]
    fn a_failure_that_may_flip_leaves_a_doubt() {
        let mut judgement = FailureCounter::of(Some(Ok(())));
        assert!(!judgement.is_in_doubt());
        judgement.learn(OFF);
        assert!(judgement.is_in_doubt());
        judgement.learn(Ok(()));
        assert!(!judgement.is_in_doubt());
    }
}
