//! Operators whose operands are both evaluated (CEL specification, "Functions").

use std::cmp::Ordering;

use super::{
    budget::EvaluationBudget,
    error::{EvaluationError, EvaluationProblem},
    operand_types::operands_of,
    syntax::BinaryOperator,
    value::{Evaluated, EvaluatedValue, ListValue, MapValue, wrong_operand},
};

/// Applies a binary operator to two values. `&&` and `||` are not among them.
pub(super) fn apply_operator<'a>(
    operator: BinaryOperator,
    left: &EvaluatedValue<'a>,
    right: &EvaluatedValue<'a>,
    (position, budget): (usize, &mut EvaluationBudget),
) -> Evaluated<'a> {
    use BinaryOperator as B;
    let mut equality = Equality { position, budget };
    match operator {
        B::Equal => Ok(EvaluatedValue::Bool(equality.are_equal(left, right)?)),
        B::NotEqual => Ok(EvaluatedValue::Bool(!equality.are_equal(left, right)?)),
        B::In => equality.is_in(left, right).map(EvaluatedValue::Bool),
        B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
            let order = compare_values(operator, left, right, (position, budget))?;
            Ok(EvaluatedValue::Bool(match operator {
                B::Less => order == Some(Ordering::Less),
                B::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                B::Greater => order == Some(Ordering::Greater),
                _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            }))
        }
        B::Add => add_values(left, right, (position, budget)),
        B::Subtract | B::Multiply | B::Divide | B::Remainder => {
            calculate_numbers(operator, left, right, position)
        }
    }
}

/// Equality of values. Values of different types are not equal; numbers are compared by value.
struct Equality<'b> {
    position: usize,
    budget: &'b mut EvaluationBudget,
}

