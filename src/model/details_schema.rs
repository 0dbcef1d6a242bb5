//! The JSON Schema of a type of authorization details (RFC 9396): the part of JSON Schema without references, patterns
//! and combinations. A check takes time in proportion to the value, and needs no network.

mod parse;

use std::{cmp::Ordering, collections::BTreeMap};

use serde_json::{Map, Number, Value};

pub use parse::{DetailsSchemaError, MAX_SCHEMA_BYTES};

use super::wire_enum;

/// Longer names are not repeated in errors.
const MAX_ECHOED_LEN: usize = 64;

/// Stands for the name of a member that the schema does not declare, because attackers could put a message to users into
/// it.
const ANOTHER_NAME: &str = "(another name)";

const NOT_LISTED: &str = "must be one of the values that its schema lists";

wire_enum!(
    /// A type of values in JSON Schema.
    JsonType {
        /// An object.
        Object = "object",
        /// An array.
        Array = "array",
        /// A string.
        String = "string",
        /// A number.
        Number = "number",
        /// A number without a fraction.
        Integer = "integer",
        /// `true` or `false`.
        Boolean = "boolean",
        /// `null`.
        Null = "null",
    }
);

impl JsonType {
    /// Returns true if a value has this type.
    fn is_type_of(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Boolean => value.is_boolean(),
            Self::Null => value.is_null(),
        }
    }
}

/// A checked schema of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailsSchema(SchemaNode);

/// The first member of an object that does not match a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {expected}")]
pub struct DetailsMismatch {
    /// The path of the member, such as `.amount.currency`; empty for the object itself.
    path: String,
    /// The violated rule, such as `must be of the type string`.
    expected: String,
}

impl DetailsMismatch {
    fn new(expected: impl Into<String>) -> Self {
        Self { path: String::new(), expected: expected.into() }
    }

    fn below(self, step: &str) -> Self {
        Self { path: format!("{step}{}", self.path), ..self }
    }
}

/// The part of a schema for one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SchemaNode {
    /// `type`. Empty: any type.
    types: Vec<JsonType>,
    /// `enum` and `const`. `None`: any value.
    values: Option<Vec<Value>>,
    properties: BTreeMap<String, SchemaNode>,
    required: Vec<String>,
    additional: AdditionalMembers,
    items: Option<Box<SchemaNode>>,
    /// `minItems` and `maxItems`.
    item_count: CountBounds,
    /// `minLength` and `maxLength`, in characters.
    length: CountBounds,
    minimum: Option<Number>,
    maximum: Option<Number>,
}

/// `additionalProperties`: the members that `properties` does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum AdditionalMembers {
    #[default]
    Any,
    Refused,
    Matching(Box<SchemaNode>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct CountBounds {
    least: Option<u64>,
    most: Option<u64>,
}

impl DetailsSchema {
    /// Checks an object.
    ///
    /// # Errors
    ///
    /// The first member that does not match.
    pub fn check(&self, members: &Map<String, Value>) -> Result<(), DetailsMismatch> {
        // The type of the whole is known: `parse` refuses a schema of anything but objects.
        if let Some(values) = &self.0.values
            && !values.iter().any(|value| value.as_object() == Some(members))
        {
            return Err(DetailsMismatch::new(NOT_LISTED));
        }
        self.0.check_members(members)
    }
}

impl SchemaNode {
    fn check(&self, value: &Value) -> Result<(), DetailsMismatch> {
        self.check_values(value)?;
        match value {
            Value::Object(members) => self.check_members(members),
            Value::Array(items) => self.check_items(items),
            Value::String(text) => self.length.check(text.chars().count(), "characters"),
            Value::Number(number) => self.check_number(number),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    /// Checks `type`, `enum` and `const`.
    fn check_values(&self, value: &Value) -> Result<(), DetailsMismatch> {
        if !self.types.is_empty() && !self.types.iter().any(|it| it.is_type_of(value)) {
            let names: Vec<_> = self.types.iter().map(|it| it.as_str()).collect();
            let expected = format!("must be of the type {}", names.join(" or "));
            return Err(DetailsMismatch::new(expected));
        }
        if self.values.as_ref().is_some_and(|values| !values.contains(value)) {
            return Err(DetailsMismatch::new(NOT_LISTED));
        }
        Ok(())
    }

    fn check_members(&self, members: &Map<String, Value>) -> Result<(), DetailsMismatch> {
        if let Some(missing) = self.required.iter().find(|name| !members.contains_key(*name)) {
            return Err(DetailsMismatch::new(format!("must have the member '{missing}'")));
        }
        for (name, member) in members {
            let (node, displayed) = match (self.properties.get(name), &self.additional) {
                (Some(node), _) => (node, displayed_name(name)),
                (None, AdditionalMembers::Matching(node)) => (&**node, ANOTHER_NAME),
                (None, AdditionalMembers::Any) => continue,
                (None, AdditionalMembers::Refused) => {
                    let expected = "must not have members that the schema does not declare";
                    return Err(DetailsMismatch::new(expected));
                }
            };
            node.check(member).map_err(|mismatch| mismatch.below(&format!(".{displayed}")))?;
        }
        Ok(())
    }

    fn check_items(&self, items: &[Value]) -> Result<(), DetailsMismatch> {
        self.item_count.check(items.len(), "entries")?;
        let Some(node) = &self.items else { return Ok(()) };
        for (index, item) in items.iter().enumerate() {
            node.check(item).map_err(|mismatch| mismatch.below(&format!("[{index}]")))?;
        }
        Ok(())
    }

    fn check_number(&self, number: &Number) -> Result<(), DetailsMismatch> {
        if let Some(minimum) = &self.minimum
            && !matches!(compare(number, minimum), Some(Ordering::Greater | Ordering::Equal))
        {
            return Err(DetailsMismatch::new(format!("must be at least {minimum}")));
        }
        if let Some(maximum) = &self.maximum
            && !matches!(compare(number, maximum), Some(Ordering::Less | Ordering::Equal))
        {
            return Err(DetailsMismatch::new(format!("must be at most {maximum}")));
        }
        Ok(())
    }
}

impl CountBounds {
    fn check(self, count: usize, unit: &str) -> Result<(), DetailsMismatch> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if let Some(least) = self.least.filter(|least| count < *least) {
            return Err(DetailsMismatch::new(format!("must have at least {least} {unit}")));
        }
        if let Some(most) = self.most.filter(|most| count > *most) {
            return Err(DetailsMismatch::new(format!("must have at most {most} {unit}")));
        }
        Ok(())
    }
}

/// The name of a declared member in errors. Only a plain one is repeated.
fn displayed_name(name: &str) -> &str {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_plain && name.len() <= MAX_ECHOED_LEN { name } else { ANOTHER_NAME }
}

/// Compares numbers: whole ones exactly, others as floating-point numbers.
fn compare(one: &Number, other: &Number) -> Option<Ordering> {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

#[cfg(test)]
mod tests;
