use std::path::Path;

use super::*;

fn read(text: &str) -> (Vec<Object>, Vec<String>) {
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
    let Object::Secret(secret) = &objects[1] else { panic!("a Secret") };
    assert_eq!(secret.data.as_ref().expect("data")["password"].0, b"x");
}

#[test]
fn names_the_field_that_does_not_exist() {
    let (objects, problems) = read(&TENANT.replace("spec: {}", "spec: {displayNmae: x}"));
    assert!(objects.is_empty());
    assert_eq!(
        problems,
        ["f.yaml: Tenant default/a: spec.displayNmae: there is no such field; see kubectl explain"]
    );
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
