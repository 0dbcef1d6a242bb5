//! `lanyard import`: what it prints passes `lanyard check`, and people sign in after the move with the
//! same `sub`.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::support::{
    app::TestApp,
    browser::{Application, Browser, claims},
};
use lanyard::import::{ImportOptions, ImportResult, import_dex, import_keycloak};

const DEX: &str = "tests/golden/import/dex.yaml";
const REALM: &str = "tests/golden/import/keycloak-realm.json";

fn lanyard(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).env_clear().stdin(Stdio::null());
    command.output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asserts that `lanyard check` finds nothing wrong.
fn passes_check(path: &Path) {
    let output = lanyard(&["check", &path.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn imported_manifests_pass_the_check() {
    let folder = tempfile::tempdir().expect("a folder");
    for (source, file) in [("dex", DEX), ("keycloak", REALM)] {
        let output = lanyard(&["import", source, file, "--namespace=sso"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let printed = folder.path().join(format!("{source}.yaml"));
        fs::write(&printed, &output.stdout).expect("written");
        passes_check(&printed);

        let out = folder.path().join(source);
        let flag = format!("--out={}", out.display());
        let output = lanyard(&["import", source, file, &flag]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
        passes_check(&out);
    }
}

/// Dex and Keycloak let people of a provider in whose claims have no `preferred_username`, and Keycloak gives them
/// no groups.
#[test]
fn people_of_imported_providers_are_mapped_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = serde_json::json!({
        "issuer": "https://dex.example.com", "connectors": [{
            "type": "oidc", "id": "corp", "name": "Corp",
            "config": {"issuer": "https://sso.corp.test", "clientID": "a", "clientSecret": "b", "claimMapping": {"preferred_username": "login"}},
        }],
    });
    let mut realm = sample(REALM, &["users"]);
    realm["identityProviders"]
        .as_array_mut()
        .expect("providers")
        .retain(|it| it["alias"] == "parent");
    let options = ImportOptions::default();
    for (source, imported, expected) in [
        ("dex", import_dex(&config, &options), ["ada", "ada", "ada@acme.test", "17"]),
        (
            "keycloak",
            import_keycloak(&[realm], &options),
            ["ada", "ada@acme.test", "ada@acme.test", "17"],
        ),
    ] {
        let mut imported = imported.expect("a source");
        let claims = [
            serde_json::json!({"preferred_username": "ada"}),
            serde_json::json!({"login": "ada", "email": "ada@acme.test"}),
            serde_json::json!({"email": "ada@acme.test"}),
            serde_json::json!({}),
        ];
        let examples = claims.into_iter().zip(expected).map(|(mut claims, username)| {
            claims["sub"] = "17".into();
            claims["groups"] = serde_json::json!(["staff"]);
            let groups: &[&str] = if source == "dex" { &["corp:staff"] } else { &[] };
            serde_json::json!({"claims": claims, "expects": {"username": username, "groups": groups}})
        });
        let examples: serde_json::Value = examples.collect();
        let provider = imported.manifests.iter_mut().find(|it| it.kind == "IdentityProvider");
        provider.expect("a provider").object["spec"]["examples"] = examples;
        let file = folder.path().join(format!("{source}.yaml"));
        fs::write(&file, manifests(&imported)).expect("written");
        passes_check(&file);
    }
}

#[test]
fn everything_that_is_not_carried_is_named_with_its_line() {
    let notes = text(&lanyard(&["import", "dex", DEX]).stderr);
    let source = fs::read_to_string(DEX).expect("the sample");
    let line = |part: &str| {
        let found = source.lines().position(|line| line.contains(part));
        format!("{DEX}:{}: ", found.expect("a line") + 1)
    };
    for (part, words) in [
        ("storage:", "storage: not imported"),
        ("grpc:", "grpc: not imported"),
        ("signingKeys:", "expiry.signingKeys: not imported"),
        ("passwordConnector:", "oauth2.passwordConnector: not imported"),
        ("trustedPeers:", "staticClients[0].trustedPeers: not imported"),
        ("urn:ietf", "staticClients[1].redirectURIs[0]: not imported"),
        ("$GITHUB_CLIENT_SECRET", "connectors[0].config.clientSecret: the client secret"),
        ("onlySecurityGroups:", "connectors[3].config.onlySecurityGroups: not imported"),
        ("type: saml", "connectors[5]: the connector \"saml\" is not imported"),
    ] {
        let expected = format!("{}{words}", line(part));
        assert!(notes.lines().any(|note| note.starts_with(&expected)), "{expected}\n{notes}");
    }
    let notes = text(&lanyard(&["import", "keycloak", REALM]).stderr);
    for words in [
        "clients[2].redirectUris[1]: the wildcard of https://wiki.example.com/admin/* is not imported",
        "identityProviders[0].config.clientSecret: the client secret is not in the file",
        "users[1].credentials[1]: the one-time password is not imported",
        "users[3].credentials[0]: the password is not imported: \"pbkdf2\"",
        "realm: the export does not have the realm's URL",
    ] {
        assert!(notes.contains(words), "{words}\n{notes}");
    }
}

#[test]
fn a_source_that_cannot_be_read_is_status_2() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in [("a.yaml", "a: ["), ("b.yaml", "kind: Tenant\n"), ("c.json", "")] {
        let file = folder.path().join(name);
        fs::write(&file, content).expect("written");
        let file = file.display().to_string();
        for source in ["dex", "keycloak"] {
            let output = lanyard(&["import", source, &file]);
            let message = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{message}");
            assert!(message.contains(&file) && message.lines().count() == 1, "{message}");
            assert!(output.stdout.is_empty());
        }
    }
    assert_eq!(lanyard(&["import", "dex", "/nonexistent"]).status.code(), Some(2));
}

/// The `sub` in the ID token of a person who signs in at an application.
async fn subject(
    app: &TestApp,
    tenant: &str,
    client: (&str, &str, &str),
    who: (&str, &str),
) -> String {
    let (client, secret, callback) = client;
    let issuer = app.issuer(tenant);
    let application = Application::discover(&issuer, client, Some(secret), callback).await;
    let browser = Browser::new();
    let answer =
        application.sign_in(&browser, &application.authorize_url("openid email", &[]), who).await;
    let (status, tokens) = application.redeem(&answer["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let token = claims(tokens["id_token"].as_str().expect("an ID token"));
    token["sub"].as_str().expect("a subject").to_owned()
}

fn manifests(imported: &ImportResult) -> String {
    let objects = imported.manifests.iter();
    let objects = objects.map(|it| serde_yaml::to_string(&it.object).expect("YAML"));
    objects.collect::<Vec<_>>().join("---\n")
}

fn sample(file: &str, without: &[&str]) -> serde_json::Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    let mut value: serde_json::Value =
        serde_yaml::from_str(&text.expect("a sample")).expect("YAML");
    for name in without {
        value.as_object_mut().expect("a map").remove(*name);
    }
    value
}

/// The sample has the password and the user of Dex's own example configuration.
#[tokio::test(flavor = "multi_thread")]
async fn people_of_dex_keep_hash_and_subject() {
    let mut config = sample(DEX, &["issuer", "connectors"]);
    // A Secret that is not in the file has to be created first.
    config["staticClients"].as_array_mut().expect("clients").pop();
    config["staticPasswords"].as_array_mut().expect("users").pop();
    let imported = import_dex(&config, &ImportOptions::default()).expect("a configuration");
    let app = TestApp::start(&manifests(&imported)).await;
    let client =
        ("example-app", "ZXhhbXBsZS1hcHAtc2VjcmV0", "https://app.example.com/oauth2/callback");
    for (email, subject_of_dex) in [
        ("admin@example.com", "CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs"),
        ("ada@example.com", "CiQ0MTMzMTMyMy02ZjQ0LTQ1ZTYtYjNiOS0yYzRiNjBjMDJiZTUSBWxvY2Fs"),
    ] {
        let found = subject(&app, "main", client, (email, "password")).await;
        assert_eq!(found, subject_of_dex);
    }
}

/// The hashes have Keycloak's parameters, and were made by other implementations.
#[tokio::test(flavor = "multi_thread")]
async fn people_of_keycloak_keep_hash_and_subject() {
    let mut realm = sample(REALM, &["identityProviders"]);
    realm["users"][2]["enabled"] = true.into();
    // With a second factor or an action, the password would not be carried.
    let grace = realm["users"][1].as_object_mut().expect("a user");
    grace.remove("requiredActions");
    grace["credentials"].as_array_mut().expect("credentials").pop();
    let clients = realm["clients"].as_array_mut().expect("clients");
    clients.retain(|client| client["clientId"] != "batch");
    let imported = import_keycloak(&[realm], &ImportOptions::default()).expect("a realm");
    let app = TestApp::start(&manifests(&imported)).await;
    let client =
        ("wiki", "wiki-client-secret-of-32-letters", "https://wiki.example.com/oauth2/callback");
    for (username, id) in [
        ("ada", "7a1c3d52-9a0b-4e07-8b7e-0b7a1f6c1e01"),
        ("grace", "7a1c3d52-9a0b-4e07-8b7e-0b7a1f6c1e02"),
        ("joan", "7a1c3d52-9a0b-4e07-8b7e-0b7a1f6c1e03"),
    ] {
        let who = (username, "correct horse battery staple");
        assert_eq!(subject(&app, "acme", client, who).await, id, "{username}");
    }
}
