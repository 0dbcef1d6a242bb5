//! Rules of the source tree that the compiler does not check: the dependencies between modules, the
//! one place that reads the clock, one name for one type or function, and the length of files and functions.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// module → the modules that it may depend on (ARCHITECTURE.md). A comment gives the reason for an
/// unusual edge.
const ALLOWED: [(&str, &[&str]); 25] = [
    ("lib", &[]),
    ("main", &["cli", "commands", "telemetry"]),
    ("cli", &[]),
    ("config", &["cli", "messages", "model"]),
    (
        "commands",
        &[
            "accounts",
            "api",
            "cli",
            "config",
            "controller",
            "demo",
            "fetch",
            "http",
            "identity",
            "import",
            "keys",
            "mail",
            "messages",
            "model",
            "protocol",
            "registry",
            "remote",
            "source",
            "store",
            "telemetry",
            "upstream",
        ],
    ),
    // import makes manifests of the configuration of other providers, with their subjects.
    ("import", &["api", "model", "protocol"]),
    ("telemetry", &["model"]),
    // model::Tenant has the languages of its pages.
    ("model", &["expression", "messages"]),
    ("expression", &[]),
    ("messages", &[]),
    // api::View contains the time since which a source has not answered.
    ("api", &["model"]),
    ("protocol", &["expression", "messages", "model"]),
    ("keys", &["model"]),
    ("store", &["model"]),
    // fetch requests URLs of clients and knows nothing about their purpose.
    ("fetch", &["model"]),
    // mail calls servers at addresses that fetch's policy allows.
    ("mail", &["fetch", "model"]),
    ("identity", &["model", "store"]),
    // A snapshot prepares protocol's discovery document and knows its scopes; usernames and stored
    // passwords are validated by identity's pure functions.
    ("registry", &["api", "expression", "messages", "model", "keys", "protocol", "identity"]),
    ("source", &["api", "messages", "model"]),
    ("controller", &["api", "model", "registry", "keys", "source"]),
    // Documents of clients, which are validated by protocol.
    ("remote", &["fetch", "keys", "model", "protocol"]),
    // Providers are asked by fetch's HTTP; their documents are cached by remote, their signatures
    // verified by keys, their claims judged by protocol.
    ("upstream", &["fetch", "keys", "model", "protocol", "remote"]),
    // The relying party of `dev` uses only the public endpoints of the provider, by fetch's HTTP.
    ("demo", &["fetch", "model", "protocol"]),
    // accounts counts issued tokens in telemetry, sends logout tokens with fetch, and authenticates
    // clients by the keys that they publish.
    (
        "accounts",
        &[
            "fetch",
            "identity",
            "keys",
            "mail",
            "messages",
            "model",
            "protocol",
            "registry",
            "remote",
            "store",
            "telemetry",
            "upstream",
        ],
    ),
    // http counts its answers in telemetry.
    (
        "http",
        &[
            "accounts",
            "fetch",
            "identity",
            "keys",
            "messages",
            "model",
            "protocol",
            "registry",
            "remote",
            "store",
            "telemetry",
        ],
    ),
];

/// Folders with timers, which need the machine's monotonic clock (tokio's, so that tests can stop it).
const TIMERS: [&str; 11] = [
    "src/controller/",
    "src/source/",
    "src/http/",
    "src/accounts/",
    "src/commands/measuring.rs",
    "src/registry/project.rs",
    "src/store/embedded/",
    "src/store/fair_store.rs",
    "src/store/layer.rs",
    "src/identity/password_verifier.rs",
    "src/upstream/ldap/connection.rs",
];

/// The maximum number of lines of a file, without its tests.
const MAX_FILE_LINES: usize = 300;

/// Longer files, each with a higher limit. The list and its numbers may only shrink.
const FILES_OVER_LIMIT: [(&str, usize); 0] = [];

/// The limits of functions that `clippy.toml` sets (`too_many_lines`, `too_many_arguments`).
const FUNCTION_LIMITS: [&str; 2] =
    ["too-many-lines-threshold = 60", "too-many-arguments-threshold = 6"];

/// Files with functions beyond these limits (`expect(clippy::too_many_..)`). The list may only shrink.
const FUNCTIONS_OVER_LIMIT: [&str; 0] = [];

/// Macros that declare a public type: its name is the first word after the attributes.
const TYPE_MACROS: [&str; 2] = ["wire_enum!(", "string_newtype!("];

/// Folders whose functions may have a name of one word, and why. A handler is named after its HTTP
/// method; a CEL rule is used in an attribute, as `rules::unique()`; the rest is compiled for tests.
const ONE_WORD_FOLDERS: [&str; 4] =
    ["src/api/rules/", "src/model/fixtures.rs", "src/store/contract/", "src/store/test_servers.rs"];
const HANDLERS: [&str; 4] = ["delete", "get", "post", "put"];

