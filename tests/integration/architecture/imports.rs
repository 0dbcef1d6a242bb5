//! Files that import each other. A folder's `mod.rs` and the files of its folder may: one of them is a
//! part of the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, sources};

/// A path of modules from the root of the crate.
type ModulePath = Vec<String>;

/// The modules of the crate, and what they re-export.
struct Modules {
    files: BTreeMap<ModulePath, String>,
    /// A module's path and a name in it → the module that the name is from.
    exports: BTreeMap<(ModulePath, String), ModulePath>,
}

impl Modules {
    fn new(sources: &[Source]) -> Self {
        let files: BTreeMap<_, _> =
            sources.iter().map(|it| (module_path(&it.path), it.path.clone())).collect();
        let mut modules = Self { files, exports: BTreeMap::new() };
        for source in sources {
            let from = module_path(&source.path);
            for (is_public, path) in used_paths(&source.code) {
                let Some((name, parents)) = path.split_last() else { continue };
                let origin = [&from[..], parents].concat();
                if is_public && !parents.is_empty() && modules.files.contains_key(&origin) {
                    modules.exports.insert((from.clone(), name.clone()), origin);
                }
            }
        }
        modules
    }

    /// The file that a path leads to, written in a module.
    fn file(&self, from: &[String], path: &[String]) -> Option<&str> {
        let mut path = path;
        let mut full: ModulePath = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "super" | "self" => from.to_vec(),
            child if self.files.contains_key(&[from, &[child.to_owned()]].concat()) => {
                from.to_vec()
            }
            _ => return None,
        };
        while let Some((first, rest)) = path.split_first()
            && ["crate", "self", "super"].contains(&first.as_str())
        {
            if first == "super" {
                full.pop()?;
            }
            path = rest;
        }
        full.extend(path.iter().cloned());
        self.resolve(&full)
    }

    fn resolve(&self, full: &[String]) -> Option<&str> {
        for length in (0..=full.len()).rev() {
            if let Some(file) = self.files.get(&full[..length]) {
                let name = full.get(length);
                let export =
                    name.and_then(|it| self.exports.get(&(full[..length].to_vec(), it.clone())));
                let file = export.and_then(|origin| self.files.get(origin)).unwrap_or(file);
                return Some(file);
            }
        }
        None
    }
}

fn module_path(file: &str) -> ModulePath {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: ModulePath = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") || ["lib", "main"].contains(&path) {
        parts.pop();
    }
    parts
}

/// The paths of a file's `use` items, each with whether it is public, and of its expressions.
fn used_paths(code: &str) -> Vec<(bool, ModulePath)> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let Some(at) = statement.rfind("use ") else { continue };
        let before = statement[..at].lines().last().unwrap_or_default().trim();
        if before.is_empty() || before.starts_with("pub") {
            let trees = expanded(&statement[at + "use ".len()..]);
            paths.extend(trees.into_iter().map(|path| (!before.is_empty(), path)));
        }
    }
    for marker in ["super::", "crate::"] {
        for (at, _) in code.match_indices(marker) {
            let rest = &code[at..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            let path = rest[..end.unwrap_or(rest.len())].split("::");
            paths.push((false, path.filter(|part| !part.is_empty()).map(str::to_owned).collect()));
        }
    }
    paths
}

/// The paths of a `use` tree.
fn expanded(tree: &str) -> Vec<ModulePath> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().split("::");
        return vec![
            path.map(|part| part.trim().to_owned()).filter(|part| part != "self").collect(),
        ];
    };
    let prefix: ModulePath =
        prefix.split("::").map(|part| part.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let member = &group[start..at];
                if !member.trim().is_empty() {
                    paths
                        .extend(expanded(member).into_iter().map(|it| [&prefix[..], &it].concat()));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    paths
}

/// Whether one module is inside of the other.
fn is_nested(one: &str, other: &str) -> bool {
    let (one, other) = (module_path(one), module_path(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// The files that each file imports, except those around or inside of it.
fn imports(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let modules = Modules::new(sources);
    let of = |source: &Source| {
        let from = module_path(&source.path);
        let paths = used_paths(&source.code);
        let files = paths.iter().filter_map(|(_, path)| modules.file(&from, path));
        files.filter(|file| !is_nested(file, &source.path)).map(str::to_owned).collect()
    };
    sources.iter().map(|source| (source.path.clone(), of(source))).collect()
}

/// The uses without those that end outside of a circle.
fn leading_to_circles(
    mut uses: BTreeMap<String, BTreeSet<String>>,
) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let open: BTreeSet<String> = uses.keys().cloned().collect();
        let before = uses.len();
        uses.retain(|_, used| used.iter().any(|it| open.contains(it)));
        if uses.len() == before {
            return uses;
        }
    }
}

#[test]
fn no_files_import_each_other() {
    let imports = imports(&sources());
    let count = imports.values().map(BTreeSet::len).sum::<usize>();
    assert!(count > 500, "hardly any import was found");
    let mut rest = leading_to_circles(imports);
    // The rest is in a circle, or imports a file of a circle.
    loop {
        let used: BTreeSet<String> = rest.values().flatten().cloned().collect();
        let before = rest.len();
        rest.retain(|file, _| used.contains(file));
        if rest.len() == before {
            break;
        }
    }
    assert!(rest.is_empty(), "these import each other: {:#?}", rest.keys());
}

/// The folder of `src/accounts` that a file is in.
fn accounts_folder(file: &str) -> Option<&str> {
    let (folder, _) = file.strip_prefix("src/accounts/")?.split_once('/')?;
    Some(folder)
}

/// Only the files outside of the folders, as `context`, use a folder and are used by it.
#[test]
fn no_folders_of_accounts_import_each_other() {
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, used) in imports(&sources()) {
        let Some(folder) = accounts_folder(&file) else { continue };
        let others = used.iter().filter_map(|it| accounts_folder(it)).filter(|it| *it != folder);
        folders.entry(folder.to_owned()).or_default().extend(others.map(str::to_owned));
    }
    assert!(folders.len() > 10, "only {} folders were found", folders.len());
    let rest = leading_to_circles(folders);
    assert!(rest.is_empty(), "these import each other, or a folder that does: {rest:#?}");
}

#[test]
fn finds_the_file_of_a_name() {
    let source = |path: &str, code: &str| Source {
        path: path.to_owned(),
        module: String::new(),
        code: code.to_owned(),
        lines: 1,
    };
    let sources = [
        source("src/a/mod.rs", "pub use one::One;\npub(crate) use two::{Two, three};"),
        source("src/a/one.rs", "use super::{Two, two::three as four};"),
        source("src/a/two.rs", "use crate::{a::{self, One}, b};"),
        source("src/b.rs", "fn b() { crate::a::One::new() }"),
    ];
    let found = imports(&sources);
    let of = |file: &str| found[file].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("src/a/one.rs"), ["src/a/two.rs"]);
    assert_eq!(of("src/a/two.rs"), ["src/a/one.rs", "src/b.rs"]);
    assert_eq!(of("src/b.rs"), ["src/a/one.rs"]);
}
