//! The page of the chart's values, from `values.yaml`, its comments and `values.schema.json`.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{
    markdown::{code, plain, sentence, table},
    schema::{limits, type_name},
};

/// A key of `values.yaml`, and the comment above it.
#[derive(Debug, PartialEq)]
struct Key {
    path: String,
    comment: Vec<String>,
}

/// The page of `values`, which is YAML with comments, and its JSON schema. Each value must have a comment, and be in the
/// schema.
pub fn page(values: &str, schema: &str) -> Result<String> {
    let root: Value = serde_json::from_str(schema).context("values.schema.json")?;
    let defaults: Value = serde_yaml::from_str(values).context("values.yaml")?;
    declared(&root, &defaults, &root, "")?;
    let keys = keys(values);
    let mut rows = Vec::new();
    for key in &keys {
        let default = key.path.split('.').fold(&defaults, |value, step| &value[step]);
        let schema = at(&key.path, &root);
        let parent = key.path.rsplit_once('.').map_or("", |(parent, _)| parent);
        // The keys of a Kubernetes object, such as resources, are not in the schema.
        let is_free = is_opaque(parent, &root);
        ensure!(is_free || !schema.is_null(), "values.schema.json lacks {}", key.path);
        let is_group = has_comment(&keys, |path| {
            path.strip_prefix(&key.path).is_some_and(|rest| rest.starts_with('.'))
        });
        if key.comment.is_empty() {
            let is_covered = is_group || is_free && has_comment(&keys, |path| path == parent);
            ensure!(is_covered, "values.yaml has no comment for {}", key.path);
            continue;
        }
        let types = if is_free { json_type(default).to_owned() } else { types(schema) };
        let default = if is_group { String::new() } else { code(&text(default)) };
        rows.push([code(&key.path), types, default, description(key, schema)]);
    }
    Ok(format!("# Chart values\n\n{}", table(["Key", "Type", "Default", "Description"], &rows)))
}

/// Whether a key with such a path has a comment.
fn has_comment(keys: &[Key], path: impl Fn(&str) -> bool) -> bool {
    keys.iter().any(|key| path(&key.path) && !key.comment.is_empty())
}

/// The keys of block mappings in their order, with the comments directly above them.
fn keys(values: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut parents: Vec<(usize, &str)> = Vec::new();
    let mut comment = Vec::new();
    for line in values.lines() {
        let content = line.trim_start();
        if let Some(text) = content.strip_prefix('#') {
            comment.push(text.to_owned());
            continue;
        }
        let comment = std::mem::take(&mut comment);
        let Some((name, _)) = content.split_once(':').filter(|_| !content.starts_with('-')) else {
            continue;
        };
        let indent = line.len() - content.len();
        parents.retain(|(of, _)| *of < indent);
        parents.push((indent, name));
        let path = parents.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(".");
        keys.push(Key { path, comment });
    }
    keys
}

/// The schema of a path; null for a path without one.
fn at<'s>(path: &str, root: &'s Value) -> &'s Value {
    let steps = path.split('.').filter(|step| !step.is_empty());
    steps.fold(root, |schema, step| resolve(&schema["properties"][step], root))
}

fn resolve<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// Whether a value is an object whose keys the chart does not know.
fn is_opaque(path: &str, root: &Value) -> bool {
    let schema = at(path, root);
    schema["type"] == "object" && !schema["properties"].is_object()
}

/// An error if a value of the schema has no default.
fn declared(schema: &Value, defaults: &Value, root: &Value, path: &str) -> Result<()> {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if defaults.get(name).is_none() {
            bail!("values.yaml lacks {path}, which values.schema.json has");
        }
        declared(resolve(schema, root), &defaults[name], root, &path)?;
    }
    Ok(())
}

/// The comment and the limits. Indented lines of a comment are examples.
fn description(key: &Key, schema: &Value) -> String {
    let is_example = |line: &String| line.starts_with("   ");
    let mut blocks = Vec::new();
    for lines in key.comment.chunk_by(|one, other| is_example(one) == is_example(other)) {
        if lines.first().is_some_and(is_example) {
            blocks.extend(lines.iter().map(|line| code(line.trim())));
        } else {
            blocks.push(plain(&lines.join(" ")));
        }
    }
    let limits = limits(schema);
    match blocks.last_mut().filter(|_| !key.comment.last().is_some_and(is_example)) {
        Some(text) if limits.is_empty() => *text = sentence(text),
        Some(text) => *text = format!("{} {limits}", sentence(text)),
        None if limits.is_empty() => {}
        None => blocks.push(limits),
    }
    blocks.join("<br>")
}

/// The type or types of a value.
fn types(schema: &Value) -> String {
    match &schema["type"] {
        Value::Array(types) => {
            types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        Value::Null if schema["enum"].is_array() => "string".to_owned(),
        _ => type_name(schema),
    }
}

/// The type of a default that the schema does not know.
fn json_type(default: &Value) -> &'static str {
    match default {
        Value::Null => "",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// A default as one would write it on one line.
fn text(default: &Value) -> String {
    match default {
        Value::String(text) if !text.is_empty() => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &str = r#"
# Where it is reached:
#   curl *.example.com
url: http://localhost

store:
  # How many
  # there may be
  size: 16
  # Which Secret
  secret: {name: "", key: a}
# Limits of the container
resources:
  limits: {cpu: 1}
probe:
  # How often
  period: 5
"#;

    const SCHEMA: &str = r##"{
        "definitions": {"secret": {"type": "object", "properties": {"name": {}, "key": {}}}},
        "properties": {
            "url": {"enum": ["http://localhost", "b"]},
            "store": {"type": "object", "properties": {
                "size": {"type": ["integer", "string"], "minimum": 1},
                "secret": {"$ref": "#/definitions/secret"}
            }},
            "resources": {"type": "object"},
            "probe": {"type": "object"}
        }
    }"##;

    #[test]
    fn a_page_has_a_row_for_each_value() {
        let page = page(VALUES, SCHEMA).expect("a page");
        let rows: Vec<&str> = page.lines().skip(4).collect();
        let expected = [
            "| `url` | string | `http://localhost` | Where it is reached:<br>`curl *.example.com`<br>\
             One of `http://localhost`, `b`. |",
            "| `store.size` | integer or string | `16` | How many there may be. At least 1. |",
            r#"| `store.secret` | object | `{"key":"a","name":""}` | Which Secret. |"#,
            r#"| `resources` | object | `{"limits":{"cpu":1}}` | Limits of the container. |"#,
            "| `probe.period` | number | `5` | How often. |",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_value_without_a_comment_is_an_error() {
        let error = page("url: a\n", r#"{"properties": {"url": {}}}"#).expect_err("no comment");
        assert_eq!(error.to_string(), "values.yaml has no comment for url");
    }

    #[test]
    fn schema_and_values_have_the_same_keys() {
        let error = page("# It\nurl: a\n", "{}").expect_err("not in the schema");
        assert_eq!(error.to_string(), "values.schema.json lacks url");
        let error = page("{}", r#"{"properties": {"url": {}}}"#).expect_err("not in the values");
        assert_eq!(error.to_string(), "values.yaml lacks url, which values.schema.json has");
    }
}
