//! Which module may know which, who may ask the time, and how long a file may be.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// module → what it may depend on (ARCHITECTURE.md). Edges beyond the style guide's table have
/// their reason.
const ALLOWED: [(&str, &[&str]); 17] = [
    ("lib", &[]),
    ("main", &["cli", "commands", "telemetry"]),
    ("cli", &[]),
    ("config", &["cli", "model"]),
    (
        "commands",
        &[
            "api",
            "cli",
            "config",
            "controller",
            "fetch",
            "http",
            "identity",
            "keys",
            "model",
            "protocol",
            "registry",
            "source",
            "store",
            "telemetry",
        ],
    ),
    ("telemetry", &["model"]),
    ("model", &[]),
    // api::View says since when a source has not answered: model's time.
    ("api", &["model"]),
    ("protocol", &["model"]),
    ("keys", &["model"]),
    ("store", &["model"]),
    // Addresses that clients name, without knowing why: nothing of ours.
    ("fetch", &[]),
    ("identity", &["model", "store"]),
    // A snapshot prepares protocol's discovery document and knows its scopes; usernames and stored
    // passwords are judged by identity's pure functions.
    ("registry", &["api", "model", "keys", "protocol", "identity"]),
    ("source", &["api", "model"]),
    ("controller", &["api", "model", "registry", "keys", "source"]),
    // http counts what it answers.
    ("http", &["model", "protocol", "registry", "store", "keys", "identity", "telemetry", "fetch"]),
];

/// Where timers run, which need the machine's monotonic clock (tokio's, so that tests can stop it).
const TIMERS: [&str; 4] = ["src/controller/", "src/source/", "src/http/", "src/store/embedded/"];

/// Lines of a file, without its tests.
const LONGEST_FILE: usize = 300;

/// The store's contract is a test suite that backends run, though no file of tests.
const SUITES: [&str; 1] = ["src/store/contract/mod.rs"];

struct Source {
    path: String,
    module: String,
    /// Without tests and comments.
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    let sources: Vec<Source> = paths.iter().map(|path| source(root, path)).collect();
    assert!(sources.len() > 100, "only {} files were found", sources.len());
    sources
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn source(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("a source file");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let path = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
    let below = path.strip_prefix("src/").expect("below src");
    let module = below.split(['/', '.']).next().expect("a module").to_owned();
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    Source { module, code: code.collect::<Vec<_>>().join("\n"), lines: text.lines().count(), path }
}

/// The modules that `crate::x` and `use crate::{x::…, y}` name.
fn dependencies(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, marker) in code.match_indices("crate::") {
        let rest = &code[at + marker.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(heads(group));
        } else {
            names.insert(head(rest));
        }
    }
    names.remove("");
    names
}

/// The first words of a brace group's members.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(head(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(head(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn head(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn modules_know_only_what_they_may() {
    let mut wrong = Vec::new();
    for source in sources() {
        let allowed = ALLOWED.iter().find(|(module, _)| *module == source.module);
        let (_, allowed) =
            allowed.unwrap_or_else(|| panic!("{} is in no row of the table", source.path));
        for name in dependencies(&source.code) {
            if name != source.module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} knows {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_time_is_asked_for_in_one_place() {
    let mut wrong = Vec::new();
    let sources = sources();
    for source in sources.iter().filter(|source| source.module != "model") {
        let timers = TIMERS.iter().any(|folder| source.path.starts_with(folder));
        let std_instant = source.code.contains("std::time::Instant")
            || source.code.contains("time::{Duration, Instant}")
                && source.code.contains("use std::");
        for (asks, allowed) in [
            (source.code.contains("SystemTime::now"), false),
            (source.code.contains("Timestamp::now"), false),
            (source.code.contains("Instant::now"), timers && !std_instant),
        ] {
            if asks && !allowed {
                wrong.push(&source.path);
            }
        }
    }
    assert!(wrong.is_empty(), "these ask for the time: {wrong:#?}");
}

#[test]
fn protocol_and_the_registrys_rules_are_pure() {
    let pure = |path: &str| {
        path.starts_with("src/protocol/")
            || path.starts_with("src/registry/validate/")
            || path.starts_with("src/registry/build/")
    };
    let impure = ["async fn", "tokio::", "hyper::", "std::fs", "std::env", "std::net", "rand::"];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| pure(&source.path)) {
        for word in impure.iter().filter(|word| source.code.contains(**word)) {
            wrong.push(format!("{} has {word}", source.path));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.lines > LONGEST_FILE && !SUITES.contains(&source.path.as_str()))
        .map(|source| format!("{}: {} lines", source.path, source.lines))
        .collect();
    assert!(long.is_empty(), "split these: {long:#?}");
}

#[test]
fn reads_uses_as_the_compiler_does() {
    let code =
        "use crate::{\n  api::{self, X},\n  model::Y,\n keys,\n};\nlet z = crate::http::run();";
    let found: Vec<String> = dependencies(code).into_iter().collect();
    assert_eq!(found, ["api", "http", "keys", "model"]);
}
