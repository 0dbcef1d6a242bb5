//! Fields that the text of a page names exist.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::commands::pages;

/// Names of Lanyard's resources, and of its chart.
const SOURCES: [&str; 4] = [
    "crds",
    "charts/lanyard/values.yaml",
    "charts/lanyard/values.schema.json",
    "charts/lanyard/templates",
];
/// A page about the configuration of other providers.
const OF_OTHERS: &str = "migration.md";
/// Words in the same form that are no fields of Lanyard: functions of CEL, names of LDAP, fields of other programs.
const OTHER_WORDS: [&str; 27] = [
    "audienceMatchPolicy",
    "autoLinkUser",
    "charAt",
    "dataSource",
    "discoveryUrl",
    "endsWith",
    "forbiddenNamespaces",
    "groupOfNames",
    "groupOfUniqueNames",
    "hasValue",
    "hostPath",
    "indexOf",
    "insecureSkipEmailVerified",
    "lastIndexOf",
    "lowerAscii",
    "memberOf",
    "memberUid",
    "objectClass",
    "objectSid",
    "orValue",
    "posixGroup",
    "primaryGroupID",
    "resourceUrl",
    "setClockSkew",
    "trustEmail",
    "upperAscii",
    "vX",
];

/// The names in the sources of [`SOURCES`].
fn known_names() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    for source in SOURCES.map(|source| root.join(source)) {
        let files: Vec<PathBuf> = match fs::read_dir(&source) {
            Ok(folder) => folder.map(|entry| entry.expect("an entry").path()).collect(),
            Err(_) => vec![source],
        };
        for file in files {
            let text = fs::read_to_string(&file).expect("readable");
            let words = text.split(|it: char| !it.is_ascii_alphanumeric());
            names.extend(words.map(str::to_owned));
        }
    }
    names
}

/// The words of inline code that have the form of a field's name: `camelCase`.
fn field_names(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            let is_part = |it: char| it.is_ascii_alphanumeric() || "_/-".contains(it);
            let code = line.split('`').skip(1).step_by(2);
            let words = code.flat_map(|code| code.split(move |it: char| !is_part(it)));
            names.extend(words.filter(|word| {
                word.starts_with(|it: char| it.is_ascii_lowercase())
                    && word.contains(|it: char| it.is_ascii_uppercase())
                    && word.chars().all(|it| it.is_ascii_alphabetic())
            }));
        }
    }
    names
}

#[test]
fn inline_code_names_fields_that_exist() {
    let known = known_names();
    let (mut count, mut unused) = (0, BTreeSet::from(OTHER_WORDS));
    for (page, text) in pages().into_iter().filter(|(page, _)| !page.ends_with(OF_OTHERS)) {
        for name in field_names(&text) {
            count += 1;
            let is_other = OTHER_WORDS.contains(&name);
            assert!(is_other || known.contains(name), "{page}: there is no field {name}");
            unused.remove(name);
        }
    }
    assert!(count > 100, "{count} names were found");
    assert!(unused.is_empty(), "on no page: {unused:?}");
}
