//! Fields with a fixed set of values.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::model::WireEnum;

/// The value of a field with a fixed set of values, as a user wrote it. A value that this release
/// does not support is kept, so that validation can report it (`Accepted=False,
/// UnsupportedValue`). The schema lists the supported values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String", bound = "T: WireEnum")]
pub enum EnumSpec<T> {
    /// A value that this release supports.
    Supported(T),
    /// Any other value, as it was written. The object with it is not accepted.
    Unsupported(String),
}

impl<T: WireEnum> EnumSpec<T> {
    /// The value as it appears in manifests.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Supported(value) => value.name(),
            Self::Unsupported(text) => text,
        }
    }

    /// The value, if this release supports it.
    pub fn supported(&self) -> Option<T> {
        match self {
            Self::Supported(value) => Some(*value),
            Self::Unsupported(_) => None,
        }
    }
}

impl<T: WireEnum> From<String> for EnumSpec<T> {
    fn from(text: String) -> Self {
        T::from_name(&text).map_or(Self::Unsupported(text), Self::Supported)
    }
}

impl<T: WireEnum> From<EnumSpec<T>> for String {
    fn from(value: EnumSpec<T>) -> Self {
        value.as_str().to_owned()
    }
}

impl<T: WireEnum> fmt::Display for EnumSpec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<T: WireEnum> JsonSchema for EnumSpec<T> {
    fn schema_name() -> Cow<'static, str> {
        "EnumSpec".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = T::VALUES.iter().map(|value| value.name()).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}
