use std::path::Path;

use super::*;

fn read(text: &str) -> (Vec<ManifestObject>, Vec<String>) {
    let (objects, problems) = parse_text(Path::new("f.yaml"), text);
    (objects, problems.iter().map(ToString::to_string).collect())
}

const TENANT: &str =
    "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\nspec: {}\n";

#[test]
fn reads_documents_and_lists_and_sets_the_default_namespace() {
    let text = format!(
        "{TENANT}---\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {{name: s, namespace: n}}\n  stringData: {{password: x}}\n"
    );
    let (objects, problems) = read(&text);
    assert!(problems.is_empty(), "{problems:?}");
    let names: Vec<String> = objects.iter().map(|object| object.reference().to_string()).collect();
    assert_eq!(names, ["Tenant default/a", "Secret n/s"]);
    let ManifestObject::Secret(secret) = &objects[1] else { panic!("a Secret") };
    assert_eq!(secret.data.as_ref().expect("data")["password"].0, b"x");
}

#[test]
fn reports_unknown_fields() {
    let (objects, problems) = read(&TENANT.replace("spec: {}", "spec: {displayNmae: x}"));
    assert!(objects.is_empty());
    assert_eq!(
        problems,
        ["f.yaml: Tenant default/a: spec.displayNmae: unknown field; did you mean displayName?"]
    );
}

#[test]
fn reports_unknown_fields_in_maps_and_lists_in_manifest_notation() {
    let spec = "spec: {lifetimes: {cod: 1m}, acrLevels: [{value: a, amr: [], xyzzy: 1}]}";
    let (_, problems) = read(&TENANT.replace("spec: {}", spec));
    assert_eq!(
        problems,
        [
            "f.yaml: Tenant default/a: spec.lifetimes.cod: unknown field; did you mean code?",
            "f.yaml: Tenant default/a: spec.acrLevels[0].xyzzy: unknown field; \"kubectl explain tenant.spec.acrLevels\" lists the known fields",
        ]
    );
}

#[test]
fn an_unknown_kind_of_lanyards_group_is_an_error() {
    let text = TENANT.replace("kind: Tenant", "kind: OidcUsr");
    let (_, problems) = parse_text(Path::new("f.yaml"), &text);
    assert!(!problems[0].warning);
    assert_eq!(problems[0].message, "unknown kind; did you mean OidcUser?");
}

#[test]
fn reports_names_that_an_api_server_would_reject() {
    for (metadata, field) in [
        ("{name: Bad_Name}", "metadata.name"),
        ("{name: -a}", "metadata.name"),
        ("{name: a, namespace: team.a}", "metadata.namespace"),
    ] {
        let (objects, problems) =
            parse_text(Path::new("f.yaml"), &TENANT.replace("{name: a}", metadata));
        assert!(objects.is_empty(), "{metadata}");
        assert_eq!(problems[0].field, field, "{metadata}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_not_repeated() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: 4711}\n";
    let (_, problems) = read(text);
    assert!(problems[0].contains("stringData.password: must be a string"), "{problems:?}");
    assert!(!problems[0].contains("4711"), "{problems:?}");
}

#[test]
fn reports_fields_of_the_wrong_type() {
    let (_, problems) = read(&TENANT.replace("spec: {}", "spec: {lifetimes: {code: []}}"));
    let start = "f.yaml: Tenant default/a: spec.lifetimes.code: ";
    assert!(problems[0].starts_with(start), "{problems:?}");
}

#[test]
fn valid_documents_are_returned_despite_invalid_ones() {
    let other = TENANT.replace("name: a", "name: b");
    let (objects, problems) = read(&format!("{TENANT}---\nkind: 1\n---\n{other}"));
    assert_eq!((objects.len(), problems.len()), (2, 1), "{problems:?}");
}

#[test]
fn a_syntax_error_is_reported_with_its_position() {
    let (_, problems) = read("a: [1\nb: 2\n");
    assert!(problems[0].contains("is not YAML") && problems[0].contains("line"), "{problems:?}");
}

#[test]
fn other_kinds_are_a_warning() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";
    let (objects, problems) = parse_text(Path::new("f"), pod);
    assert!(objects.is_empty() && problems[0].warning);
}
