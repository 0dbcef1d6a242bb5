//! Reads Kubernetes objects and problems from the documents of a file.

use std::path::Path;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    FileProblem, ManifestObject, defaults,
    documents::{DocumentContent, ManifestDocument},
    fields,
    sops::{self, SopsMetadata},
    yaml::YamlPathStep,
};
use crate::{
    api::{GROUP, VERSION, with_kind},
    model::ObjectKind,
    source::deserialize_errors,
};

/// Maximum number of problems of a file whose lines are looked up: each look-up reads the document
/// again.
const MAX_LOCATED: usize = 50;

/// Collects the objects and problems of a file.
pub(super) struct ObjectReader<'f> {
    file: &'f Path,
    objects: Vec<ManifestObject>,
    problems: Vec<FileProblem>,
}

/// The place of an object in a file.
struct DocumentPosition<'d> {
    document: &'d ManifestDocument<'d>,
    /// `document 1`, or `document 1, item 2` of a list.
    name: String,
    /// The path of the object within the document.
    path: Vec<YamlPathStep>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    metadata: Option<Named>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
}

impl<'f> ObjectReader<'f> {
    pub(super) fn new(file: &'f Path) -> Self {
        Self { file, objects: Vec::new(), problems: Vec::new() }
    }

    pub(super) fn finish(self) -> (Vec<ManifestObject>, Vec<FileProblem>) {
        (self.objects, self.problems)
    }

    /// Reads the objects of a document.
    pub(super) fn document(&mut self, number: usize, document: &ManifestDocument<'_>) {
        let name = format!("document {number}");
        match &document.content {
            Err(error) => self.problems.push(FileProblem::new(self.file, name, error.to_string())),
            Ok(DocumentContent { value: Value::Null, .. }) => {}
            Ok(DocumentContent { value, duplicates, ignored_from }) => {
                let of_file = |message| FileProblem::new(self.file, &name, message);
                if let Some(line) = ignored_from {
                    let message = format!("ends before line {line}; kubectl ignores what follows");
                    self.problems
                        .push(FileProblem { line: Some(*line), ..of_file(message) }.into_warning());
                }
                for (key, line) in duplicates {
                    let message = format!("contains the key {key:?} twice; remove one");
                    self.problems.push(FileProblem { line: Some(*line), ..of_file(message) });
                }
                if duplicates.is_empty() {
                    self.object(
                        &DocumentPosition { document, name, path: Vec::new() },
                        value.clone(),
                    );
                }
            }
        }
    }

    /// Reads an object or the items of a list.
    fn object(&mut self, place: &DocumentPosition<'_>, mut value: Value) {
        if !value.is_object() {
            let message = "is not a Kubernetes object (apiVersion, kind, metadata)";
            return self.problem(place, &place.name, "", message);
        }
        let header = match deserialize::<Header>(&value, &mut Vec::new()) {
            Ok(header) => header,
            Err((field, message)) => return self.problem(place, &place.name, &field, message),
        };
        let version = header.api_version.unwrap_or_default();
        let kind = header.kind.unwrap_or_default();
        if kind.ends_with("List")
            && let Some(Value::Array(items)) = value.get_mut("items").map(Value::take)
        {
            return self.items(place, items, &version, &kind);
        }
        let Named { name, namespace } = header.metadata.unwrap_or_default();
        let name = name.unwrap_or_default();
        let namespace = namespace.unwrap_or_else(|| "default".to_owned());
        for (field, text) in [("apiVersion", &version), ("kind", &kind)] {
            if text.is_empty() {
                return self.problem(place, &place.name, "", format!("has no {field}"));
            }
        }
        let object = format!("{kind} {namespace}/{name}");
        let Some(known_kind) = self.known_kind(place, &object, &version, &kind) else { return };
        if name.is_empty() {
            return self.problem(place, &place.name, "", "has no metadata.name");
        }
        if let Some((field, message)) = fields::unusable_name(&name, &namespace) {
            return self.problem(place, &object, field, message);
        }
        if let Some(removed) = sops::remove_sops_metadata(&mut value) {
            let problem = FileProblem::new(self.file, &object, removed.message());
            self.problems.push(problem.into_warning());
            if removed == SopsMetadata::Encrypted {
                return;
            }
        }
        let read = match known_kind {
            ObjectKind::Managed(kind) => with_kind!(kind, K => {
                let read = self.read::<Box<K>>(place, &object, &value);
                read.map(|it| ManifestObject::Managed(it.into()))
            }),
            ObjectKind::Secret => {
                defaults::normalize_secret(&mut value);
                self.read(place, &object, &value).map(ManifestObject::Secret)
            }
            ObjectKind::Namespace => {
                self.read(place, &object, &value).map(ManifestObject::Namespace)
            }
            ObjectKind::ConfigMap => None,
        };
        if let Some(mut read) = read {
            defaults::apply_defaults(&mut read);
            self.objects.push(read);
        }
    }

