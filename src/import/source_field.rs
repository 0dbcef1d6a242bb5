//! A field of the source, with its place.

use serde_json::Value;

/// The value of an absent field.
static ABSENT: Value = Value::Null;

/// A value of the source. An absent field is null.
#[derive(Clone, Debug)]
pub(super) struct SourceField<'v> {
    /// The number of the file, from 0.
    pub(super) file: usize,
    /// The place as a JSON pointer.
    pub(super) pointer: String,
    /// The value at the place; null if the source lacks it.
    pub(super) value: &'v Value,
}

impl<'v> SourceField<'v> {
    /// The root of a file, which has an empty pointer.
    pub(super) fn root_of(file: usize, value: &'v Value) -> Self {
        Self { file, pointer: String::new(), value }
    }

    fn below(&self, step: &str, value: &'v Value) -> Self {
        let step = step.replace('~', "~0").replace('/', "~1");
        Self { file: self.file, pointer: format!("{}/{step}", self.pointer), value }
    }

    /// The member of a map. It is null if the map lacks it, or the value is not a map.
    pub(super) fn get(&self, name: &str) -> Self {
        self.below(name, self.value.get(name).unwrap_or(&ABSENT))
    }

    /// The members of a map.
    pub(super) fn members(&self) -> Vec<Self> {
        let map = self.value.as_object().into_iter().flatten();
        map.map(|(name, value)| self.below(name, value)).collect()
    }

    /// The items of a list that is a member of a map.
    pub(super) fn items(&self, name: &str) -> Vec<Self> {
        let list = self.get(name);
        let items = list.value.as_array().into_iter().flatten().enumerate();
        items.map(|(index, value)| list.below(&index.to_string(), value)).collect()
    }

    /// The member as text. Numbers are read as text; an empty text is absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.value.get(name)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The texts of a list; one text is a list of one.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        match self.value.get(name) {
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    /// The member as a flag, which may be written as text.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.value.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether a flag is set. An absent one is not.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.flag(name).unwrap_or_default()
    }

    /// The member as a number, which may be written as text.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.value.get(name)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether the value is null, false or empty, or has only such values.
    pub(super) fn is_empty(&self) -> bool {
        says_nothing(self.value)
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
        Value::Bool(true) | Value::Number(_) => false,
    }
}
