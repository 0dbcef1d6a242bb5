//! Conversions between types: `string`, `int`, `double` and `bool`.

use super::{
    text_functions::FunctionCall,
    value::{Evaluated, EvaluatedValue},
};

impl<'a> FunctionCall<'_, 'a, '_> {
    pub(super) fn convert_to_text(&mut self) -> Evaluated<'a> {
        match self.operand(0) {
            text @ EvaluatedValue::Text(_) => Ok(text.clone()),
            EvaluatedValue::Bool(value) => self.create(5, || value.to_string()),
            EvaluatedValue::Int(value) => self.create(20, || value.to_string()),
            EvaluatedValue::Double(value) => self.create(400, || value.to_string()),
            other => Err(self.wrong("text, a number, true or false", other)),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    pub(super) fn convert_to_integer(&mut self) -> Evaluated<'a> {
        match self.operand(0) {
            number @ EvaluatedValue::Int(_) => Ok(number.clone()),
            // The range of i64 that decimal numbers hit exactly.
            EvaluatedValue::Double(value) if value.abs() < 9_223_372_036_854_775_808.0 => {
                Ok(EvaluatedValue::Int(*value as i64))
            }
            EvaluatedValue::Double(_) => Err(self.fail("the number is too large")),
            EvaluatedValue::Text(text) => {
                let value =
                    text.as_str().parse().map_err(|_| self.fail("the text is not an integer"));
                value.map(EvaluatedValue::Int)
            }
            other => Err(self.wrong("text or a number", other)),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest decimal number is meant")]
    pub(super) fn convert_to_decimal(&mut self) -> Evaluated<'a> {
        match self.operand(0) {
            number @ EvaluatedValue::Double(_) => Ok(number.clone()),
            EvaluatedValue::Int(value) => Ok(EvaluatedValue::Double(*value as f64)),
            EvaluatedValue::Text(text) => {
                self.budget.read_bytes(self.position, text.as_str().len())?;
                let value =
                    text.as_str().parse().map_err(|_| self.fail("the text is not a number"));
                value.map(EvaluatedValue::Double)
            }
            other => Err(self.wrong("text or a number", other)),
        }
    }

    pub(super) fn convert_to_boolean(&mut self) -> Evaluated<'a> {
        match self.operand(0) {
            value @ EvaluatedValue::Bool(_) => Ok(value.clone()),
            EvaluatedValue::Text(text) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(EvaluatedValue::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(EvaluatedValue::Bool(false)),
                _ => Err(self.fail("the text is neither true nor false")),
            },
            other => Err(self.wrong("text, true or false", other)),
        }
    }
}
