//! The content of manifest files. A file that cannot be read keeps its last objects, and the error
//! is logged once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::cached_objects::{AppliedStatus, CachedManifest, collect_objects};
use crate::{
    api::{CachedSecret, ObjectSet, StatusDigest},
    model::{ObjectRef, sha256},
    source::{
        StatusUpdate,
        manifests::{self, FileProblem, ManifestObject},
    },
};

/// Validates a single object as an API server would: fields and messages.
pub(crate) type ManifestValidator =
    Box<dyn Fn(&ObjectRef, &CachedManifest) -> Vec<(String, String)> + Send>;

/// The files as last read, by path.
pub(super) struct ManifestFiles {
    read: BTreeMap<PathBuf, File>,
    /// Whether a folder could not be listed, so that there may be unknown files.
    unlisted: bool,
    validate: ManifestValidator,
}

struct File {
    hash: [u8; 32],
    objects: Vec<(ObjectRef, CachedManifest)>,
    /// Whether the file has never been read completely.
    partial: bool,
}

impl ManifestFiles {
    /// Creates an empty set of files.
    pub(super) fn new(validate: ManifestValidator) -> Self {
        Self { read: BTreeMap::new(), unlisted: false, validate }
    }

    /// Reads changed files in some folders. Returns true if any object may have changed.
    pub(super) fn reload(&mut self, folders: &[&Path]) -> bool {
        let mut changed = false;
        let mut present = Vec::new();
        let was_unlisted = std::mem::take(&mut self.unlisted);
        for folder in folders {
            match manifests::find_manifest_files(folder) {
                Ok(found) => present.extend(found),
                Err(error) => {
                    self.unlisted = true;
                    if !was_unlisted {
                        let folder = folder.display();
                        tracing::error!(%folder, %error, "cannot read the folder; using its last state");
                    }
                    let last = self.read.keys().filter(|path| path.starts_with(folder));
                    present.extend(last.cloned().collect::<Vec<_>>());
                }
            }
        }
        for path in &present {
            changed |= self.reload_file(path);
        }
        let before = self.read.len();
        self.read.retain(|path, _| present.contains(path));
        changed |= self.read.len() != before || self.unlisted != was_unlisted;
        if changed {
            self.report_duplicates();
        }
        changed
    }

    fn reload_file(&mut self, path: &Path) -> bool {
        let read = manifests::read_manifest_file(path);
        // A read error is logged once for each cause.
        let why = read.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let content = read.as_deref().unwrap_or(why.as_bytes());
        let hash = sha256(content);
        if self.read.get(path).is_some_and(|file| file.hash == hash) {
            return false;
        }
        let (objects, problems) = manifests::parse_read(path, &read);
        for problem in &problems {
            log(problem);
        }
        let mut broken = problems.iter().any(|problem| !problem.warning);
        // Programs that write in place truncate the file first. To remove its objects, delete the
        // file.
        broken |= content.is_empty() && self.read.contains_key(path);
        let file_name = path.display();
        if let Some(file) = self.read.get_mut(path) {
            if broken {
                file.hash = hash;
                tracing::warn!(file = %file_name, "using the last valid state of the file");
                return false;
            }
            tracing::info!(file = %file_name, "file changed");
        }
        let before = self.read.remove(path).map(|file| file.objects).unwrap_or_default();
        let objects = self.shown(path, objects, &before);
        self.read.insert(path.to_owned(), File { hash, objects, partial: broken });
        true
    }

    /// The objects of a file, given its previous ones. A rejected edit keeps the previous object.
    fn shown(
        &self,
        path: &Path,
        objects: Vec<ManifestObject>,
        before: &[(ObjectRef, CachedManifest)],
    ) -> Vec<(ObjectRef, CachedManifest)> {
        let before: BTreeMap<_, _> = before.iter().map(|(of, shown)| (of, shown)).collect();
        let mut objects: Vec<_> = objects.into_iter().map(CachedManifest::of).collect();
        for (reference, shown) in &mut objects {
            let Some(before) = before.get(reference) else { continue };
            if self.refuses(path, reference, shown, before) {
                *shown = (*before).clone();
            } else {
                shown.take_over(before);
            }
        }
        objects
    }

