//! The manifests in `examples/identity-providers`: their examples, with claims as each provider sends
//! them, are judged.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

const PROVIDERS: [&str; 8] =
    ["auth0", "dex", "entra", "gitlab", "google", "keycloak", "okta", "zitadel"];

fn manifest(provider: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("examples/identity-providers/{provider}.yaml"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The report of `lanyard check`, and whether it found nothing wrong.
fn check(manifest: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("it.yaml"), manifest).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    let output = command.arg("check").arg(folder.path()).output().expect("it runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The provider's object in a manifest.
fn object(manifest: &str) -> Value {
    let documents = serde_yaml::Deserializer::from_str(manifest);
    let mut objects = documents.map(|it| serde::Deserialize::deserialize(it).expect("an object"));
    objects.find(|object: &Value| object["kind"] == "IdentityProvider").expect("a provider")
}

#[test]
fn every_example_of_a_provider_passes_the_check() {
    for provider in PROVIDERS {
        let (passes, report) = check(&manifest(provider));
        assert!(passes, "{provider}: {report}");
    }
}

/// Each has a person who is admitted and one who is refused, so that neither a rule that refuses all
/// nor one that admits all passes.
#[test]
fn every_provider_has_examples_of_both_kinds() {
    for provider in PROVIDERS {
        let spec = object(&manifest(provider))["spec"].clone();
        let examples = spec["examples"].as_array().expect("examples").clone();
        let refused = |it: &&Value| it["expects"]["refused"] == true;
        let is_open = provider == "dex";
        assert!(is_open || examples.iter().any(|it| refused(&it)), "{provider}");
        let admitted = examples.iter().find(|it| !refused(it)).expect("one is admitted");
        assert!(admitted["expects"]["groups"].is_array(), "{provider}: groups are expected");
        // The token's own claims are there, so the issuer of the manifest is that of the token.
        assert_eq!(admitted["claims"]["iss"], spec["oidc"]["issuer"], "{provider}");
    }
}

#[test]
fn an_example_that_fails_is_named() {
    for provider in PROVIDERS {
        let manifest = manifest(provider);
        let wrong = manifest.replacen("expects: {username: ", "expects: {username: not-", 1);
        let wrong = wrong.replacen("username: ada@", "username: not-ada@", 1);
        let (passes, report) = check(&wrong);
        assert!(!passes && report.contains("spec.examples[0]"), "{provider}: {report}");
    }
}
