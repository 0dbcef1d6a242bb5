//! The CRDs in `crds/` and in the chart match the code.

use std::{collections::BTreeSet, fs, path::Path};

use lanyard::{api::custom_resource_definitions, model::ManagedKind};
use serde_json::Value;

#[test]
fn the_committed_definitions_are_those_of_the_code() {
    for folder in ["crds", "charts/lanyard/definitions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for (name, yaml) in custom_resource_definitions() {
            let path = folder.join(name);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&path, &yaml).unwrap();
            }
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == yaml, "{} is out of date: run `make crds`", path.display());
        }
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, custom_resource_definitions().len(), "files in {}", folder.display());
    }
}

/// Lists of all kinds that are not Rust: the file, and the beginning of the line.
const LISTS_OF_KINDS: [(&str, &str); 5] = [
    ("charts/lanyard/templates/_helpers.tpl", "resources: [tenants, "),
    ("charts/lanyard/templates/_helpers.tpl", "resources: [tenants/status, "),
    ("charts/lanyard/templates/aggregate-roles.yaml", "resources: [tenants, oidcclients, "),
    ("docs/install.md", "kubectl delete crd tenants.lanyard.dev "),
    ("docs/upgrades.md", "kubectl get tenants.lanyard.dev,"),
];

#[test]
fn lists_outside_of_the_code_have_every_kind() {
    for (file, beginning) in LISTS_OF_KINDS {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let line = text.lines().map(str::trim).find(|line| line.starts_with(beginning));
        let line = line.unwrap_or_else(|| panic!("{file} has no line {beginning:?}"));
        for kind in ManagedKind::ALL.map(ManagedKind::plural) {
            assert!(line.contains(kind), "{kind} is missing in {file}: {line}");
        }
    }
}

#[test]
fn each_definition_is_small_enough_for_a_helm_release() {
    for (name, yaml) in custom_resource_definitions() {
        assert!(yaml.len() < 200 * 1024, "{name} has {} bytes", yaml.len());
    }
}

/// Helm would evaluate `{{` in a template that contains the text.
#[test]
fn definitions_contain_no_template_syntax() {
    for (name, yaml) in custom_resource_definitions() {
        assert!(!yaml.contains("{{"), "{name}");
    }
}

/// An API server warns of each other format when it gets a definition.
#[test]
fn formats_are_those_that_kubernetes_knows() {
    fn formats(schema: &Value, found: &mut BTreeSet<String>) {
        found.extend(schema["format"].as_str().map(str::to_owned));
        match schema {
            Value::Object(fields) => fields.values().for_each(|it| formats(it, found)),
            Value::Array(items) => items.iter().for_each(|it| formats(it, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for (_, yaml) in custom_resource_definitions() {
        formats(&serde_yaml::from_str(&yaml).unwrap(), &mut found);
    }
    let known = ["date-time", "int32", "int64"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(known));
}

/// YAML 1.1, which kubectl reads, has booleans that look like words.
#[test]
fn no_value_is_a_boolean_of_yaml() {
    fn enums(schema: &Value, found: &mut Vec<String>) {
        if let Some(values) = schema["enum"].as_array() {
            found.extend(values.iter().filter_map(|it| it.as_str().map(str::to_ascii_lowercase)));
        }
        match schema {
            Value::Object(fields) => fields.values().for_each(|it| enums(it, found)),
            Value::Array(items) => items.iter().for_each(|it| enums(it, found)),
            _ => {}
        }
    }
    for (name, yaml) in custom_resource_definitions() {
        let mut found = Vec::new();
        enums(&serde_yaml::from_str(&yaml).unwrap(), &mut found);
        assert!(!found.is_empty(), "{name}");
        for value in found {
            let boolean = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"];
            assert!(!boolean.contains(&value.as_str()), "{name}: {value}");
        }
    }
}

/// `kubectl explain` shows only these descriptions.
#[test]
fn every_field_is_documented() {
    for (name, yaml) in custom_resource_definitions() {
        let definition: Value = serde_yaml::from_str(&yaml).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut missing = Vec::new();
        for part in ["spec", "status"] {
            undocumented(part, &schema["properties"][part], &mut missing);
        }
        assert!(missing.is_empty(), "{name}: {missing:#?}");
    }
}

fn undocumented(path: &str, schema: &Value, missing: &mut Vec<String>) {
    if schema["description"].as_str().is_none_or(str::is_empty) {
        missing.push(path.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        undocumented(&format!("{path}.{name}"), property, missing);
    }
    for (name, property) in schema["items"]["properties"].as_object().into_iter().flatten() {
        undocumented(&format!("{path}[].{name}"), property, missing);
    }
}

/// `tests/cluster/admission.rs` contains, for each rule, an object that the API server refuses.
#[test]
fn every_rule_has_an_object_that_it_refuses() {
    let cases = include_str!("../cluster/admission.rs").replace(r"\\", "").replace("\\\"", "");
    // Expected messages are string literals.
    let expected: Vec<&str> =
        cases.split('"').skip(1).step_by(2).filter(|text| text.len() > 5).collect();
    let mut messages = BTreeSet::new();
    for (_, yaml) in custom_resource_definitions() {
        let definition: Value = serde_yaml::from_str(&yaml).unwrap();
        rules(&definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &mut messages);
    }
    assert!(messages.len() > 50, "{messages:?}");
    let untested: Vec<&String> = messages
        .iter()
        .filter(|message| !expected.iter().any(|text| message.contains(text)))
        .collect();
    assert!(untested.is_empty(), "{untested:#?}");
}

/// The messages of all rules of a schema.
fn rules(schema: &Value, messages: &mut BTreeSet<String>) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        messages.insert(rule["message"].as_str().expect("each rule has a message").to_owned());
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    let below = properties.map(|(_, property)| property);
    for schema in below.chain([&schema["items"], &schema["additionalProperties"]]) {
        if schema.is_object() {
            rules(schema, messages);
        }
    }
}
