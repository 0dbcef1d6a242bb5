//! Functions of texts, lists and optional values, with the results of CEL's strings extension.
//! Positions count characters.

use super::{
    budget::EvaluationBudget,
    error::{EvaluationError, EvaluationProblem},
    function_table::{ExpressionFunction, FunctionSignature},
    value::{Evaluated, EvaluatedValue, wrong_operand},
};

/// Calls a function with its operands, the receiver first.
pub(super) fn call_function<'a>(
    function: &FunctionSignature,
    operands: &[EvaluatedValue<'a>],
    (position, budget): (usize, &mut EvaluationBudget),
) -> Evaluated<'a> {
    use ExpressionFunction as F;
    let mut call = FunctionCall { name: function.name, operands, position, budget };
    match function.function {
        F::Size => call.size(),
        F::Contains => call.search(|text, part| text.contains(part)),
        F::StartsWith => call.search(|text, part| text.starts_with(part)),
        F::EndsWith => call.search(|text, part| text.ends_with(part)),
        F::LowerAscii => call.convert_text(str::to_ascii_lowercase),
        F::UpperAscii => call.convert_text(str::to_ascii_uppercase),
        F::Trim => call.convert_text(|text| text.trim().to_owned()),
        F::Split => call.split(),
        F::Replace => call.replace(),
        F::Substring => call.substring(),
        F::IndexOf => call.index_of(),
        F::LastIndexOf => call.last_index_of(),
        F::CharAt => call.char_at(),
        F::Join => call.join(),
        F::OrValue | F::Or | F::Value | F::HasValue => call.use_optional(function.function),
        F::ToText => call.convert_to_text(),
        F::ToInteger => call.convert_to_integer(),
        F::ToDecimal => call.convert_to_decimal(),
        F::ToBoolean => call.convert_to_boolean(),
        F::Dynamic => Ok(call.operand(0).clone()),
        F::OptionalOf => Ok(EvaluatedValue::optional(operands.first().cloned())),
        F::OptionalNone => Ok(EvaluatedValue::optional(None)),
    }
}

pub(super) struct FunctionCall<'o, 'a, 'b> {
    pub(super) name: &'static str,
    pub(super) operands: &'o [EvaluatedValue<'a>],
    pub(super) position: usize,
    pub(super) budget: &'b mut EvaluationBudget,
}

