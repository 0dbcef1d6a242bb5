//! `lanyard import`: reads the configuration of another provider and writes manifests.
//!
//! Manifests go to standard output or to files, notes to standard error. Notes do not change the
//! exit status: a source that cannot be read at all gives 2.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    cli::{ImportSource, ImportTargetArgs},
    import::{
        ImportNote, ImportOptions, ImportResult, ImportedManifest, import_dex, import_keycloak,
    },
    source::manifests::{self, ForeignDocument},
};

/// Exit status for a source that cannot be read.
const UNREADABLE: u8 = 2;
const STANDARD_INPUT: &str = "-";

/// Runs `lanyard import`: prints or writes the manifests, and prints notes to standard error.
pub fn run_import(source: &ImportSource) -> Result<ExitCode> {
    let (files, target) = match source {
        ImportSource::Dex(args) => (std::slice::from_ref(&args.config), &args.target),
        ImportSource::Keycloak(args) => (args.files.as_slice(), &args.target),
    };
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        match read_text(file) {
            Ok(text) => texts.push(text),
            Err(error) => return Ok(refuse_source(file, &error.to_string())),
        }
    }
    let mut documents = Vec::with_capacity(files.len());
    for (file, text) in files.iter().zip(&texts) {
        match ForeignDocument::read(text) {
            Ok(document) => documents.push(document),
            Err(error) => return Ok(refuse_source(file, &error.to_string())),
        }
    }
    let options = ImportOptions {
        tenant: target.tenant.clone(),
        namespace: target.namespace.clone(),
        issuer: target.issuer.clone(),
    };
    let values: Vec<Value> = documents.iter().map(|document| document.value.clone()).collect();
    let imported = match (source, values.as_slice()) {
        (ImportSource::Dex(_), [config]) => import_dex(config, &options),
        _ => import_keycloak(&values, &options),
    };
    match imported {
        Ok(imported) => {
            report_notes(&imported.notes, files, &documents)?;
            write_manifests(&imported, target)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Ok(refuse_source(&files[0], &error.to_string())),
    }
}

/// A source cannot be read as text.
#[derive(Debug, thiserror::Error)]
enum SourceTextError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The number of bytes before the first that is not UTF-8.
    #[error("is not UTF-8 after byte {0}")]
    NotUtf8(usize),
}

/// The text of a file or of standard input.
fn read_text(file: &Path) -> Result<String, SourceTextError> {
    let bytes = if file == Path::new(STANDARD_INPUT) {
        manifests::read_manifest_stream(io::stdin().lock())
    } else {
        manifests::read_manifest_file(file)
    };
    String::from_utf8(bytes?)
        .map_err(|error| SourceTextError::NotUtf8(error.utf8_error().valid_up_to()))
}

fn refuse_source(file: &Path, message: &str) -> ExitCode {
    eprintln!("lanyard: {}: {message}", file.display());
    ExitCode::from(UNREADABLE)
}

/// Prints each note as `file:line: field: message`, in the order of the source.
fn report_notes(
    notes: &[ImportNote],
    files: &[PathBuf],
    documents: &[ForeignDocument<'_>],
) -> Result<()> {
    let mut output = io::stderr().lock();
    for (number, (file, document)) in files.iter().zip(documents).enumerate() {
        let notes: Vec<&ImportNote> = notes.iter().filter(|note| note.file == number).collect();
        let lines = document.field_lines(notes.iter().map(|note| note.pointer.as_str()));
        let mut lines: Vec<(Option<usize>, &ImportNote)> = lines.into_iter().zip(notes).collect();
        lines.sort_by_key(|(line, _)| *line);
        for (line, note) in lines {
            write!(output, "{}:", file.display())?;
            if let Some(line) = line {
                write!(output, "{line}:")?;
            }
            let field = note.field();
            let field = if field.is_empty() { field } else { format!("{field}: ") };
            writeln!(output, " {field}{}", note.message)?;
        }
    }
    Ok(())
}

/// Writes the manifests to standard output, or each to a separate file.
fn write_manifests(imported: &ImportResult, target: &ImportTargetArgs) -> Result<()> {
    let Some(folder) = &target.out else {
        let documents = imported.manifests.iter().map(|it| manifests::to_yaml(&it.object));
        let text = documents.collect::<Vec<_>>().join("---\n");
        io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(());
    };
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for manifest in &imported.manifests {
        let path = folder.join(file_name(manifest));
        write_private(&path, &manifests::to_yaml(&manifest.object))
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn file_name(manifest: &ImportedManifest) -> String {
    format!("{}-{}.yaml", manifest.kind.to_ascii_lowercase(), manifest.name)
}

/// Writes a file that only its owner can read, because Secrets are among them.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
