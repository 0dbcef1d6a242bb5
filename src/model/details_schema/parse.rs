//! Parses the JSON Schemas of types of authorization details. A keyword that is not supported is an error, because a
//! schema without it would allow more than its author wrote.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::{AdditionalMembers, DetailsSchema, JsonType, SchemaNode};
use crate::model::WireEnum;

/// The maximum length of a schema as JSON text.
pub const MAX_SCHEMA_BYTES: usize = 8 * 1024;
/// The maximum number of levels of a schema.
const MAX_DEPTH: usize = 8;
/// Most values of `enum`.
const MAX_VALUES: usize = 64;

/// The keywords that restrict values, in the order of the documentation.
const KEYWORDS: [&str; 13] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "enum",
    "const",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
];

/// The keywords that restrict nothing.
const ANNOTATIONS: [&str; 6] = ["$schema", "$id", "$comment", "title", "description", "examples"];

/// A part of a schema that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct DetailsSchemaError {
    /// The path of the part, such as `.properties.amount`; empty for the whole schema.
    pub path: String,
    /// The problem, such as `must be an object`.
    pub problem: String,
}

impl DetailsSchema {
    /// Parses a schema.
    ///
    /// # Errors
    ///
    /// The first part that cannot be used.
    pub fn parse(schema: &Map<String, Value>) -> Result<Self, DetailsSchemaError> {
        let schema = Value::Object(schema.clone());
        if schema.to_string().len() > MAX_SCHEMA_BYTES {
            return refuse("", format!("must have at most {MAX_SCHEMA_BYTES} bytes as JSON"));
        }
        let node = parse_node("", &schema, 1)?;
        if !node.types.is_empty() && !node.types.contains(&JsonType::Object) {
            return refuse(".type", "must be object, since details are objects");
        }
        if node.additional == AdditionalMembers::Refused && !node.properties.contains_key("type") {
            let problem = "must have \"type\", which is a member of all details, because additionalProperties is false";
            return refuse(".properties", problem);
        }
        Ok(Self(node))
    }
}

fn refuse<T>(path: &str, problem: impl Into<String>) -> Result<T, DetailsSchemaError> {
    Err(DetailsSchemaError { path: path.to_owned(), problem: problem.into() })
}

fn parse_node(path: &str, schema: &Value, depth: usize) -> Result<SchemaNode, DetailsSchemaError> {
    let Value::Object(members) = schema else { return refuse(path, "must be an object") };
    if depth > MAX_DEPTH {
        return refuse(path, format!("must be nested at most {MAX_DEPTH} levels deep"));
    }
    let mut node = SchemaNode::default();
    for (keyword, value) in members {
        let at = format!("{path}.{keyword}");
        match keyword.as_str() {
            "type" => node.types = types(&at, value)?,
            "properties" => node.properties = properties(&at, value, depth)?,
            "required" => node.required = required(&at, value)?,
            "additionalProperties" => node.additional = additional(&at, value, depth)?,
            "enum" => node.values = Some(common(node.values.take(), values(&at, value)?)),
            "const" => node.values = Some(common(node.values.take(), vec![value.clone()])),
            "items" => node.items = Some(Box::new(parse_node(&at, value, depth + 1)?)),
            "minItems" => node.item_count.least = Some(count(&at, value)?),
            "maxItems" => node.item_count.most = Some(count(&at, value)?),
            "minLength" => node.length.least = Some(count(&at, value)?),
            "maxLength" => node.length.most = Some(count(&at, value)?),
            "minimum" => node.minimum = Some(number(&at, value)?),
            "maximum" => node.maximum = Some(number(&at, value)?),
            _ if ANNOTATIONS.contains(&keyword.as_str()) => {}
            _ => {
                let known = KEYWORDS.join(", ");
                return refuse(&at, format!("is not a supported keyword; use {known}"));
            }
        }
    }
    Ok(node)
}

fn types(at: &str, value: &Value) -> Result<Vec<JsonType>, DetailsSchemaError> {
    let names = match value {
        Value::Array(names) if !names.is_empty() => names.as_slice(),
        name => std::slice::from_ref(name),
    };
    let found: Option<Vec<_>> =
        names.iter().map(|name| JsonType::from_name(name.as_str()?)).collect();
    let known: Vec<_> = JsonType::ALL.iter().map(|it| it.as_str()).collect();
    found.map_or_else(|| refuse(at, format!("must be one of {}", known.join(", "))), Ok)
}

fn properties(
    at: &str,
    value: &Value,
    depth: usize,
) -> Result<BTreeMap<String, SchemaNode>, DetailsSchemaError> {
    let Value::Object(members) = value else { return refuse(at, "must be an object") };
    let node = |(name, schema): (&String, &Value)| {
        let node = parse_node(&format!("{at}.{name}"), schema, depth + 1);
        node.map(|node| (name.clone(), node))
    };
    members.iter().map(node).collect()
}

fn required(at: &str, value: &Value) -> Result<Vec<String>, DetailsSchemaError> {
    let names = value.as_array().and_then(|names| {
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    names.map_or_else(|| refuse(at, "must be a list of names of members"), Ok)
}

fn additional(
    at: &str,
    value: &Value,
    depth: usize,
) -> Result<AdditionalMembers, DetailsSchemaError> {
    match value {
        Value::Bool(true) => Ok(AdditionalMembers::Any),
        Value::Bool(false) => Ok(AdditionalMembers::Refused),
        schema => parse_node(at, schema, depth + 1)
            .map(|node| AdditionalMembers::Matching(Box::new(node))),
    }
}

fn values(at: &str, value: &Value) -> Result<Vec<Value>, DetailsSchemaError> {
    match value {
        Value::Array(values) if (1..=MAX_VALUES).contains(&values.len()) => Ok(values.clone()),
        _ => refuse(at, format!("must be a list of 1 to {MAX_VALUES} values")),
    }
}

/// The values that both `enum` and `const` allow.
fn common(before: Option<Vec<Value>>, values: Vec<Value>) -> Vec<Value> {
    match before {
        None => values,
        Some(before) => values.into_iter().filter(|value| before.contains(value)).collect(),
    }
}

fn count(at: &str, value: &Value) -> Result<u64, DetailsSchemaError> {
    value.as_u64().map_or_else(|| refuse(at, "must be a whole number from 0"), Ok)
}

fn number(at: &str, value: &Value) -> Result<Number, DetailsSchemaError> {
    match value {
        Value::Number(number) => Ok(number.clone()),
        _ => refuse(at, "must be a number"),
    }
}
