//! Commands and settings in the documentation exist: targets of make, flags of `lanyard`, chart values,
//! and the messages that pages quote. YAML blocks parse.

use std::{fs, path::Path, process::Command};

use clap::CommandFactory as _;
use lanyard::cli::Cli;
use serde_json::Value;

const PAGES: [&str; 4] = ["README.md", "CONTRIBUTING.md", "docs", "docs/guides"];

/// The path and text of each page.
pub(super) fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for page in PAGES.map(|page| root.join(page)) {
        match fs::read_dir(&page) {
            Ok(folder) => files.extend(folder.map(|entry| entry.expect("an entry").path())),
            Err(_) => files.push(page),
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    let text = |file: &Path| fs::read_to_string(file).expect("readable");
    files.iter().map(|file| (file.display().to_string(), text(file))).collect()
}

/// The code blocks of a page in one language, without the indentation of a list.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside: Option<(bool, usize)> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(info), None) => {
                inside = Some((info == language, indent));
                found.extend((info == language).then(String::new));
            }
            (Some(_), Some(_)) => inside = None,
            (None, Some((true, indent))) => {
                let block = found.last_mut().expect("a block was begun");
                block.push_str(line.get(indent..).unwrap_or_default());
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    found
}

/// The commands of a page's shell blocks, with continued lines joined.
fn commands(text: &str) -> Vec<String> {
    let joined = blocks(text, "sh").join("\n").replace("\\\n", " ");
    joined.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_yaml_block_parses() {
    let mut count = 0;
    for (page, text) in pages() {
        for block in blocks(&text, "yaml") {
            for document in block.split("\n---\n") {
                let parsed = serde_yaml::from_str::<Value>(document);
                assert!(parsed.is_ok(), "{page}: {}\n{block}", parsed.expect_err("an error"));
                count += 1;
            }
        }
    }
    assert!(count > 25, "{count} documents were found");
}

#[test]
fn every_json_block_parses() {
    let mut count = 0;
    for (page, text) in pages() {
        for block in blocks(&text, "json") {
            let parsed = serde_json::from_str::<Value>(&block);
            assert!(parsed.is_ok(), "{page}: {}\n{block}", parsed.expect_err("an error"));
            count += 1;
        }
    }
    assert!(count > 0, "no JSON was found");
}

#[test]
fn every_shell_block_is_valid_bash() {
    let mut count = 0;
    for (page, text) in pages() {
        for block in blocks(&text, "sh") {
            let output =
                Command::new("bash").args(["-n", "-c", &block]).output().expect("bash runs");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && error.is_empty(), "{page}: {error}\n{block}");
            count += 1;
        }
    }
    assert!(count > 60, "{count} blocks were found");
}

/// The path and text of each file below `src`.
fn sources() -> Vec<(String, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("readable");
                found.push((path.display().to_string(), text));
            }
        }
    }
    found
}

/// Kinds of other projects are named `tenants` too.
#[test]
fn commands_of_kubectl_name_the_group_of_tenants() {
    let (mut of_pages, mut of_messages) = (0, 0);
    let files = pages().into_iter().map(|it| (it, false));
    for ((file, text), is_source) in files.chain(sources().into_iter().map(|it| (it, true))) {
        for line in text.lines().filter(|line| line.contains("kubectl ")) {
            let words = line.split(|c: char| !c.is_ascii_alphanumeric() && !"-.".contains(c));
            let words: Vec<_> = words.map(|word| word.trim_end_matches('.')).collect();
            for pair in words.windows(2) {
                let is_command = ["get", "describe", "delete", "wait"].contains(&pair[0]);
                let is_short = is_command && pair[1] == "tenant";
                let named = pair[1].starts_with("tenants");
                assert!(
                    !is_short && (!named || pair[1] == "tenants.lanyard.dev"),
                    "{file}: {line}"
                );
                let count = if is_source { &mut of_messages } else { &mut of_pages };
                *count += usize::from(named);
            }
        }
    }
    assert!(of_pages > 10 && of_messages >= 4, "{of_pages} on pages, {of_messages} in messages");
}

#[test]
fn every_target_of_make_exists() {
    let makefile = include_str!("../../../Makefile");
    let mut count = 0;
    for (page, text) in pages() {
        let spans = text.split('`').filter(|span| !span.contains('\n')).map(str::to_owned);
        for command in commands(&text).into_iter().chain(spans) {
            let Some(rest) = command.strip_prefix("make ") else { continue };
            let target = rest.split_whitespace().next().unwrap_or_default();
            assert!(makefile.contains(&format!("\n{target}: ")), "{page}: make {target}");
            count += 1;
        }
    }
    assert!(count > 10, "{count} commands were found");
}

