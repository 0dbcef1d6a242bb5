//! Compares the reading of manifests with kubectl's, whose answers tests/golden/kubectl.py recorded.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::documents::split_documents;

const HEADER: &str = "apiVersion: golden/v1\nkind: Golden\nmetadata: {name: golden}\n";
const FILE: &str = include_str!("../../../tests/golden/kubectl.jsonl");

/// Inputs that the parser accepts or refuses unlike go-yaml, because it is of a newer libyaml or has an
/// error of its own. None of them has a use in a manifest.
const KNOWN_DIFFERENCES: [&str; 4] = ["v: \"a\\/b\"\n", "v: [!a, b]\n", "v: {a:}\n", "v: [a?b]\n"];

#[derive(Deserialize)]
struct Snippet {
    yaml: Option<String>,
    stream: Option<String>,
    read: Option<Value>,
}

/// The objects of a text, with the items of lists; `None` if a document cannot be read.
fn objects(text: &str) -> Option<Vec<Value>> {
    let mut objects = Vec::new();
    for document in split_documents(text) {
        match document.content.ok()?.value {
            Value::Null => {}
            Value::Object(mut list) if list.get("kind") == Some(&"List".into()) => {
                objects.extend(list["items"].as_array_mut().map(std::mem::take)?);
            }
            object @ Value::Object(_) if object.get("kind").is_some() => objects.push(object),
            _ => return None,
        }
    }
    Some(objects)
}

fn reading(snippet: &Snippet) -> Option<Value> {
    if let Some(stream) = &snippet.stream {
        return objects(stream).map(Value::Array);
    }
    let text = format!("{HEADER}{}", snippet.yaml.as_deref().unwrap_or_default());
    let Value::Object(mut fields) = objects(&text)?.remove(0) else { return None };
    fields.retain(|key, _| !["apiVersion", "kind", "metadata"].contains(&key.as_str()));
    Some(Value::Object(fields))
}

/// kubectl writes some numbers in another form.
fn comparable(value: Value) -> Value {
    match value {
        Value::Number(number) if number.as_i64().is_none() => {
            number.as_f64().map_or(Value::Null, |float| Value::String(float.to_string()))
        }
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(key, it)| (key, comparable(it))).collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

#[test]
fn manifests_are_read_as_kubectl_reads_them() {
    let mut differing = Vec::new();
    for line in FILE.lines() {
        let snippet: Snippet = serde_json::from_str(line).expect("a snippet");
        let found = reading(&snippet).map(comparable);
        let known = snippet.yaml.as_deref().is_some_and(|it| KNOWN_DIFFERENCES.contains(&it));
        if !known && found != snippet.read.clone().map(comparable) {
            differing.push(format!("{line}\n    {found:?}"));
        }
    }
    assert!(differing.is_empty(), "{}:\n{}", differing.len(), differing.join("\n"));
}
