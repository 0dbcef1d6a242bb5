//! Reads JSON objects, and notes keys that an object contains twice.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::yaml::json_number;

/// A JSON value, with the faults that do not keep it from being read.
#[derive(Debug)]
pub(super) struct Json {
    pub(super) value: Value,
    /// Keys that an object contains twice. The last one counts.
    pub(super) duplicates: Vec<String>,
}

impl Json {
    fn new(value: impl Into<Value>) -> Self {
        Self { value: value.into(), duplicates: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::new(Value::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::new(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::new(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::new(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::new(json_number(number).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::new(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let (mut items, mut duplicates) = (Vec::new(), Vec::new());
        while let Some(item) = access.next_element::<Json>()? {
            items.push(item.value);
            duplicates.extend(item.duplicates);
        }
        Ok(Json { value: Value::Array(items), duplicates })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let (mut fields, mut duplicates) = (Map::new(), Vec::new());
        while let Some((key, field)) = access.next_entry::<String, Json>()? {
            duplicates.extend(field.duplicates);
            if fields.insert(key.clone(), field.value).is_some() {
                duplicates.push(key);
            }
        }
        Ok(Json { value: Value::Object(fields), duplicates })
    }
}
