//! Parts of a JSON schema as text: types, limits, defaults.

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use crate::markdown::{capitalised, codes};

/// Keywords of schemas that a page shows, or that a reader need not know. Another one is an error, so that pages stay
/// complete.
const KNOWN_KEYWORDS: [&str; 18] = [
    "additionalProperties",
    "description",
    "default",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "nullable",
    "properties",
    "required",
    "title",
    "type",
];

/// Kubernetes extensions of schemas that a page shows.
const KNOWN_EXTENSIONS: [&str; 4] = [
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// An error if a schema has a keyword that pages do not show.
pub fn known(schema: &Value) -> Result<()> {
    for key in schema.as_object().into_iter().flat_map(Map::keys) {
        if !KNOWN_KEYWORDS.contains(&&**key) && !KNOWN_EXTENSIONS.contains(&&**key) {
            bail!(
                "the keyword {key:?} of the schema is unknown: show it in tools/reference/src/fields.rs"
            );
        }
    }
    Ok(())
}

/// The schema of an array's items or a map's values, and what follows the field's name in a path; the schema itself for
/// other types.
pub fn element(schema: &Value) -> (&'static str, &Value) {
    if schema["items"].is_object() {
        ("[]", &schema["items"])
    } else if schema["additionalProperties"].is_object() {
        (".<key>", &schema["additionalProperties"])
    } else {
        ("", schema)
    }
}

/// The object with fields of its own that a field holds, and what follows the field's name in a path.
pub fn nested(schema: &Value) -> Option<(&'static str, &Value)> {
    let (suffix, element) = element(schema);
    element["properties"].is_object().then_some((suffix, element))
}

/// The type of a field in words.
pub fn type_name(schema: &Value) -> String {
    let name = schema["type"].as_str().unwrap_or("any");
    let (suffix, element) = element(schema);
    match (name, suffix) {
        ("array", "[]") => format!("list of {}", type_name(element)),
        ("array", _) => "list".to_owned(),
        ("object", ".<key>") => format!("map of {}", type_name(element)),
        ("string", _) if schema["format"] == "date-time" => "time (RFC 3339)".to_owned(),
        _ => name.to_owned(),
    }
}

/// The limits of a field's value, and of the items or values in it.
pub fn limits(schema: &Value) -> String {
    let own = own_limits(schema, "");
    let (suffix, element) = element(schema);
    let inner = match suffix {
        "[]" => own_limits(element, "Each item: "),
        ".<key>" => own_limits(element, "Each value: "),
        _ => String::new(),
    };
    let blank = if own.is_empty() || inner.is_empty() { "" } else { " " };
    format!("{own}{blank}{inner}")
}

/// The limits of a value, without those of what it holds; `whose` opens each sentence.
pub fn own_limits(schema: &Value, whose: &str) -> String {
    let mut limits = Vec::new();
    let values: Vec<String> =
        schema["enum"].as_array().into_iter().flatten().filter_map(value).collect();
    if !values.is_empty() {
        limits.push(format!("one of {}", codes(values)));
    }
    for (least, most, unit) in [
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minProperties", "maxProperties", " entries"),
        ("minimum", "maximum", ""),
    ] {
        match (number(&schema[least]), number(&schema[most])) {
            (Some(least), Some(most)) if least == most => {
                limits.push(format!("exactly {most}{unit}"));
            }
            (Some(least), Some(most)) => limits.push(format!("{least} to {most}{unit}")),
            (Some(least), None) if least == "1" && most == "maxLength" => {
                limits.push("not empty".to_owned());
            }
            (Some(least), None) => limits.push(format!("at least {least}{unit}")),
            (None, Some(most)) => limits.push(format!("at most {most}{unit}")),
            (None, None) => {}
        }
    }
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        limits.push("any JSON value is allowed".to_owned());
    }
    let keys = strings(&schema["x-kubernetes-list-map-keys"]);
    if !keys.is_empty() {
        limits.push(format!("no two items have the same {}", codes(keys)));
    }
    let limits = limits.iter().map(|limit| capitalised(&format!("{whose}{limit}.")));
    limits.collect::<Vec<_>>().join(" ")
}

/// A value of an enum as text; nothing for null, which the API server takes for an absent field.
fn value(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A number without a fraction of zero.
fn number(value: &Value) -> Option<String> {
    let number = value.as_number()?.to_string();
    Some(number.strip_suffix(".0").map_or(number.clone(), str::to_owned))
}

/// A description without its sentence "Default: ...", and the default in it, or in "`value` (default)".
pub fn split_default(description: &str) -> (String, String) {
    let description = description.replace('\n', " ");
    if let Some(start) = description.find("Default: ") {
        let rest = &description[start + "Default: ".len()..];
        let end = sentence_end(rest);
        let before = description[..start].trim_end();
        let after = rest[end..].trim_start_matches('.').trim_start();
        let blank = if before.is_empty() || after.is_empty() { "" } else { " " };
        return (format!("{before}{blank}{after}"), rest[..end].to_owned());
    }
    let marked = description.find("` (default").and_then(|end| {
        let start = description[..end].rfind('`')?;
        Some(description[start..=end].to_owned())
    });
    (description, marked.unwrap_or_default())
}

/// Where the first sentence ends: at a full stop outside code that ends the text or stands before a blank.
fn sentence_end(text: &str) -> usize {
    let mut code = false;
    for (index, character) in text.char_indices() {
        let last =
            text[index + character.len_utf8()..].chars().next().is_none_or(char::is_whitespace);
        match character {
            '`' => code = !code,
            '.' if !code && last => return index,
            _ => {}
        }
    }
    text.len()
}

/// The texts of a list.
pub fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_name_what_a_list_or_map_holds() {
        let text = json!({"type": "string"});
        assert_eq!(type_name(&json!({"type": "array", "items": text})), "list of string");
        assert_eq!(type_name(&json!({"type": "array"})), "list");
        let map = json!({"type": "object", "additionalProperties": text});
        assert_eq!(type_name(&map), "map of string");
    }

    #[test]
    fn limits_are_sentences() {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 9, "enum": ["a", null]});
        assert_eq!(limits(&schema), "One of `a`. 1 to 9 characters.");
        let list = json!({"type": "array", "maxItems": 2, "items": {"maxLength": 3}});
        assert_eq!(limits(&list), "At most 2 items. Each item: at most 3 characters.");
        assert_eq!(limits(&json!({"type": "integer", "minimum": 0.0})), "At least 0.");
        assert_eq!(limits(&json!({"minLength": 7, "maxLength": 7})), "Exactly 7 characters.");
        assert_eq!(limits(&json!({"minLength": 1})), "Not empty.");
    }

    #[test]
    fn a_default_is_found_in_the_description() {
        let split = |text| split_default(text);
        let pair = |text: &str, default: &str| (text.to_owned(), default.to_owned());
        assert_eq!(split("A name. Default: `a.b`. More."), pair("A name. More.", "`a.b`"));
        assert_eq!(split("A name. Default: none."), pair("A name.", "none"));
        assert_eq!(
            split("`web` (default) or `native`."),
            pair("`web` (default) or `native`.", "`web`")
        );
        assert_eq!(split("A name."), pair("A name.", ""));
    }

    #[test]
    fn a_keyword_that_no_page_shows_is_an_error() {
        assert!(known(&json!({"type": "string", "maxLength": 1})).is_ok());
        assert!(known(&json!({"pattern": "a"})).is_err());
    }
}
