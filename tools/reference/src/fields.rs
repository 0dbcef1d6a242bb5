//! The page of a kind: its columns, fields and rules, from its custom resource definition.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    markdown::{code, codes, opening, plain, prose, sentence, table},
    schema::{element, known, limits, nested, own_limits, split_default, strings, type_name},
};

/// The page of the kind that a custom resource definition declares.
pub fn page(definition: &Value) -> Result<String> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let kind = text(&names["kind"])?;
    let version = &spec["versions"][0];
    let schema = &version["schema"]["openAPIV3Schema"];
    let mut page = format!(
        "# {kind}\n\n{}\n\n",
        prose(schema["properties"]["spec"]["description"].as_str().unwrap_or_default())
    );
    page.push_str(&table(
        ["", ""],
        &[
            row("apiVersion", &[&format!("{}/{}", text(&spec["group"])?, text(&version["name"])?)]),
            row("kind", &[kind]),
            row("Resource", &[text(&names["plural"])?]),
            row("Categories", &strings(&names["categories"])),
            ["Scope".to_owned(), text(&spec["scope"])?.to_owned()],
        ],
    ));
    let mut walk = Walk::default();
    for part in ["spec", "status"] {
        walk.object(part, &schema["properties"][part])?;
    }
    page.push_str(&walk.sections);
    page.push_str("\n## Columns of kubectl get\n\n");
    page.push_str(&columns(&version["additionalPrinterColumns"])?);
    page.push_str(&rules_section(&walk.rules));
    Ok(page)
}

/// The singular name of the kind, in lower case.
pub fn singular(definition: &Value) -> Result<&str> {
    text(&definition["spec"]["names"]["singular"])
}

fn row(name: &str, values: &[&str]) -> [String; 2] {
    [name.to_owned(), codes(values)]
}

fn columns(columns: &Value) -> Result<String> {
    let mut rows = Vec::new();
    for column in columns.as_array().into_iter().flatten() {
        rows.push([text(&column["name"])?.to_uppercase(), code(text(&column["jsonPath"])?)]);
    }
    Ok(table(["Column", "Value"], &rows))
}

/// A validation rule, and the fields that it applies to.
struct Rule {
    message: String,
    expression: String,
    fields: Vec<String>,
}

/// Walks through a schema, and collects a section for each object and the rules.
#[derive(Default)]
struct Walk {
    sections: String,
    rules: Vec<Rule>,
}

impl Walk {
    /// Adds the section of an object, and those of the objects in it.
    fn object(&mut self, path: &str, schema: &Value) -> Result<()> {
        let level = if path.contains('.') { "###" } else { "##" };
        self.sections.extend(["\n", level, " ", &path.replace('<', "&lt;"), "\n\n"]);
        // The top of the page has the description of the whole.
        let description = schema["description"].as_str().filter(|_| path != "spec");
        let about = joined([
            description.map(prose).unwrap_or_default(),
            limits(schema),
            self.rules(path, schema),
        ]);
        if !about.is_empty() {
            self.sections.extend([&about, "\n\n"]);
        }
        let fields = schema["properties"].as_object().context("an object without properties")?;
        let required = strings(&schema["required"]);
        let mut rows = Vec::new();
        for (name, field) in fields {
            let path = format!("{path}.{name}");
            known(field).with_context(|| path.clone())?;
            rows.push(self.field(&path, field, required.contains(&&**name)));
        }
        self.sections
            .push_str(&table(["Field", "Type", "Required", "Default", "Description"], &rows));
        for (name, field) in fields {
            if let Some((suffix, object)) = nested(field) {
                self.object(&format!("{path}.{name}{suffix}"), object)?;
            }
        }
        Ok(())
    }

