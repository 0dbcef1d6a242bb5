use std::path::Path;

use super::*;

fn read(text: &str) -> (Vec<ManifestObject>, Vec<String>) {
    let (objects, problems) = parse_text(Path::new("f.yaml"), text);
    (objects, problems.iter().map(ToString::to_string).collect())
}

const TENANT: &str =
    "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\nspec: {}\n";

#[test]
fn reads_many_documents_and_lists_and_fills_the_namespace() {
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
fn names_the_field_that_does_not_exist() {
    let (objects, problems) = read(&TENANT.replace("spec: {}", "spec: {displayNmae: x}"));
    assert!(objects.is_empty());
    assert_eq!(
        problems,
        [
            "f.yaml: Tenant default/a: spec.displayNmae: there is no such field; did you mean displayName?"
        ]
    );
}

#[test]
fn names_a_field_that_does_not_exist_within_maps_and_lists_as_people_write_it() {
    let spec = "spec: {lifetimes: {cod: 1m}, acrLevels: [{value: a, amr: [], xyzzy: 1}]}";
    let (_, problems) = read(&TENANT.replace("spec: {}", spec));
    assert_eq!(
        problems,
        [
            "f.yaml: Tenant default/a: spec.lifetimes.cod: there is no such field; did you mean code?",
            "f.yaml: Tenant default/a: spec.acrLevels[0].xyzzy: there is no such field; \"kubectl explain tenant.spec.acrLevels\" lists those there are",
        ]
    );
}

#[test]
fn a_kind_of_ours_that_does_not_exist_is_a_problem_and_no_warning() {
    let text = TENANT.replace("kind: Tenant", "kind: OidcUsr");
    let (_, problems) = parse_text(Path::new("f.yaml"), &text);
    assert!(!problems[0].warning);
    assert_eq!(problems[0].message, "there is no such kind; did you mean OidcUser?");
}

#[test]
fn names_that_an_api_server_would_refuse_are_problems() {
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
fn a_password_of_the_wrong_type_is_not_repeated() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: 4711}\n";
    let (_, problems) = read(text);
    assert!(problems[0].contains("stringData.password: must be text"), "{problems:?}");
    assert!(!problems[0].contains("4711"), "{problems:?}");
}

#[test]
fn names_the_field_of_the_wrong_type() {
    let (_, problems) = read(&TENANT.replace("spec: {}", "spec: {lifetimes: {code: []}}"));
    let start = "f.yaml: Tenant default/a: spec.lifetimes.code: ";
    assert!(problems[0].starts_with(start), "{problems:?}");
}

#[test]
fn keeps_what_is_right_beside_what_is_wrong() {
    let other = TENANT.replace("name: a", "name: b");
    let (objects, problems) = read(&format!("{TENANT}---\nkind: 1\n---\n{other}"));
    assert_eq!((objects.len(), problems.len()), (2, 1), "{problems:?}");
}

#[test]
fn a_syntax_error_is_said_with_its_place() {
    let (_, problems) = read("a: [1\nb: 2\n");
    assert!(problems[0].contains("is not YAML") && problems[0].contains("line"), "{problems:?}");
}

#[test]
fn other_kinds_are_a_warning() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";
    let (objects, problems) = parse_text(Path::new("f"), pod);
    assert!(objects.is_empty() && problems[0].warning);
}