#[test]
fn every_lanyard_command_parses() {
    let mut count = 0;
    for (page, text) in pages() {
        for command in commands(&text) {
            // Only the `lanyard` part of a pipe, without redirections and further commands.
            let ours = command.split(['|', '>', ';']).map(str::trim);
            for words in ours.filter(|part| part.starts_with("lanyard ")) {
                let parsed = Cli::command().try_get_matches_from(words.split_whitespace());
                assert!(parsed.is_ok(), "{page}: {words}: {}", parsed.expect_err("an error"));
                count += 1;
            }
        }
    }
    assert!(count > 1, "{count} commands were found");
}

#[test]
fn every_flag_of_lanyard_exists() {
    let cli = Cli::command();
    let known: Vec<String> = cli
        .get_subcommands()
        .flat_map(|command| std::iter::once(command).chain(command.get_subcommands()))
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
        .collect();
    // Guides name flags of other programs.
    let own = |page: &str| page.contains("/docs/") && !page.contains("/docs/guides/");
    for (page, text) in pages().into_iter().filter(|(page, _)| own(page)) {
        // A flag alone in a code span is a flag of `lanyard`.
        let spans =
            text.split('`').filter(|span| span.starts_with("--") && !span.contains([' ', '\n']));
        for flag in spans.map(|span| span.split('=').next().unwrap_or_default()) {
            assert!(known.iter().any(|known| known == flag), "{page}: {flag}");
        }
    }
}

/// Whether the chart's values contain this path. Below an empty map or list, users may set any value.
fn is_value(values: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let name = first.split('[').next().unwrap_or_default();
    match values {
        Value::Object(members) if !members.is_empty() => {
            members.get(name).is_some_and(|value| is_value(value, rest))
        }
        Value::Object(_) | Value::Array(_) => true,
        _ => false,
    }
}

/// Asserts that every member of a values file exists in the chart's values.
fn check_values(page: &str, values: &Value, written: &Value, path: &mut Vec<String>) {
    let Value::Object(members) = written else { return };
    for (name, value) in members {
        path.push(name.clone());
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        assert!(is_value(values, &names), "{page}: the chart has no value {}", path.join("."));
        check_values(page, values, value, path);
        path.pop();
    }
}

#[test]
fn every_chart_value_exists() {
    let values: Value =
        serde_yaml::from_str(include_str!("../../../charts/lanyard/values.yaml")).expect("YAML");
    let (mut files, mut settings) = (0, 0);
    for (page, text) in pages() {
        for block in blocks(&text, "yaml") {
            // A block that is not a part of an object is a values file.
            let is_values = ["# values.yaml", "store:", "replicas:"];
            if is_values.iter().any(|start| block.starts_with(start)) {
                let written: Value = serde_yaml::from_str(&block).expect("YAML");
                check_values(&page, &values, &written, &mut Vec::new());
                files += 1;
            }
        }
        for command in commands(&text).into_iter().filter(|it| it.starts_with("helm ")) {
            for setting in command.split(" --set ").skip(1) {
                let name = setting.split('=').next().unwrap_or_default();
                let path: Vec<&str> = name.split('.').collect();
                assert!(is_value(&values, &path), "{page}: --set {name}");
                settings += 1;
            }
        }
    }
    assert!(files > 3 && settings > 1, "{files} files and {settings} settings were found");
}

/// Messages of Lanyard that pages quote, so that they can be searched for.
const QUOTED: [(&str, &str); 11] = [
    ("stores.md", "store operation failed"),
    ("stores.md", "the database waits for the holder of the Lease"),
    ("stores.md", "needs a release of format"),
    ("stores.md", "is in use by another process"),
    ("troubleshooting.md", "is in use by another process"),
    ("troubleshooting.md", "is damaged"),
    ("troubleshooting.md", "Unknown application"),
    ("troubleshooting.md", " is not registered for this application"),
    ("troubleshooting.md", "Unknown issuer"),
    ("troubleshooting.md", "Page not found"),
    ("troubleshooting.md", "it must expire within an hour"),
];

/// Appends all source code, with the line breaks of long strings removed.
fn append_sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            append_sources(&path, all);
        } else {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let joined = text.split("\\\n").map(str::trim_start).collect::<String>();
            all.push_str(&joined);
        }
    }
}

#[test]
fn every_quoted_message_exists_in_the_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut source = String::new();
    append_sources(&root.join("src"), &mut source);
    append_sources(&root.join("locales"), &mut source);
    for (page, message) in QUOTED {
        let text = fs::read_to_string(root.join("docs").join(page)).expect("readable");
        assert!(text.contains(message), "docs/{page} does not quote {message:?} any more");
        assert!(
            source.contains(message),
            "docs/{page} quotes {message:?}, which Lanyard does not write"
        );
    }
}