    /// The row of a field. The section of an object has its limits and rules.
    fn field(&mut self, path: &str, schema: &Value, required: bool) -> [String; 5] {
        let (suffix, element) = element(schema);
        let (description, default) =
            split_default(schema["description"].as_str().unwrap_or_default());
        let mut about = vec![prose(&sentence(&description))];
        match (suffix, nested(schema)) {
            ("", Some(_)) => {}
            ("", None) => about.extend([limits(schema), self.rules(path, schema)]),
            (_, Some(_)) => about.extend([own_limits(schema, ""), self.rules(path, schema)]),
            (_, None) => about.extend([
                limits(schema),
                self.rules(path, schema),
                self.rules(&format!("{path}{suffix}"), element),
            ]),
        }
        let default = match &schema["default"] {
            Value::Null => prose(&default),
            Value::String(value) => code(value),
            value => code(&value.to_string()),
        };
        let required = if required { "yes" } else { "" };
        [code(path), type_name(schema), required.to_owned(), default, joined(about)]
    }

    /// Collects the rules of a schema; their messages as sentences.
    fn rules(&mut self, path: &str, schema: &Value) -> String {
        let mut messages = Vec::new();
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let part = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
            let (message, expression) = (part("message"), part("rule"));
            let same = |it: &&mut Rule| it.message == message && it.expression == expression;
            match self.rules.iter_mut().find(same) {
                Some(rule) if rule.fields.iter().any(|it| it == path) => {}
                Some(rule) => rule.fields.push(path.to_owned()),
                None => self.rules.push(Rule {
                    message: message.clone(),
                    expression,
                    fields: vec![path.to_owned()],
                }),
            }
            let is_field = |word: &str| schema["properties"].get(word).is_some();
            messages.push(sentence(&opening(&plain(&message), is_field)));
        }
        joined(messages)
    }
}

/// The texts that are not empty, with blanks between them.
fn joined(texts: impl IntoIterator<Item = String>) -> String {
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join(" ")
}

fn rules_section(rules: &[Rule]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let rules = rules.iter().map(|rule| {
        format!(
            "\n- **{}**\n\n  {}\n\n  ```cel\n  {}\n  ```\n",
            plain(&rule.message),
            codes(&rule.fields),
            rule.expression.trim().replace('\n', "\n  ")
        )
    });
    format!(
        "\n## Validation rules\n\nThe API server refuses an object that breaks one of these rules, with the rule's \
         message. Expressions are in the Common Expression Language (CEL).\n{}",
        rules.collect::<String>()
    )
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("no text: {value}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition() -> Value {
        let rule = json!([{"message": "must be short", "rule": "a || b"}]);
        let name = json!({"type": "string", "description": "Its name. Default: `x`.", "maxLength": 9,
            "x-kubernetes-validations": rule});
        let size = json!({"type": "integer", "description": "How much."});
        let part = json!({"type": "object", "description": "A part.", "required": ["size"],
            "properties": {"size": size}});
        let spec = json!({"type": "object", "description": "A thing.",
            "properties": {"name": name, "parts": {"type": "array", "description": "Parts.", "items": part}}});
        let status = json!({"type": "object", "description": "Its state.", "properties": {}});
        let column =
            json!({"name": "Age", "jsonPath": ".metadata.creationTimestamp", "type": "date"});
        json!({"spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing", "categories": ["all"]},
            "versions": [{
                "name": "v1", "additionalPrinterColumns": [column],
                "schema": {"openAPIV3Schema": {"properties": {"spec": spec, "status": status}}},
            }],
        }})
    }

    #[test]
    fn a_page_has_fields_columns_and_rules() {
        let page = page(&definition()).expect("a page");
        for line in [
            "# Thing",
            "A thing.",
            "| apiVersion | `example.com/v1` |",
            "## spec",
            "| `spec.name` | string | | `x` | Its name. At most 9 characters. Must be short. |",
            "| `spec.parts` | list of object | | | Parts. |",
            "### spec.parts[]",
            "| `spec.parts[].size` | integer | yes | | How much. |",
            "## status",
            "Its state.",
            "| AGE | `.metadata.creationTimestamp` |",
            "- **must be short**",
            "  `spec.name`",
            "  a || b",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
        }
    }

    #[test]
    fn the_error_about_a_field_names_it() {
        let mut definition = definition();
        let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        schema["properties"]["spec"]["properties"]["name"]["pattern"] = json!("a");
        let error = format!("{:#}", page(&definition).expect_err("an unknown keyword"));
        assert!(error.contains("spec.name") && error.contains("pattern"), "{error}");
    }
}
