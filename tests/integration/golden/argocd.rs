//! The Argo CD health check in docs/argocd.md, run by a Lua interpreter on the conditions of every
//! golden object.

use std::{collections::BTreeMap, fs, path::Path};

use lanyard::{api::StatusDigest, registry::verdict_conditions};
use mlua::{Lua, LuaSerdeExt};
use serde_json::{Value, json};

use super::{objects::NOW, snapshot};

/// The script in the page.
fn script() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/argocd.md");
    let text = fs::read_to_string(page).expect("the page");
    let block = text.split("```yaml").nth(1).and_then(|rest| rest.split("```").next());
    let settings: Value = serde_yaml::from_str(block.expect("a block")).expect("YAML");
    let data = settings["data"].as_object().expect("data");
    let name = "resource.customizations.health.lanyard.dev_OidcClient";
    data[name].as_str().expect("a script").to_owned()
}

/// The status and message of the check for an object. It runs as in Argo CD: Lua 5.1, with the object as `obj`.
fn health(script: &str, object: &Value) -> (String, String) {
    let lua = Lua::new();
    let object = lua.to_value(object).expect("a table");
    lua.globals().set("obj", object).expect("set");
    let health: mlua::Table = lua.load(script).eval().expect("it runs");
    (health.get("status").expect("a status"), health.get("message").expect("a message"))
}

fn object(generation: i64, status: &Value) -> Value {
    json!({ "metadata": { "name": "it", "generation": generation }, "status": status })
}

#[test]
fn argo_cd_health_matches_the_ready_condition() {
    let (script, mut seen) = (script(), BTreeMap::<String, usize>::new());
    for entry in
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).expect("a folder")
    {
        let path = entry.expect("an entry").path();
        if !path.to_string_lossy().ends_with(".in.yaml") {
            continue;
        }
        let snapshot = snapshot(&fs::read_to_string(&path).expect("readable"));
        for verdict in snapshot.verdicts().iter() {
            let reference = &verdict.object;
            let mut conditions = verdict_conditions(verdict, &StatusDigest::default(), NOW);
            for condition in &mut conditions {
                condition.observed_generation = Some(7);
            }
            let ready = conditions.iter().find(|one| one.type_ == "Ready").expect("a Ready");
            let expected = match (ready.status.as_str(), ready.reason.as_str()) {
                ("True", _) => "Healthy",
                (_, "Pending") => "Progressing",
                _ => "Degraded",
            };
            let message = ready.message.clone();
            let status = json!({ "conditions": conditions });
            let checked = health(&script, &object(7, &status));
            assert_eq!(
                checked,
                (expected.to_owned(), message),
                "{reference} of {}",
                path.display()
            );
            let (before, _) = health(&script, &object(8, &status));
            assert_eq!(before, "Progressing", "{reference}: the edit is not observed yet");
            *seen.entry(checked.0).or_default() += 1;
        }
    }
    println!("{seen:?}");
    for status in ["Healthy", "Progressing", "Degraded"] {
        assert!(seen.contains_key(status), "no golden object is {status}: {seen:?}");
    }
}

#[test]
fn argo_cd_waits_for_an_object_without_a_status() {
    for object in [json!({ "metadata": { "generation": 1 } }), object(1, &json!({}))] {
        assert_eq!(health(&script(), &object).0, "Progressing");
    }
}