/// Folders whose functions may have the name of a function elsewhere: a CEL rule is always written with its
/// module, as `rules::web_url()`.
const SHARED_NAME_FOLDERS: [&str; 1] = ["src/api/rules/"];

/// Functions of one word that need no second one.
const ONE_WORD_FUNCTIONS: [&str; 2] = ["intern", "sha256"];

struct Source {
    path: String,
    module: String,
    /// The code without tests and comments.
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
fn modules_use_only_allowed_modules() {
    let mut wrong = Vec::new();
    for source in sources() {
        let allowed = ALLOWED.iter().find(|(module, _)| *module == source.module);
        let (_, allowed) =
            allowed.unwrap_or_else(|| panic!("{} is in no row of the table", source.path));
        for name in dependencies(&source.code) {
            if name != source.module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} uses {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_modules_use_each_other() {
    let mut rest: Vec<(&str, &[&str])> = ALLOWED.to_vec();
    while !rest.is_empty() {
        let open: Vec<&str> = rest.iter().map(|(module, _)| *module).collect();
        let before = rest.len();
        rest.retain(|(_, uses)| uses.iter().any(|used| open.contains(used)));
        assert!(rest.len() < before, "these use each other: {open:?}");
    }
}

/// Folders of `http` → what their files may not name, so that the folders do not use each other.
const HTTP_FOLDERS: [(&str, &[&str]); 4] = [
    ("src/http/pages/", &["AppState", "Reply", "endpoints::", "routing::", "web::"]),
    ("src/http/web/", &["AppState", "endpoints::", "routing::", "transport::"]),
    ("src/http/transport/", &["AppState", "endpoints::", "routing::", "web::", "pages::"]),
    ("src/http/endpoints/", &["routing::", "transport::"]),
];

#[test]
fn folders_of_http_do_not_use_each_other() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (_, words) in HTTP_FOLDERS.iter().filter(|(at, _)| source.path.starts_with(at)) {
            let words = words.iter().filter(|word| source.code.contains(**word));
            wrong.extend(words.map(|word| format!("{} names {word}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn accounts_and_identity_know_nothing_of_http() {
    let mut wrong = Vec::new();
    let knows_nothing = |it: &Source| ["accounts", "identity"].contains(&it.module.as_str());
    for source in sources().into_iter().filter(knows_nothing) {
        let words = ["hyper::", "http::", "HeaderMap", "StatusCode"];
        let words = words.iter().filter(|word| source.code.contains(**word));
        wrong.extend(words.map(|word| format!("{} names {word}", source.path)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_file_sends_responses_to_applications() {
    let sources = sources();
    let encoders: Vec<&str> = sources
        .iter()
        .filter(|it| it.module == "http" && it.code.contains("EncodedResponse::"))
        .map(|it| it.path.as_str())
        .collect();
    assert_eq!(encoders, ["src/http/web/authorization_response.rs"]);
}

/// A span below the level of the filter has no fields in the lines inside of it.
#[test]
fn spans_have_the_level_error() {
    let below = ["info_span!", "warn_span!", "debug_span!", "trace_span!", "#[instrument"];
    let mut wrong = Vec::new();
    for source in sources() {
        wrong.extend(
            below.iter().filter(|it| source.code.contains(**it)).map(|_| source.path.clone()),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_model_and_timers_read_the_clock() {
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
    assert!(wrong.is_empty(), "these read the clock: {wrong:#?}");
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

/// Names of the types that code declares `pub` or visible to more than their own module.
fn public_types(code: &str) -> Vec<&str> {
    let declarations = code.match_indices("pub").filter_map(|(at, _)| {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let rest = code[at + "pub".len()..].trim_start();
        let rest = match rest.strip_prefix('(') {
            Some(scope) => scope.split_once(')')?.1.trim_start(),
            None => rest,
        };
        let rest = rest.strip_prefix("unsafe ").unwrap_or(rest);
        let kind = ["struct ", "enum ", "trait ", "type ", "union "];
        let name = kind.iter().find_map(|kind| rest.strip_prefix(kind))?;
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        Some(&name[..end]).filter(|name| !name.is_empty())
    });
    declarations.chain(types_of_macros(code)).collect()
}

/// Names of the types that calls of `TYPE_MACROS` declare.
fn types_of_macros(code: &str) -> impl Iterator<Item = &str> {
    let calls = TYPE_MACROS.iter().flat_map(move |call| code.split(*call).skip(1));
    calls.filter_map(|rest| {
        let name = rest.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'))?;
        name.split(|c: char| !c.is_alphanumeric()).next().filter(|name| !name.is_empty())
    })
}

#[test]
fn public_type_names_are_unique() {
    let sources = sources();
    let mut declared: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for source in &sources {
        for name in public_types(&source.code) {
            declared.entry(name).or_default().push(&source.path);
        }
    }
    assert!(declared.len() > 200, "only {} types were found", declared.len());
    declared.retain(|_, paths| paths.len() > 1);
    assert!(declared.is_empty(), "several types have one name: {declared:#?}");
}

/// Names of the functions outside of types that other modules can call.
fn public_functions(code: &str) -> Vec<&str> {
    let lines = code.lines().filter(|line| line.starts_with("pub"));
    let names = lines.filter_map(|line| {
        let name = line.split_once("fn ")?.1;
        name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    });
    names.collect()
}

/// A stack trace or a search result with `check_redirect_uri` is understood; one with `check` is not.
#[test]
fn public_functions_are_named_by_more_than_a_verb() {
    let mut short = Vec::new();
    for source in sources() {
        if ONE_WORD_FOLDERS.iter().any(|folder| source.path.starts_with(folder)) {
            continue;
        }
        let endpoint = source.path.starts_with("src/http/endpoints/");
        for name in public_functions(&source.code) {
            let handler = endpoint && HANDLERS.contains(&name);
            if !name.contains('_') && !handler && !ONE_WORD_FUNCTIONS.contains(&name) {
                short.push(format!("{}: {name}", source.path));
            }
        }
    }
    assert!(short.is_empty(), "these names need their module to be understood: {short:#?}");
}

/// A stack trace or a search result with the name of a function leads to one function.
#[test]
fn public_function_names_are_unique() {
    let sources = sources();
    let mut declared: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for source in &sources {
        if SHARED_NAME_FOLDERS.iter().any(|folder| source.path.starts_with(folder)) {
            continue;
        }
        let endpoint = source.path.starts_with("src/http/endpoints/");
        for name in public_functions(&source.code) {
            if !(endpoint && HANDLERS.contains(&name)) {
                declared.entry(name).or_default().push(&source.path);
            }
        }
    }
    assert!(declared.len() > 500, "only {} functions were found", declared.len());
    declared.retain(|_, paths| paths.len() > 1);
    assert!(declared.is_empty(), "several functions have one name: {declared:#?}");
}

#[test]
fn files_stay_readable() {
    let sources = sources();
    let limit = |path: &str| FILES_OVER_LIMIT.iter().find(|(longer, _)| *longer == path);
    let long: Vec<String> = sources
        .iter()
        .filter(|it| it.lines > limit(&it.path).map_or(MAX_FILE_LINES, |(_, lines)| *lines))
        .map(|it| format!("{}: {} lines", it.path, it.lines))
        .collect();
    assert!(long.is_empty(), "split these: {long:#?}");
    let is_long =
        |path: &str| sources.iter().any(|it| it.path == path && it.lines > MAX_FILE_LINES);
    let stale: Vec<_> = FILES_OVER_LIMIT.iter().filter(|(path, _)| !is_long(path)).collect();
    assert!(stale.is_empty(), "remove these from FILES_OVER_LIMIT: {stale:#?}");
}

#[test]
fn functions_stay_readable() {
    let limits = Path::new(env!("CARGO_MANIFEST_DIR")).join("clippy.toml");
    let limits = fs::read_to_string(limits).expect("clippy's settings");
    for limit in FUNCTION_LIMITS {
        assert!(limits.lines().any(|line| line == limit), "clippy.toml has no {limit:?}");
    }
    let exempt: BTreeSet<String> = sources()
        .into_iter()
        .filter(|it| it.code.contains("clippy::too_many_"))
        .map(|it| it.path)
        .collect();
    let listed: BTreeSet<String> = FUNCTIONS_OVER_LIMIT.iter().map(ToString::to_string).collect();
    assert_eq!(exempt, listed, "files with functions beyond the limits");
}

#[test]
fn each_cluster_test_waits_for_its_turn() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("tests/cluster"), &mut paths);
    let mut without = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a source file");
        let has_tests = text.contains("test]\n") || text.contains("test(flavor");
        if has_tests && !text.contains("turns::of(") {
            without.push(path);
        }
    }
    assert!(without.is_empty(), "these begin without `turns::of`: {without:#?}");
}

#[test]
fn reads_type_declarations_as_the_compiler_does() {
    let code = "pub struct A<T>(T);\npub(crate) enum B {}\npub(in crate::x) type C = u8;\n\
                struct D;\npub fn e() {}\npub unsafe trait F {}\npub use x::G;\n\
                wire_enum!(\n    #[derive(H)]\n    I {\n        J = \"j\",\n    }\n);";
    assert_eq!(public_types(code), ["A", "B", "C", "F", "I"]);
}

#[test]
fn reads_functions_as_the_compiler_does() {
    let code = "pub async fn a() {}\npub(in crate::x) const fn b<T>() {}\nfn c() {}\nimpl D {\n    \
                pub fn e() {}\n}\npub use f::g;";
    assert_eq!(public_functions(code), ["a", "b"]);
}

#[test]
fn reads_uses_as_the_compiler_does() {
    let code =
        "use crate::{\n  api::{self, X},\n  model::Y,\n keys,\n};\nlet z = crate::http::run();";
    let found: Vec<String> = dependencies(code).into_iter().collect();
    assert_eq!(found, ["api", "http", "keys", "model"]);
}