    /// Reads the items of a list. Those of a `TenantList` need no kind of their own.
    fn items(
        &mut self,
        place: &DocumentPosition<'_>,
        items: Vec<Value>,
        version: &str,
        kind: &str,
    ) {
        for (index, mut item) in items.into_iter().enumerate() {
            if let (Value::Object(fields), Some(kind)) = (&mut item, kind.strip_suffix("List"))
                && !kind.is_empty()
            {
                fields.entry("kind").or_insert_with(|| kind.into());
                fields.entry("apiVersion").or_insert_with(|| version.into());
            }
            let name = format!("{}, item {}", place.name, index + 1);
            let below = [YamlPathStep::Key("items".to_owned()), YamlPathStep::Index(index)];
            let path = [place.path.as_slice(), &below].concat();
            self.object(&DocumentPosition { document: place.document, name, path }, item);
        }
    }

    /// The kind of an object. Other kinds are a problem if they are of Lanyard's group, else a
    /// warning.
    fn known_kind(
        &mut self,
        place: &DocumentPosition<'_>,
        object: &str,
        version: &str,
        kind: &str,
    ) -> Option<ObjectKind> {
        let ours = format!("{GROUP}/{VERSION}");
        let message = match (version, ObjectKind::from_name(kind)) {
            (version, Some(kind @ ObjectKind::Managed(_))) if version == ours => return Some(kind),
            ("v1", Some(kind @ (ObjectKind::Secret | ObjectKind::Namespace))) => return Some(kind),
            (version, Some(ObjectKind::Managed(_))) => {
                format!("has apiVersion {version:?}; use {ours:?}")
            }
            (version, _) if version.split('/').next() == Some(GROUP) => fields::unknown_kind(kind),
            _ => {
                let message = "ignored, because its kind is not supported";
                let problem = FileProblem::new(self.file, object, message);
                self.problems.push(problem.into_warning());
                return None;
            }
        };
        self.problem(place, object, "", message);
        None
    }

    /// Deserializes an object, and reports unknown fields.
    fn read<T: DeserializeOwned>(
        &mut self,
        place: &DocumentPosition<'_>,
        object: &str,
        value: &Value,
    ) -> Option<T> {
        let kind = object.split(' ').next().unwrap_or_default();
        let mut unknown = Vec::new();
        let read = deserialize::<T>(value, &mut unknown);
        // The derived types do not declare these two fields.
        unknown.retain(|field| field != "apiVersion" && field != "kind");
        let before = self.problems.len();
        for field in &unknown {
            let (field, message) = fields::unknown_field(kind, field);
            self.problem(place, object, &field, message);
        }
        self.problems[before..].sort_by_key(|problem| problem.line);
        match read {
            Ok(read) => unknown.is_empty().then_some(read),
            Err((field, message)) => {
                self.problem(place, object, &field, message);
                None
            }
        }
    }

    /// Adds a problem with a field of an object.
    fn problem(
        &mut self,
        place: &DocumentPosition<'_>,
        object: &str,
        field: &str,
        message: impl Into<String>,
    ) {
        let line = (self.problems.len() < MAX_LOCATED).then(|| {
            let path = [place.path.as_slice(), &steps(field)].concat();
            place.document.field_line(&path)
        });
        let problem = FileProblem::new(self.file, object, message);
        self.problems.push(FileProblem {
            field: field.to_owned(),
            line: line.flatten(),
            ..problem
        });
    }
}

/// Deserializes a value, and collects the fields that are unknown. An error names the field and the
/// fix.
fn deserialize<T: DeserializeOwned>(
    value: &Value,
    unknown: &mut Vec<String>,
) -> Result<T, (String, String)> {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    let read = serde_ignored::deserialize(tracked, |path| unknown.push(path.to_string()));
    read.map_err(|error: serde_json::Error| {
        deserialize_errors::deserialize_remedy(&track.path().to_string(), &error.to_string())
    })
}

/// The steps of a path in manifest notation (`spec.list[0].field`). A key with a dot becomes two
/// steps, which only makes its line less exact.
fn steps(field: &str) -> Vec<YamlPathStep> {
    let parts = field.split(['.', '[']).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.strip_suffix(']').and_then(|index| index.parse().ok()) {
            Some(index) => YamlPathStep::Index(index),
            None => YamlPathStep::Key(part.to_owned()),
        })
        .collect()
}
