//! Every test that the table of attacks names exists.

use std::{collections::BTreeSet, fs, path::Path};

/// The functions of all Rust files below a folder, as `folder::file::function`.
fn functions(folder: &Path, module: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let inner = if matches!(name.as_str(), "mod" | "main" | "lib") {
            module.to_owned()
        } else {
            format!("{module}{name}::")
        };
        if path.is_dir() {
            functions(&path, &inner, found);
            continue;
        }
        let mut tests = "";
        for line in fs::read_to_string(&path).unwrap_or_default().lines() {
            if line.starts_with("mod tests {") {
                tests = "tests::";
            }
            let line = line.trim().trim_start_matches("async ");
            let function = line.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next());
            found.extend(function.map(|function| format!("{inner}{tests}{function}")));
        }
    }
}

#[test]
fn every_test_in_the_table_of_attacks_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut existing = BTreeSet::new();
    functions(&root.join("src"), "", &mut existing);
    functions(&root.join("tests/integration"), "", &mut existing);
    let page = fs::read_to_string(root.join("docs/design/attacks.md")).expect("the page");
    let named: Vec<&str> =
        page.split('`').skip(1).step_by(2).filter(|text| text.contains("::")).collect();
    assert!(named.len() > 20, "only {} tests", named.len());
    for test in named {
        assert!(
            existing.contains(test),
            "docs/design/attacks.md names {test}, which does not exist"
        );
    }
}
