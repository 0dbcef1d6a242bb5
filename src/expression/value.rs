//! Values of an evaluation. They borrow what exists already, and share what was created.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::{
    budget::EvaluationBudget,
    error::{EvaluationError, EvaluationProblem},
    types::ExpressionType,
};

/// The outcome of a part of an evaluation.
pub(super) type Evaluated<'a> = Result<EvaluatedValue<'a>, EvaluationError>;

/// A value during an evaluation.
#[derive(Clone, Debug)]
pub(super) enum EvaluatedValue<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(TextValue<'a>),
    List(ListValue<'a>),
    Map(MapValue<'a>),
    Optional(Option<Rc<EvaluatedValue<'a>>>),
}

/// A text: borrowed from a variable or the expression, or created by the evaluation.
#[derive(Clone, Debug)]
pub(super) enum TextValue<'a> {
    Borrowed(&'a str),
    Created(Rc<str>),
}

/// A list: borrowed from a variable, or created by the evaluation.
#[derive(Clone, Debug)]
pub(super) enum ListValue<'a> {
    Json(&'a [Value]),
    Texts(&'a [String]),
    Words(&'a [&'a str]),
    Created(Rc<[EvaluatedValue<'a>]>),
}

/// A map with keys of text.
#[derive(Clone, Debug)]
pub(super) enum MapValue<'a> {
    Json(&'a Map<String, Value>),
    Created(Rc<[(TextValue<'a>, EvaluatedValue<'a>)]>),
}

impl TextValue<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Created(text) => text,
        }
    }
}

impl<'a> ListValue<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(list) => list.len(),
            Self::Texts(list) => list.len(),
            Self::Words(list) => list.len(),
            Self::Created(list) => list.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<EvaluatedValue<'a>> {
        let text = |text| EvaluatedValue::Text(TextValue::Borrowed(text));
        match self {
            Self::Json(list) => list.get(index).map(EvaluatedValue::of_json),
            Self::Texts(list) => list.get(index).map(|it| text(it.as_str())),
            Self::Words(list) => list.get(index).map(|it| text(it)),
            Self::Created(list) => list.get(index).cloned(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = EvaluatedValue<'a>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<'a> MapValue<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(map) => map.len(),
            Self::Created(map) => map.len(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<EvaluatedValue<'a>> {
        match self {
            Self::Json(map) => map.get(key).map(EvaluatedValue::of_json),
            Self::Created(map) => {
                map.iter().find(|(it, _)| it.as_str() == key).map(|(_, value)| value.clone())
            }
        }
    }

    /// The keys with their values.
    pub(super) fn entries(&self) -> Vec<(TextValue<'a>, EvaluatedValue<'a>)> {
        match self {
            Self::Json(map) => {
                let of = |(key, value): (&'a String, &'a Value)| {
                    (TextValue::Borrowed(key), EvaluatedValue::of_json(value))
                };
                map.iter().map(of).collect()
            }
            Self::Created(map) => map.to_vec(),
        }
    }
}

impl<'a> EvaluatedValue<'a> {
    /// The value of JSON. Whole numbers beyond 64 bits become decimal.
    pub(super) fn of_json(json: &'a Value) -> Self {
        match json {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(value) => Self::Int(value),
                None => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Self::Text(TextValue::Borrowed(text)),
            Value::Array(list) => Self::List(ListValue::Json(list)),
            Value::Object(map) => Self::Map(MapValue::Json(map)),
        }
    }

    pub(super) fn of_text(text: String) -> Self {
        Self::Text(TextValue::Created(text.into()))
    }

    pub(super) fn of_list(list: Vec<Self>) -> Self {
        Self::List(ListValue::Created(list.into()))
    }

    pub(super) fn optional(value: Option<Self>) -> Self {
        Self::Optional(value.map(Rc::new))
    }

    pub(super) fn value_type(&self) -> ExpressionType {
        match self {
            Self::Null => ExpressionType::Null,
            Self::Bool(_) => ExpressionType::Boolean,
            Self::Int(_) => ExpressionType::Integer,
            Self::Double(_) => ExpressionType::Decimal,
            Self::Text(_) => ExpressionType::Text,
            Self::List(_) => ExpressionType::List,
            Self::Map(_) => ExpressionType::Map,
            Self::Optional(_) => ExpressionType::Optional,
        }
    }

    /// The value as JSON, which counts as created bytes.
    pub(super) fn to_json(
        &self,
        position: usize,
        budget: &mut EvaluationBudget,
    ) -> Result<Value, EvaluationError> {
        budget.create_elements(position, 1)?;
        let wrong = |found, expected| {
            let problem = EvaluationProblem::ResultType { found, expected };
            EvaluationError { position, problem }
        };
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::from(*value),
            Self::Double(value) => serde_json::Number::from_f64(*value)
                .map(Value::Number)
                .ok_or_else(|| wrong(self.value_type(), "a finite number"))?,
            Self::Text(text) => {
                budget.create_bytes(position, text.as_str().len())?;
                Value::String(text.as_str().to_owned())
            }
            Self::List(list) => {
                let elements = list.iter().map(|it| it.to_json(position, budget));
                Value::Array(elements.collect::<Result<_, _>>()?)
            }
            Self::Map(map) => {
                let mut json = Map::new();
                for (key, value) in map.entries() {
                    budget.create_bytes(position, key.as_str().len())?;
                    json.insert(key.as_str().to_owned(), value.to_json(position, budget)?);
                }
                Value::Object(json)
            }
            Self::Optional(_) => return Err(wrong(self.value_type(), "a value")),
        })
    }
}

/// The error of an operand with the wrong type.
pub(super) fn wrong_operand(
    operation: &'static str,
    expected: &'static str,
    found: &EvaluatedValue<'_>,
    position: usize,
) -> EvaluationError {
    let found = found.value_type();
    let problem = EvaluationProblem::OperandType { operation, expected, found };
    EvaluationError { position, problem }
}
