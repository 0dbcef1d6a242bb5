//! Writes objects as YAML that kubectl reads as they are.

use serde::Serialize;
use serde_yaml::{Mapping, Value};

use super::yaml::is_plain_text;

/// Characters of private use that stand for quotes until the text is written.
const QUOTE_MARKS: [char; 2] = ['\u{e000}', '\u{e001}'];

/// Serializes an object as YAML. kubectl reads YAML 1.1, and `serde_yaml` writes YAML 1.2. So words such as `y`, which
/// is a member of a JWK, and `on` are quoted.
pub fn to_yaml(object: &impl Serialize) -> String {
    let message = "Kubernetes objects serialise to YAML";
    let value = serde_yaml::to_value(object).expect(message);
    if has_mark(&value) {
        // JSON is YAML, and all of its strings are quoted.
        return serde_json::to_string_pretty(object).expect(message) + "\n";
    }
    let text = serde_yaml::to_string(&quote(value)).expect(message);
    text.replace(QUOTE_MARKS, "'")
}

/// Marks the strings that have to be quoted.
fn quote(value: Value) -> Value {
    match value {
        Value::String(text) if !is_plain_text(&text) => {
            let [start, end] = QUOTE_MARKS;
            Value::String(format!("{start}{text}{end}"))
        }
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(quote).collect()),
        Value::Mapping(members) => {
            let members = members.into_iter().map(|(key, value)| (quote(key), quote(value)));
            Value::Mapping(members.collect::<Mapping>())
        }
        other => other,
    }
}

fn has_mark(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(QUOTE_MARKS),
        Value::Sequence(items) => items.iter().any(has_mark),
        Value::Mapping(members) => {
            members.iter().any(|(key, value)| has_mark(key) || has_mark(value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::source::manifests::read_value;

    #[test]
    fn words_of_yaml_1_1_are_quoted() {
        let key = json!({ "kty": "EC", "y": "on", "n": ["No", "~", "<<", "1_000", "0b1", "012", "1e3", ".inf"] });
        let text = to_yaml(&key);
        assert!(text.contains("'y': 'on'"), "{text}");
        assert_eq!(read_value(&text).expect("YAML"), key, "{text}");
    }

    #[test]
    fn an_object_with_the_marks_is_written_as_json() {
        let object = json!({ "y": "\u{e000}", "text": "a\nb" });
        assert_eq!(read_value(&to_yaml(&object)).expect("YAML"), object);
    }

    proptest! {
        #[test]
        fn written_objects_are_read_unchanged(
            key in "[a-zA-Z0-9_.:~<=+-]{1,5}",
            word in "[a-zA-Z0-9_.:~<=+' #\n-]{0,6}",
            text in "\\PC{0,20}",
        ) {
            let object = json!({ key: [word, { "text": text }] });
            let written = to_yaml(&object);
            prop_assert_eq!(read_value(&written).expect("YAML"), object, "{}", written);
        }
    }
}
