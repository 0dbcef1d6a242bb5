use std::{io::Read as _, path::Path};

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
        "{TENANT}---\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {{name: s, namespace: ns}}\n  stringData: {{password: x}}\n"
    );
    let (objects, problems) = read(&text);
    assert!(problems.is_empty(), "{problems:?}");
    let names: Vec<String> = objects.iter().map(|object| object.reference().to_string()).collect();
    assert_eq!(names, ["Tenant default/a", "Secret ns/s"]);
    let ManifestObject::Secret(secret) = &objects[1] else { panic!("a Secret") };
    assert_eq!(secret.data.as_ref().expect("data")["password"].0, b"x");
}

#[test]
fn reports_unknown_fields() {
    let (objects, problems) = read(&TENANT.replace("spec: {}", "spec: {displayNmae: x}"));
    assert!(objects.is_empty());
    assert_eq!(
        problems,
        ["f.yaml:4: Tenant default/a: spec.displayNmae: unknown field; did you mean displayName?"]
    );
}

#[test]
fn reports_unknown_fields_in_maps_and_lists_in_manifest_notation() {
    let spec = "spec: {lifetimes: {cod: 1m}, acrLevels: [{value: a, amr: [], xyzzy: 1}]}";
    let (_, problems) = read(&TENANT.replace("spec: {}", spec));
    assert_eq!(
        problems,
        [
            "f.yaml:4: Tenant default/a: spec.acrLevels[0].xyzzy: unknown field; \"kubectl explain tenant.spec.acrLevels\" lists the known fields",
            "f.yaml:4: Tenant default/a: spec.lifetimes.cod: unknown field; did you mean code?",
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
    let start = "f.yaml:4: Tenant default/a: spec.lifetimes.code: ";
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

#[test]
fn values_are_typed_as_an_api_server_does() {
    for (value, found) in
        [("1.5", "a number"), ("yes", "true or false"), ("0777", "a number"), ("[]", "a list")]
    {
        let (objects, problems) = read(&TENANT.replace(
            "spec: {}",
            &format!("spec:\n  issuer: https://x.test\n  displayName: {value}"),
        ));
        assert!(objects.is_empty(), "{value}");
        assert_eq!(
            problems,
            [format!(
                "f.yaml:6: Tenant default/a: spec.displayName: must be a string (put numbers, true and \
                 false in quotes); it is {found}"
            )]
        );
    }
    let client = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcUser\nmetadata: {name: a}\nspec: {tenantRef: \
                  {name: t}, username: 'yes', disabled: on}\n";
    assert_eq!(read(client).1, [""; 0], "on is true");
}

#[test]
fn a_malformed_document_is_a_problem_of_its_own() {
    let other = TENANT.replace("name: a", "name: b");
    let (objects, problems) = read(&format!("{TENANT}---\nb: [\n---\n# comment\n---\n{other}"));
    assert_eq!(objects.len(), 2);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("f.yaml: document 2: is not YAML: line "), "{problems:?}");
}

#[test]
fn a_key_that_occurs_twice_is_a_problem() {
    let (objects, problems) =
        read(&TENANT.replace("spec: {}", "spec:\n  displayName: a\n  displayName: b"));
    assert!(objects.is_empty());
    assert_eq!(
        problems,
        ["f.yaml:6: document 1: contains the key \"displayName\" twice; remove one"]
    );
}

#[test]
fn base64_may_contain_line_breaks() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  a: |\n    aGVs\n    bG8=\n  b:\n";
    let (objects, problems) = read(text);
    assert!(problems.is_empty(), "{problems:?}");
    let ManifestObject::Secret(secret) = &objects[0] else { panic!("a Secret") };
    let data = secret.data.as_ref().expect("data");
    assert_eq!((data["a"].0.as_slice(), data["b"].0.as_slice()), (&b"hello"[..], &b""[..]));
}

#[test]
fn sops_metadata_is_a_warning() {
    let sops = "sops: {mac: 'ENC[AES256_GCM,data:x]', version: 3.9.0}\n";
    let (objects, problems) = parse_text(Path::new("f"), &format!("{TENANT}{sops}"));
    assert!(objects.len() == 1 && problems[0].warning, "{problems:?}");
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: 'ENC[AES256_GCM,data:x]'}\n";
    let (objects, problems) = parse_text(Path::new("f"), &format!("{secret}{sops}"));
    assert!(objects.is_empty() && problems[0].warning && problems[0].message.contains("sops -d"));
}

#[test]
fn lists_of_one_kind_give_it_to_their_items() {
    let text = "apiVersion: lanyard.dev/v1alpha1\nkind: TenantList\nitems:\n- metadata: {name: a}\n  spec: {}\n\
                - metadata: {name: b}\n  spec: {displayNmae: x}\n";
    let (objects, problems) = read(text);
    assert_eq!(objects.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("f.yaml:7: Tenant default/b: spec.displayNmae"),
        "{problems:?}"
    );
}

#[test]
fn json_and_merge_keys_are_read() {
    let json = serde_json::json!({"apiVersion": "lanyard.dev/v1alpha1", "kind": "Tenant",
        "metadata": {"name": "a"}, "spec": {}});
    assert_eq!(read(&format!("\t{json}\n{json}")).0.len(), 2);
    let text = TENANT.replace("spec: {}", "spec:\n  <<: {displayName: x}");
    let (objects, problems) = read(&format!("\u{feff}{text}"));
    assert!(problems.is_empty(), "{problems:?}");
    let ManifestObject::Managed(AnyObject::Tenant(tenant)) = &objects[0] else {
        panic!("a Tenant")
    };
    assert_eq!(tenant.spec.display_name.as_deref(), Some("x"));
}

#[test]
fn files_up_to_64_mib_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.json", "b.yml", "c.yaml", "d.txt", ".e.yaml"] {
        std::fs::write(folder.path().join(name), TENANT).expect("written");
    }
    assert_eq!(find_manifest_files(folder.path()).expect("a folder").len(), 3);
    assert!(read_manifest_stream(std::io::repeat(b'#').take(64 * 1024 * 1024)).is_ok());
    assert!(read_manifest_stream(std::io::repeat(b'#')).is_err());
}
