//! The bounds of one evaluation: steps, which stand for time, and created bytes.

use super::{
    error::{EvaluationError, EvaluationProblem},
    limits::{MAX_CREATED_BYTES, MAX_STEPS},
};

/// The size that is counted for an element of a created list.
const ELEMENT_SIZE: usize = 32;

/// The steps and bytes that an evaluation has left.
#[derive(Debug)]
pub(super) struct EvaluationBudget {
    steps: u32,
    bytes: usize,
}

impl EvaluationBudget {
    pub(super) fn new() -> Self {
        Self { steps: MAX_STEPS, bytes: MAX_CREATED_BYTES }
    }

    /// Counts steps.
    pub(super) fn take_steps(
        &mut self,
        position: usize,
        steps: usize,
    ) -> Result<(), EvaluationError> {
        let left = u32::try_from(steps).ok().and_then(|steps| self.steps.checked_sub(steps));
        self.steps =
            left.ok_or(EvaluationError { position, problem: EvaluationProblem::TooManySteps })?;
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
