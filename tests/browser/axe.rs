//! The accessibility rules of axe-core, installed from npm at a pinned version.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::tab::Tab;

const PACKAGE: &str = "axe-core@4.14.1";

/// The rules as a script. Prints SKIPPED and returns `None` if npm cannot install them.
pub fn find_or_install() -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if !script.exists() {
        fs::create_dir_all(&folder).expect("target can be written");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--ignore-scripts", "--prefix"])
            .arg(&folder)
            .arg(PACKAGE);
        let _ = npm.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    let rules = fs::read_to_string(script).ok();
    if rules.is_none() {
        println!("SKIPPED the rules of axe-core: npm could not install {PACKAGE}");
    }
    rules
}

/// Asserts that a page violates none of the rules.
pub async fn check(tab: &Tab, rules: &str, page: &str) {
    tab.eval(&format!("window.axe ? 0 : (() => {{ {rules} }})()")).await;
    let found = tab
        .eval(
            "axe.run().then(({passes, violations}) => [passes.length, violations.map(\
             it => it.id + ': ' + it.help + ': ' + it.nodes.map(node => node.html).join(' '))])",
        )
        .await;
    assert!(found[0].as_u64() > Some(5), "{page}: the rules were applied: {found}");
    assert_eq!(found[1], serde_json::json!([]), "{page}");
}