impl Equality<'_> {
    fn are_equal(
        &mut self,
        left: &EvaluatedValue<'_>,
        right: &EvaluatedValue<'_>,
    ) -> Result<bool, EvaluationError> {
        use EvaluatedValue as V;
        self.budget.take_steps(self.position, 1)?;
        Ok(match (left, right) {
            (V::Null, V::Null) => true,
            (V::Bool(a), V::Bool(b)) => a == b,
            (V::Int(_) | V::Double(_), V::Int(_) | V::Double(_)) => {
                compare_numbers(left, right) == Some(Ordering::Equal)
            }
            (V::Text(a), V::Text(b)) => {
                let (a, b) = (a.as_str(), b.as_str());
                if a.len() == b.len() {
                    self.budget.read_bytes(self.position, a.len())?;
                }
                a == b
            }
            (V::List(a), V::List(b)) => self.are_lists_equal(a, b)?,
            (V::Map(a), V::Map(b)) => self.are_maps_equal(a, b)?,
            (V::Optional(a), V::Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => self.are_equal(a, b)?,
                (a, b) => a.is_none() && b.is_none(),
            },
            _ => false,
        })
    }

    fn are_lists_equal(
        &mut self,
        left: &ListValue<'_>,
        right: &ListValue<'_>,
    ) -> Result<bool, EvaluationError> {
        if left.len() != right.len() {
            return Ok(false);
        }
        for (a, b) in left.iter().zip(right.iter()) {
            if !self.are_equal(&a, &b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn are_maps_equal(
        &mut self,
        left: &MapValue<'_>,
        right: &MapValue<'_>,
    ) -> Result<bool, EvaluationError> {
        if left.len() != right.len() {
            return Ok(false);
        }
        self.budget.take_steps(self.position, left.len())?;
        for (key, a) in left.entries() {
            let Some(b) = right.get(key.as_str()) else { return Ok(false) };
            if !self.are_equal(&a, &b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_in(
        &mut self,
        element: &EvaluatedValue<'_>,
        collection: &EvaluatedValue<'_>,
    ) -> Result<bool, EvaluationError> {
        match collection {
            EvaluatedValue::List(list) => {
                for it in list.iter() {
                    if self.are_equal(element, &it)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            EvaluatedValue::Map(map) => match element {
                EvaluatedValue::Text(key) => Ok(map.get(key.as_str()).is_some()),
                _ => Ok(false),
            },
            other => Err(wrong_operand("in", "a list or map on its right", other, self.position)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the nearest decimal number is compared, as in CEL")]
fn compare_numbers(left: &EvaluatedValue<'_>, right: &EvaluatedValue<'_>) -> Option<Ordering> {
    use EvaluatedValue as V;
    match (left, right) {
        (V::Int(a), V::Int(b)) => Some(a.cmp(b)),
        (V::Int(a), V::Double(b)) => (*a as f64).partial_cmp(b),
        (V::Double(a), V::Int(b)) => a.partial_cmp(&(*b as f64)),
        (V::Double(a), V::Double(b)) => a.partial_cmp(b),
        _ => None,
    }
}

fn compare_values(
    operator: BinaryOperator,
    left: &EvaluatedValue<'_>,
    right: &EvaluatedValue<'_>,
    (position, budget): (usize, &mut EvaluationBudget),
) -> Result<Option<Ordering>, EvaluationError> {
    use EvaluatedValue as V;
    match (left, right) {
        (V::Text(a), V::Text(b)) => {
            let (a, b) = (a.as_str(), b.as_str());
            budget.read_bytes(position, a.len().min(b.len()))?;
            Ok(Some(a.cmp(b)))
        }
        (V::Int(_) | V::Double(_), V::Int(_) | V::Double(_)) => Ok(compare_numbers(left, right)),
        (V::Int(_) | V::Double(_) | V::Text(_), other) | (other, _) => {
            Err(wrong_operand(operator.as_str(), "two numbers or two texts", other, position))
        }
    }
}

fn add_values<'a>(
    left: &EvaluatedValue<'a>,
    right: &EvaluatedValue<'a>,
    (position, budget): (usize, &mut EvaluationBudget),
) -> Evaluated<'a> {
    use EvaluatedValue as V;
    match (left, right) {
        (V::Text(a), V::Text(b)) => {
            let (a, b) = (a.as_str(), b.as_str());
            budget.create_bytes(position, a.len() + b.len())?;
            Ok(V::of_text([a, b].concat()))
        }
        (V::List(a), V::List(b)) => {
            budget.create_elements(position, a.len() + b.len())?;
            Ok(V::of_list(a.iter().chain(b.iter()).collect()))
        }
        _ => calculate_numbers(BinaryOperator::Add, left, right, position),
    }
}

fn calculate_numbers<'a>(
    operator: BinaryOperator,
    left: &EvaluatedValue<'a>,
    right: &EvaluatedValue<'a>,
    position: usize,
) -> Evaluated<'a> {
    use BinaryOperator as B;
    use EvaluatedValue as V;
    let fail = |text| EvaluationError { position, problem: EvaluationProblem::Operand(text) };
    match (left, right) {
        (V::Int(_), V::Int(0)) if matches!(operator, B::Divide | B::Remainder) => {
            Err(fail("the division is by zero"))
        }
        (V::Int(a), V::Int(b)) => {
            let result = match operator {
                B::Add => a.checked_add(*b),
                B::Subtract => a.checked_sub(*b),
                B::Multiply => a.checked_mul(*b),
                B::Divide => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            result.map(V::Int).ok_or_else(|| fail("the number is too large"))
        }
        (V::Double(a), V::Double(b)) if operator != B::Remainder => Ok(V::Double(match operator {
            B::Add => a + b,
            B::Subtract => a - b,
            B::Multiply => a * b,
            _ => a / b,
        })),
        (left, right) => {
            let is_left_wrong = !matches!(left, V::Int(_) | V::Double(_));
            let other = if is_left_wrong { left } else { right };
            Err(wrong_operand(operator.as_str(), operands_of(operator), other, position))
        }
    }
}