impl<'o, 'a> FunctionCall<'o, 'a, '_> {
    pub(super) fn fail(&self, text: &'static str) -> EvaluationError {
        EvaluationError { position: self.position, problem: EvaluationProblem::Operand(text) }
    }

    pub(super) fn wrong(
        &self,
        expected: &'static str,
        found: &EvaluatedValue<'a>,
    ) -> EvaluationError {
        wrong_operand(self.name, expected, found, self.position)
    }

    pub(super) fn operand(&self, at: usize) -> &'o EvaluatedValue<'a> {
        self.operands.get(at).unwrap_or(&EvaluatedValue::Null)
    }

    fn text(&self, at: usize) -> Result<&'o str, EvaluationError> {
        match self.operand(at) {
            EvaluatedValue::Text(text) => Ok(text.as_str()),
            other => Err(self.wrong("text", other)),
        }
    }

    fn integer(&self, at: usize) -> Result<i64, EvaluationError> {
        match self.operand(at) {
            EvaluatedValue::Int(value) => Ok(*value),
            other => Err(self.wrong("an integer", other)),
        }
    }

    /// An integer that may be left out.
    fn optional_integer(&self, at: usize) -> Result<Option<i64>, EvaluationError> {
        self.operands.get(at).map(|_| self.integer(at)).transpose()
    }

    /// Creates a text of at most this length.
    pub(super) fn create(
        &mut self,
        len: usize,
        text: impl FnOnce() -> String,
    ) -> Result<EvaluatedValue<'a>, EvaluationError> {
        self.budget.create_bytes(self.position, len)?;
        Ok(EvaluatedValue::of_text(text()))
    }

    fn size(&mut self) -> Evaluated<'a> {
        let len = match self.operand(0) {
            EvaluatedValue::Text(text) => {
                self.budget.read_bytes(self.position, text.as_str().len())?;
                text.as_str().chars().count()
            }
            EvaluatedValue::List(list) => list.len(),
            EvaluatedValue::Map(map) => map.len(),
            other => return Err(self.wrong("text, a list or a map", other)),
        };
        Ok(integer_of(len))
    }

    fn search(&mut self, found: impl Fn(&str, &str) -> bool) -> Evaluated<'a> {
        let (text, part) = (self.text(0)?, self.text(1)?);
        self.budget.read_bytes(self.position, text.len() + part.len())?;
        Ok(EvaluatedValue::Bool(found(text, part)))
    }

    fn convert_text(&mut self, convert: impl Fn(&str) -> String) -> Evaluated<'a> {
        let text = self.text(0)?;
        self.create(text.len(), || convert(text))
    }

    fn split(&mut self) -> Evaluated<'a> {
        let (text, separator) = (self.text(0)?, self.text(1)?);
        let limit = self.optional_integer(2)?.unwrap_or(-1);
        if limit == 0 {
            return Ok(EvaluatedValue::of_list(Vec::new()));
        }
        self.budget.create_bytes(self.position, text.len())?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let parts: Box<dyn Iterator<Item = &str>> = if separator.is_empty() {
            Box::new(CharacterParts { rest: text, left: limit })
        } else {
            Box::new(text.splitn(limit, separator))
        };
        let mut list = Vec::new();
        for part in parts {
            self.budget.create_elements(self.position, 1)?;
            list.push(EvaluatedValue::of_text(part.to_owned()));
        }
        Ok(EvaluatedValue::of_list(list))
    }

    fn replace(&mut self) -> Evaluated<'a> {
        let (text, from, to) = (self.text(0)?, self.text(1)?, self.text(2)?);
        let limit = self.optional_integer(3)?.unwrap_or(-1);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.budget.read_bytes(self.position, text.len())?;
        let count = text.matches(from).take(limit).count();
        self.budget.take_steps(self.position, count)?;
        let len = text.len().saturating_add(count.saturating_mul(to.len()));
        self.create(len, || text.replacen(from, to, limit))
    }

    /// The byte at which a character begins.
    fn byte_at(&self, text: &str, at: i64) -> Result<usize, EvaluationError> {
        let at = usize::try_from(at).map_err(|_| self.fail("the position is below zero"))?;
        let mut starts = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
        starts.nth(at).ok_or_else(|| self.fail("the position is beyond the end of the text"))
    }

    fn substring(&mut self) -> Evaluated<'a> {
        let text = self.text(0)?;
        self.budget.read_bytes(self.position, text.len())?;
        let start = self.byte_at(text, self.integer(1)?)?;
        let end = match self.optional_integer(2)? {
            Some(end) => self.byte_at(text, end)?,
            None => text.len(),
        };
        let Some(part) = text.get(start..end) else {
            return Err(self.fail("the end is before the start"));
        };
        self.create(part.len(), || part.to_owned())
    }

    fn char_at(&mut self) -> Evaluated<'a> {
        let text = self.text(0)?;
        self.budget.read_bytes(self.position, text.len())?;
        let start = self.byte_at(text, self.integer(1)?)?;
        self.create(4, || text[start..].chars().take(1).collect())
    }

    fn index_of(&mut self) -> Evaluated<'a> {
        let (text, part) = (self.text(0)?, self.text(1)?);
        self.budget.read_bytes(self.position, text.len() + part.len())?;
        let start = self.optional_integer(2)?.unwrap_or(0);
        if usize::try_from(start).is_ok_and(|start| start > text.len()) {
            return Ok(EvaluatedValue::Int(-1));
        }
        let start = self.byte_at(text, start)?;
        let found = text[start..].find(part).map(|at| start + at);
        Ok(character_index(text, found))
    }

    fn last_index_of(&mut self) -> Evaluated<'a> {
        let (text, part) = (self.text(0)?, self.text(1)?);
        self.budget.read_bytes(self.position, text.len() + part.len())?;
        Ok(character_index(text, text.rfind(part)))
    }

    fn join(&mut self) -> Evaluated<'a> {
        let list = match self.operand(0) {
            EvaluatedValue::List(list) => list,
            other => return Err(self.wrong("a list", other)),
        };
        let separator = if self.operands.len() > 1 { self.text(1)? } else { "" };
        let mut joined = String::new();
        for (at, element) in list.iter().enumerate() {
            let EvaluatedValue::Text(part) = &element else {
                return Err(self.wrong("a list of texts", &element));
            };
            let separator = if at == 0 { "" } else { separator };
            self.budget.take_steps(self.position, 1)?;
            self.budget.create_bytes(self.position, separator.len() + part.as_str().len())?;
            joined += separator;
            joined += part.as_str();
        }
        Ok(EvaluatedValue::of_text(joined))
    }

    fn use_optional(&mut self, function: ExpressionFunction) -> Evaluated<'a> {
        use ExpressionFunction as F;
        let EvaluatedValue::Optional(inner) = self.operand(0) else {
            let expected = "an optional value, such as claims.?name";
            return Err(self.wrong(expected, self.operand(0)));
        };
        match (function, inner) {
            (F::HasValue, inner) => Ok(EvaluatedValue::Bool(inner.is_some())),
            (F::Or, Some(_)) => Ok(self.operand(0).clone()),
            (F::Or, None) => match self.operand(1) {
                other @ EvaluatedValue::Optional(_) => Ok(other.clone()),
                other => Err(self.wrong("an optional value, such as claims.?name", other)),
            },
            (_, Some(inner)) => Ok((**inner).clone()),
            (F::OrValue, None) => Ok(self.operand(1).clone()),
            (_, None) => Err(self.fail("the optional value is absent")),
        }
    }
}

/// The characters of a text, of which the last of `left` parts is the rest.
struct CharacterParts<'t> {
    rest: &'t str,
    left: usize,
}

impl<'t> Iterator for CharacterParts<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let first = self.rest.chars().next()?;
        let end = if self.left == 1 { self.rest.len() } else { first.len_utf8() };
        let (part, rest) = self.rest.split_at(end);
        (self.rest, self.left) = (rest, self.left.saturating_sub(1));
        Some(part)
    }
}

fn integer_of<'a>(value: usize) -> EvaluatedValue<'a> {
    EvaluatedValue::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The index of the character at a byte, or -1.
fn character_index<'a>(text: &str, found: Option<usize>) -> EvaluatedValue<'a> {
    found.map_or(EvaluatedValue::Int(-1), |at| integer_of(text[..at].chars().count()))
}
