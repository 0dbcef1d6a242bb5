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
pub(super) struct ManifestJson {
    pub(super) value: Value,
    /// Keys that an object contains twice. The last one is used.
    pub(super) duplicates: Vec<String>,
}

impl ManifestJson {
    fn new(value: impl Into<Value>) -> Self {
        Self { value: value.into(), duplicates: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for ManifestJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = ManifestJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<ManifestJson, E> {
        Ok(ManifestJson::new(Value::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<ManifestJson, E> {
        Ok(ManifestJson::new(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<ManifestJson, E> {
        Ok(ManifestJson::new(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<ManifestJson, E> {
        Ok(ManifestJson::new(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<ManifestJson, E> {
        Ok(ManifestJson::new(json_number(number).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<ManifestJson, E> {
        Ok(ManifestJson::new(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<ManifestJson, A::Error> {
        let (mut items, mut duplicates) = (Vec::new(), Vec::new());
        while let Some(item) = access.next_element::<ManifestJson>()? {
            items.push(item.value);
            duplicates.extend(item.duplicates);
        }
        Ok(ManifestJson { value: Value::Array(items), duplicates })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<ManifestJson, A::Error> {
        let (mut fields, mut duplicates) = (Map::new(), Vec::new());
        while let Some((key, field)) = access.next_entry::<String, ManifestJson>()? {
            duplicates.extend(field.duplicates);
            if fields.insert(key.clone(), field.value).is_some() {
                duplicates.push(key);
            }
        }
        Ok(ManifestJson { value: Value::Object(fields), duplicates })
    }
}
