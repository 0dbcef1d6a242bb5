//! The bounds of one evaluation: steps, which stand for time, and created bytes. Several evaluations can
//! share their steps, so that many expressions together are bounded too.

use std::cell::Cell;

use super::{
    error::{EvaluationError, EvaluationProblem},
    limits::{MAX_CREATED_BYTES, MAX_SHARED_STEPS, MAX_STEPS},
};

/// The size that is counted for an element of a created list.
const ELEMENT_SIZE: usize = 32;

/// The steps that several evaluations have left together, for example those of all expressions of one
/// identity provider for one person.
#[derive(Debug)]
pub struct EvaluationBudgetPool(Cell<u32>);

impl EvaluationBudgetPool {
    /// Steps for the expressions of one object, for one person.
    pub fn new() -> Self {
        Self::times(1)
    }

    /// Steps for a number of objects or people together.
    pub fn times(count: u32) -> Self {
        Self(Cell::new(MAX_SHARED_STEPS.saturating_mul(count)))
    }
}

impl Default for EvaluationBudgetPool {
    fn default() -> Self {
        Self::new()
    }
}

/// The steps and bytes that an evaluation has left.
#[derive(Debug)]
pub(super) struct EvaluationBudget {
    steps: u32,
    bytes: usize,
    /// The error after the last step: `TooManySharedSteps` if the shared steps run out first.
    exceeded: EvaluationProblem,
}

impl EvaluationBudget {
    /// Runs an evaluation, which takes its steps from the shared ones too.
    pub(super) fn with<T>(
        shared: Option<&EvaluationBudgetPool>,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let left = shared.map_or(u32::MAX, |shared| shared.0.get());
        let exceeded = if left < MAX_STEPS {
            EvaluationProblem::TooManySharedSteps
        } else {
            EvaluationProblem::TooManySteps
        };
        let most = left.min(MAX_STEPS);
        let mut budget = Self { steps: most, bytes: MAX_CREATED_BYTES, exceeded };
        let result = run(&mut budget);
        if let Some(shared) = shared {
            shared.0.set(left - (most - budget.steps));
        }
        result
    }

    /// Counts steps. Fails if fewer are left.
    pub(super) fn take_steps(
        &mut self,
        position: usize,
        steps: usize,
    ) -> Result<(), EvaluationError> {
        let left = u32::try_from(steps).ok().and_then(|steps| self.steps.checked_sub(steps));
        self.steps =
            left.ok_or_else(|| EvaluationError { position, problem: self.exceeded.clone() })?;
        Ok(())
    }

    /// Counts the steps of reading `len` bytes.
    pub(super) fn read_bytes(
        &mut self,
        position: usize,
        len: usize,
    ) -> Result<(), EvaluationError> {
        self.take_steps(position, len / 64)
    }

    /// Counts bytes before they are created.
    pub(super) fn create_bytes(
        &mut self,
        position: usize,
        len: usize,
    ) -> Result<(), EvaluationError> {
        self.read_bytes(position, len)?;
        let left = self.bytes.checked_sub(len);
        self.bytes =
            left.ok_or(EvaluationError { position, problem: EvaluationProblem::OutputTooLarge })?;
        Ok(())
    }

    /// Counts the elements of a list or map before they are created.
    pub(super) fn create_elements(
        &mut self,
        position: usize,
        count: usize,
    ) -> Result<(), EvaluationError> {
        self.take_steps(position, count)?;
        self.create_bytes(position, count.saturating_mul(ELEMENT_SIZE))
    }
}
