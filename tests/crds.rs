//! The CRDs in `crds/` and in the chart are those of the code.

use std::{fs, path::Path};

use lanyard::api::definitions;

#[test]
fn the_committed_definitions_are_those_of_the_code() {
    for folder in ["crds", "charts/lanyard/definitions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for (name, yaml) in definitions() {
            let path = folder.join(name);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&path, &yaml).unwrap();
            }
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == yaml, "{} is out of date: run `make crds`", path.display());
        }
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, definitions().len(), "files in {}", folder.display());
    }
}

#[test]
fn each_fits_into_a_release_and_an_annotation_free_apply() {
    for (name, yaml) in definitions() {
        assert!(yaml.len() < 200 * 1024, "{name} has {} bytes", yaml.len());
    }
}

/// A Helm template that holds the text as it is would take these for its own.
#[test]
fn none_holds_what_helm_would_evaluate() {
    for (name, yaml) in definitions() {
        assert!(!yaml.contains("{{"), "{name}");
    }
}

/// `kubectl explain` shows nothing else.
#[test]
fn every_field_is_documented() {
    for (name, yaml) in definitions() {
        let definition: serde_json::Value = serde_yaml::from_str(&yaml).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut missing = Vec::new();
        for part in ["spec", "status"] {
            undocumented(part, &schema["properties"][part], &mut missing);
        }
        assert!(missing.is_empty(), "{name}: {missing:#?}");
    }
}

fn undocumented(path: &str, schema: &serde_json::Value, missing: &mut Vec<String>) {
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
