//! Loops over the elements of a list or the keys of a map: `all`, `exists`, `exists_one`, `filter`
//! and `map` (CEL specification, "Macros"). Their length is bounded, and they are never nested.

use super::{
    budget::EvaluationBudget,
    checked_node::{LoopKind, LoopNode},
    error::{EvaluationError, EvaluationProblem},
    evaluate::EvaluationFrame,
    limits::MAX_LOOP_ELEMENTS,
    value::{Evaluated, EvaluatedValue, wrong_operand},
};

impl<'a> EvaluationFrame<'a, '_> {
    pub(super) fn evaluate_loop(
        &self,
        node: &'a LoopNode,
        position: usize,
        budget: &mut EvaluationBudget,
    ) -> Evaluated<'a> {
        let elements = self.loop_elements(node, position, budget)?;
        match node.kind {
            LoopKind::All => self.any_element(node, &elements, false, budget),
            LoopKind::Exists => self.any_element(node, &elements, true, budget),
            LoopKind::ExistsOne => {
                let mut count = 0;
                for element in &elements {
                    count += usize::from(self.accepts(node, element, budget)?);
                }
                Ok(EvaluatedValue::Bool(count == 1))
            }
            LoopKind::Filter | LoopKind::Map => {
                let mut list = Vec::new();
                for element in elements {
                    if !self.accepts(node, &element, budget)? {
                        continue;
                    }
                    budget.create_elements(position, 1)?;
                    list.push(match &node.value {
                        Some(value) => self.inside(&element).evaluate(value, budget)?,
                        None => element,
                    });
                }
                Ok(EvaluatedValue::of_list(list))
            }
        }
    }

    fn loop_elements(
        &self,
        node: &'a LoopNode,
        position: usize,
        budget: &mut EvaluationBudget,
    ) -> Result<Vec<EvaluatedValue<'a>>, EvaluationError> {
        let over = self.evaluate(&node.over, budget)?;
        let len = match &over {
            EvaluatedValue::List(list) => list.len(),
            EvaluatedValue::Map(map) => map.len(),
            other => {
                return Err(wrong_operand(node.kind.as_str(), "a list or map", other, position));
            }
        };
        if len > MAX_LOOP_ELEMENTS {
            let problem = EvaluationProblem::LoopTooLong(len);
            return Err(EvaluationError { position, problem });
        }
        budget.take_steps(position, len)?;
        Ok(match over {
            EvaluatedValue::List(list) => list.iter().collect(),
            EvaluatedValue::Map(map) => {
                map.entries().into_iter().map(|(key, _)| EvaluatedValue::Text(key)).collect()
            }
            _ => Vec::new(),
        })
    }

    fn inside<'f>(&self, element: &'f EvaluatedValue<'a>) -> EvaluationFrame<'a, 'f> {
        EvaluationFrame { variables: self.variables, element: Some(element) }
    }

    fn accepts(
        &self,
        node: &'a LoopNode,
        element: &EvaluatedValue<'a>,
        budget: &mut EvaluationBudget,
    ) -> Result<bool, EvaluationError> {
        let Some(predicate) = &node.predicate else { return Ok(true) };
        self.inside(element).condition(predicate, node.kind.as_str(), budget)
    }

    /// `exists` if `decisive` is true, else `all`. An element that decides the result alone
    /// outweighs the error of another one.
    fn any_element(
        &self,
        node: &'a LoopNode,
        elements: &[EvaluatedValue<'a>],
        decisive: bool,
        budget: &mut EvaluationBudget,
    ) -> Evaluated<'a> {
        let mut failed = None;
        for element in elements {
            match self.accepts(node, element, budget) {
                Ok(value) if value == decisive => return Ok(EvaluatedValue::Bool(decisive)),
                Ok(_) => {}
                Err(error) if error.is_limit() => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(EvaluatedValue::Bool(!decisive)), Err)
    }
}
