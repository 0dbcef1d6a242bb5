//! Reads objects and problems from manifest files.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    path::{Path, PathBuf},
};

use k8s_openapi::{
    ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_yaml::Value;

use super::{FileProblem, ManifestObject, fields};
use crate::{
    api::{GROUP, VERSION, with_kind},
    model::ObjectKind,
    source::deserialize_errors,
};

/// Maximum size of a file in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Maximum depth of nested folders.
const MAX_DEPTH: usize = 16;

/// The manifest file itself, or every `*.yaml` and `*.yml` file below a folder, in a stable order.
/// Skips hidden files and backup files of editors.
pub fn find(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Found::default();
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
struct Found {
    files: Vec<PathBuf>,
    /// Real paths of the folders visited, to detect loops of symlinks.
    folders: BTreeSet<PathBuf>,
}

impl Found {
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
            let is_yaml =
                path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
            if path.is_dir() {
                self.collect(&path, depth + 1)?;
            } else if is_yaml {
                self.files.push(path);
            }
        }
        Ok(())
    }
}

/// Reads a regular file that is not too large.
pub fn read(file: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other("larger than 4 MiB"));
    }
    Ok(bytes)
}

/// Reads the documents of a file. A document that cannot be read is a problem; the others are
/// returned.
pub fn parse(file: &Path) -> (Vec<ManifestObject>, Vec<FileProblem>) {
    parse_read(file, &read(file))
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
    let mut reader = Reader { file, objects: Vec::new(), problems: Vec::new() };
    for (number, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let name = format!("document {}", number + 1);
        match Value::deserialize(document) {
            Ok(Value::Null) => {}
            Ok(value) => reader.document(&name, value),
            Err(error) => {
                let problem = FileProblem::new(file, name, format!("is not YAML: {error}"));
                reader.problems.push(problem);
                break; // The parser cannot continue after a syntax error.
            }
        }
    }
    (reader.objects, reader.problems)
}

struct Reader<'f> {
    file: &'f Path,
    objects: Vec<ManifestObject>,
    problems: Vec<FileProblem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Named,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: Option<String>,
}

impl Reader<'_> {
    fn document(&mut self, document: &str, value: Value) {
        let Ok(header) = Header::deserialize(&value) else {
            return self
                .problem(document, "is not a Kubernetes object (apiVersion, kind, metadata)");
        };
        let Header { api_version, kind, metadata } = &header;
        if kind == "List" && api_version == "v1" {
            let items = value.get("items").and_then(Value::as_sequence).cloned();
            for item in items.unwrap_or_default() {
                self.document(document, item);
            }
            return;
        }
        let namespace = metadata.namespace.as_deref().unwrap_or("default");
        let object = format!("{kind} {namespace}/{}", metadata.name);
        let ours = format!("{GROUP}/{VERSION}");
        let known_kind = match (api_version.as_str(), ObjectKind::from_name(kind)) {
            (version, Some(kind @ ObjectKind::Managed(_))) if version == ours => kind,
            ("v1", Some(kind @ (ObjectKind::Secret | ObjectKind::Namespace))) => kind,
            (version, Some(ObjectKind::Managed(_))) => {
                let text = format!("has apiVersion {version:?}; use {ours:?}");
                return self.problem(&object, &text);
            }
            (version, _) if version.split('/').next() == Some(GROUP) => {
                return self.problem(&object, &fields::unknown_kind(kind));
            }
            _ => {
                let mut problem = FileProblem::new(
                    self.file,
                    object,
                    "ignored, because its kind is not supported",
                );
                problem.warning = true;
                return self.problems.push(problem);
            }
        };
        if metadata.name.is_empty() {
            return self.problem(document, "has no metadata.name");
        }
        if let Some((field, message)) = fields::unusable_name(&metadata.name, namespace) {
            let problem = FileProblem::new(self.file, &object, message);
            return self.problems.push(FileProblem { field: field.to_owned(), ..problem });
        }
        let read = match known_kind {
            ObjectKind::Managed(kind) => with_kind!(kind, K => {
                let read = self.read::<Box<K>>(&object, value);
                read.map(|it| ManifestObject::Managed(it.into()))
            }),
            ObjectKind::Secret => self.read(&object, value).map(ManifestObject::Secret),
            ObjectKind::Namespace => self.read(&object, value).map(ManifestObject::Namespace),
        };
        if let Some(mut read) = read {
            complete(&mut read);
            self.objects.push(read);
        }
    }

    /// Deserializes an object, and reports unknown fields.
    fn read<T: DeserializeOwned>(&mut self, object: &str, value: Value) -> Option<T> {
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
        let read: Result<T, _> =
            serde_ignored::deserialize(tracked, |path| unknown.push(path.to_string()));
        // The derived types do not declare these two fields.
        unknown.retain(|field| field != "apiVersion" && field != "kind");
        let found_unknown = !unknown.is_empty();
        let kind = object.split(' ').next().unwrap_or_default();
        for ignored in unknown {
            let (field, message) = fields::unknown(kind, &ignored);
            self.problems
                .push(FileProblem { field, ..FileProblem::new(self.file, object, message) });
        }
        match read {
            Ok(read) => (!found_unknown).then_some(read),
            Err(error) => {
                let (field, message) =
                    deserialize_errors::remedy(&track.path().to_string(), &error.to_string());
                self.problems
                    .push(FileProblem { field, ..FileProblem::new(self.file, object, message) });
                None
            }
        }
    }

    fn problem(&mut self, object: &str, message: &str) {
        self.problems.push(FileProblem::new(self.file, object, message));
    }
}

/// Sets defaults as an API server would.
fn complete(object: &mut ManifestObject) {
    let namespaced = |metadata: &mut ObjectMeta| {
        metadata.namespace.get_or_insert_with(|| "default".to_owned());
    };
    match object {
        ManifestObject::Managed(object) => namespaced(object.metadata_mut()),
        ManifestObject::Secret(secret) => {
            namespaced(&mut secret.metadata);
            merge_string_data(secret);
        }
        ManifestObject::Namespace(namespace) => {
            let name = namespace.metadata.name.clone().unwrap_or_default();
            let labels = namespace.metadata.labels.get_or_insert_default();
            labels.insert("kubernetes.io/metadata.name".to_owned(), name);
        }
    }
}

fn merge_string_data(secret: &mut Secret) {
    let data = secret.data.get_or_insert_default();
    for (name, value) in secret.string_data.take().unwrap_or_default() {
        data.insert(name, ByteString(value.into_bytes()));
    }
}
