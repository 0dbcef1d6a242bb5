//! Writes the pages of `docs/reference` from the code, so that they cannot contradict it.

mod audit;
mod fields;
mod flags;
mod logs;
mod markdown;
mod metrics;
mod reasons;
mod schema;
mod values;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};
use lanyard::{
    api::custom_resource_definitions,
    cli::Cli,
    telemetry::{METRICS, audit_schema},
};

const VALUES: &str = include_str!("../../../charts/lanyard/values.yaml");
const VALUES_SCHEMA: &str = include_str!("../../../charts/lanyard/values.schema.json");

/// Writes the reference pages of Lanyard to a folder.
#[derive(Parser)]
struct Args {
    /// Folder of the pages
    dir: PathBuf,
}

/// A page of the reference.
struct Page {
    file: String,
    about: &'static str,
    source: &'static str,
    text: String,
}

impl Page {
    /// The content of the file: a note for editors, and the text. A file that is not Markdown
    /// has the text only.
    fn complete(&self) -> String {
        let Self { source, text, .. } = self;
        if !self.is_markdown() {
            return text.clone();
        }
        format!("<!-- Generated from {source} by `make references`. Do not edit. -->\n\n{text}")
    }

    fn is_markdown(&self) -> bool {
        Path::new(&self.file).extension().is_some_and(|extension| extension == "md")
    }

    fn title(&self) -> &str {
        if self.is_markdown() {
            self.text.lines().next().unwrap_or_default().trim_start_matches("# ")
        } else {
            &self.file
        }
    }
}

fn main() -> Result<()> {
    let Args { dir } = Args::parse();
    fs::create_dir_all(&dir).with_context(|| format!("creating the folder {}", dir.display()))?;
    for page in pages()? {
        let path = dir.join(&page.file);
        fs::write(&path, page.complete()).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// All pages, with the index.
fn pages() -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    for (name, yaml) in custom_resource_definitions() {
        let definition = serde_yaml::from_str(&yaml).context(name.clone())?;
        pages.push(Page {
            file: format!("{}.md", fields::singular(&definition)?),
            about: "fields of the kind, its columns and validation rules",
            source: "src/api",
            text: fields::page(&definition).context(name.clone())?,
        });
    }
    let page =
        |file: &str, about, source, text| Page { file: file.to_owned(), about, source, text };
    pages.push(page(
        "cli.md",
        "commands, flags and environment variables",
        "src/cli.rs",
        flags::page(Cli::command()),
    ));
    pages.push(page(
        "chart-values.md",
        "values of the Helm chart",
        "charts/lanyard/values.yaml and values.schema.json",
        values::page(VALUES, VALUES_SCHEMA)?,
    ));
    pages.push(page(
        "metrics.md",
        "names, types, labels and their values",
        "src/telemetry/descriptions.rs and labels.rs",
        metrics::page(METRICS),
    ));
    pages.push(page(
        "events-and-conditions.md",
        "types and reasons of conditions, reasons of Events, each with its remedy",
        "src/api/conditions.rs, condition_reasons.rs and event_reasons.rs",
        reasons::page(),
    ));
    pages.extend(log_pages());
    let index = index(&pages);
    pages.push(page("README.md", "", "tools/reference", index));
    Ok(pages)
}

/// The pages of the log and its audit lines.
fn log_pages() -> [Page; 3] {
    let schema = audit_schema();
    let page = |file: &str, about, text| {
        let source =
            if file == "logs.md" { "src/telemetry/log_fields.rs" } else { "src/model/audit" };
        Page { file: file.to_owned(), about, source, text }
    };
    [
        page("logs.md", "formats, fields and targets of log lines", logs::page()),
        page(
            "audit-events.md",
            "security events, each with the members of its audit line",
            audit::page(&schema),
        ),
        page("audit-events.schema.json", "JSON Schema of audit lines", audit::schema_file(&schema)),
    ]
}

fn index(pages: &[Page]) -> String {
    let rows: Vec<[String; 2]> = pages
        .iter()
        .map(|page| [format!("[{}]({})", page.title(), page.file), page.about.to_owned()])
        .collect();
    format!(
        "# Reference\n\nThese pages are generated from the code and the chart of this version.\n\n{}",
        markdown::table(["Page", "Contents"], &rows)
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_committed_pages_are_those_of_the_code() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
        let pages = pages().expect("pages");
        for page in &pages {
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::create_dir_all(&folder).expect("a folder");
                fs::write(folder.join(&page.file), page.complete()).expect("written");
            }
            let committed = fs::read_to_string(folder.join(&page.file)).unwrap_or_default();
            let expected = page.complete();
            let changed = committed.lines().zip(expected.lines()).find(|(old, new)| old != new);
            assert!(
                committed == expected,
                "docs/reference/{} is out of date, run `make references`; the first line that differs: {changed:#?}",
                page.file
            );
        }
        let expected: BTreeSet<String> = pages.into_iter().map(|page| page.file).collect();
        let entries = fs::read_dir(folder).expect("a folder");
        let files = entries.map(|entry| entry.expect("an entry").file_name().into_string());
        let files: BTreeSet<String> = files.map(|name| name.expect("a name in UTF-8")).collect();
        assert_eq!(files, expected, "docs/reference has files that are not generated");
    }
}