    /// Returns true if an API server would reject an edit, and logs the reasons.
    fn refuses(
        &self,
        path: &Path,
        reference: &ObjectRef,
        edited: &CachedManifest,
        before: &CachedManifest,
    ) -> bool {
        if edited.same_desired_state(before) {
            return false;
        }
        let refused = (self.validate)(reference, edited);
        // If the previous object was invalid too, use the new one as far as possible.
        if refused.is_empty() || !(self.validate)(reference, before).is_empty() {
            return false;
        }
        for (field, message) in refused {
            let problem = FileProblem::new(path, reference.to_string(), message);
            log(&FileProblem { field, ..problem });
        }
        let file = path.display();
        tracing::warn!(%file, object = %reference, "using the last valid state of the object");
        true
    }

    fn all(&self) -> impl Iterator<Item = (&Path, &ObjectRef, &CachedManifest)> {
        self.read.iter().flat_map(|(path, file)| {
            file.objects.iter().map(|(reference, shown)| (path.as_path(), reference, shown))
        })
    }

    fn report_duplicates(&self) {
        let mut seen: BTreeMap<&ObjectRef, &Path> = BTreeMap::new();
        for (path, reference, _) in self.all() {
            if let Some(first) = seen.get(reference) {
                let (file, used) = (path.display(), first.display());
                let object = reference;
                tracing::error!(%file, %object, used_file = %used, "duplicate object; remove it from one of the files");
            } else {
                seen.insert(reference, path);
            }
        }
    }

    /// The file that contains an object.
    pub(super) fn file_of(&self, reference: &ObjectRef) -> Option<PathBuf> {
        let mut all = self.all();
        all.find(|(_, of, _)| *of == reference).map(|(path, ..)| path.to_owned())
    }

    /// The Secret of this namespace and name in any file; `None` if no file has it.
    pub(super) fn secret(&self, reference: &ObjectRef) -> Option<&CachedSecret> {
        self.all().find_map(|(_, of, shown)| match shown {
            CachedManifest::Secret(secret) if of == reference => Some(secret),
            _ => None,
        })
    }

    /// Sets the status of an object.
    pub(super) fn apply_status(
        &mut self,
        reference: &ObjectRef,
        status: &StatusUpdate,
    ) -> Option<AppliedStatus> {
        let mut all = self.read.values_mut().flat_map(|file| &mut file.objects);
        all.find(|(of, _)| of == reference).map(|(_, shown)| shown.apply_status(status))
    }

    /// The digest of an object's status.
    pub(super) fn status_digest(&self, reference: &ObjectRef) -> Option<&StatusDigest> {
        self.all().find(|(_, of, _)| *of == reference).and_then(|(.., shown)| shown.status_digest())
    }

    /// All objects. If two have the same name, the first is used.
    pub(super) fn objects(&self) -> ObjectSet {
        let incomplete = self.unlisted || self.read.values().any(|file| file.partial);
        let all = self.all().map(|(_, reference, shown)| (reference.clone(), shown.clone()));
        ObjectSet { incomplete, ..collect_objects(all) }
    }
}

/// Logs a problem with a manifest.
fn log(problem: &FileProblem) {
    let FileProblem { file, line, object, field, message, warning } = problem;
    let file = file.display();
    let message = line.map_or_else(|| message.clone(), |line| format!("line {line}: {message}"));
    let field = Some(field.as_str()).filter(|field| !field.is_empty()).map(tracing::field::display);
    if *warning {
        tracing::warn!(%file, %object, field, error = %message, "questionable manifest");
    } else {
        tracing::error!(%file, %object, field, error = %message, "invalid manifest");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_listed_makes_the_view_incomplete() {
        let parent = tempfile::tempdir().expect("a folder");
        let missing = parent.path().join("mounted-later");
        let mut files = ManifestFiles::new(Box::new(|_, _| Vec::new()));
        assert!(files.reload(&[&missing]));
        assert!(files.objects().incomplete);
        std::fs::create_dir(&missing).expect("made");
        assert!(files.reload(&[&missing]), "the view is incomplete now");
        assert!(!files.objects().incomplete);
    }
}
