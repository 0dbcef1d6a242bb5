//! Finds and reads manifest files.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{FileProblem, ManifestObject, documents::split_documents, objects::ObjectReader};

/// Maximum size of a file in bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Maximum depth of nested folders.
const MAX_DEPTH: usize = 16;

/// The endings of manifest files, in lower case.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// The manifest file itself, or every `*.yaml`, `*.yml` and `*.json` file below a folder, in a stable
/// order.
/// Skips hidden files and backup files of editors.
pub fn find_manifest_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = ManifestSearch::default();
    if path.is_dir() {
        found.collect(path, 0)?;
    } else {
        std::fs::metadata(path)?;
        found.files.push(path.to_owned());
    }
    found.files.sort();
    Ok(found.files)
}

#[derive(Default)]
struct ManifestSearch {
    files: Vec<PathBuf>,
    /// Real paths of the folders visited, to detect loops of symlinks.
    folders: BTreeSet<PathBuf>,
}

impl ManifestSearch {
    fn collect(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH || !self.folders.insert(folder.canonicalize()?) {
            return Ok(());
        }
        let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
        let mut paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if name.is_none_or(|name| name.starts_with(['.', '#']) || name.ends_with('~')) {
                continue;
            }
            if path.is_dir() {
                self.collect(&path, depth + 1)?;
            } else if is_manifest(&path) {
                self.files.push(path);
            }
        }
        Ok(())
    }
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// Reads a regular file that is not too large.
pub fn read_manifest_file(file: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    read_manifest_stream(std::fs::File::open(file)?)
}

/// Reads a stream that is not too large.
pub fn read_manifest_stream(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other("larger than 64 MiB"));
    }
    Ok(bytes)
}

/// Reads the documents of a file. A document that cannot be read is a problem; the others are
/// returned.
pub fn parse_manifest_file(file: &Path) -> (Vec<ManifestObject>, Vec<FileProblem>) {
    parse_read(file, &read_manifest_file(file))
}

/// Like [`parse`], for the result of [`read`].
pub fn parse_read(
    file: &Path,
    read: &io::Result<Vec<u8>>,
) -> (Vec<ManifestObject>, Vec<FileProblem>) {
    let text = match read {
        Ok(bytes) => std::str::from_utf8(bytes)
            .map_err(|error| format!("is not UTF-8 after byte {}", error.valid_up_to())),
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    match text {
        Ok(text) => parse_text(file, text),
        Err(message) => (Vec::new(), vec![FileProblem::new(file, "file", message)]),
    }
}

/// Like [`parse`], for text that was read from `file`.
pub fn parse_text(file: &Path, text: &str) -> (Vec<ManifestObject>, Vec<FileProblem>) {
    let mut reader = ObjectReader::new(file);
    for (number, document) in split_documents(text).iter().enumerate() {
        reader.document(number + 1, document);
    }
    reader.finish()
}
