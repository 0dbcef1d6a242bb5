//! What the files hold. A file that cannot be read keeps its last objects, and says so once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;

use super::cached_objects::{CachedManifest, collect};
use crate::{
    api::{CachedSecret, ObjectSet, StatusDigest},
    model::ObjectRef,
    source::{
        StatusUpdate,
        manifests::{self, FileProblem, ManifestObject},
    },
};

/// What an API server would refuse of an object by itself: fields, and what to do about them.
pub(crate) type ManifestValidator =
    Box<dyn Fn(&ObjectRef, &CachedManifest) -> Vec<(String, String)> + Send>;

/// Files as last read, by path.
pub(super) struct ManifestFiles {
    read: BTreeMap<PathBuf, File>,
    /// Whether a folder could not be listed: then files may be there that are not known.
    unlisted: bool,
    judge: ManifestValidator,
}

struct File {
    hash: [u8; 32],
    objects: Vec<(ObjectRef, CachedManifest)>,
    /// Whether it was never read whole.
    partial: bool,
}

impl ManifestFiles {
    /// No files yet.
    pub(super) fn new(judge: ManifestValidator) -> Self {
        Self { read: BTreeMap::new(), unlisted: false, judge }
    }

    /// Reads the files of some folders that changed; whether any object may be another now.
    pub(super) fn reload(&mut self, folders: &[&Path]) -> bool {
        let mut changed = false;
        let mut present = Vec::new();
        let was_unlisted = std::mem::take(&mut self.unlisted);
        for folder in folders {
            match manifests::find(folder) {
                Ok(found) => present.extend(found),
                Err(error) => {
                    self.unlisted = true;
                    if !was_unlisted {
                        let folder = folder.display();
                        tracing::error!(
                            "{folder}: cannot be read ({error}); its last state stays in force"
                        );
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
        let read = manifests::read(path);
        let mut hash = [0; 32];
        // What cannot be read is told once a reason.
        let why = read.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let content = read.as_deref().unwrap_or(why.as_bytes());
        hash.copy_from_slice(digest::digest(&digest::SHA256, content).as_ref());
        if self.read.get(path).is_some_and(|file| file.hash == hash) {
            return false;
        }
        let (objects, problems) = manifests::parse_read(path, &read);
        for problem in &problems {
            if problem.warning {
                tracing::warn!("{problem}");
            } else {
                tracing::error!("{problem}");
            }
        }
        let mut broken = problems.iter().any(|problem| !problem.warning);
        // Programs that write in place begin by emptying the file; whoever means it deletes it.
        broken |= content.is_empty() && self.read.contains_key(path);
        let name = path.display();
        if let Some(file) = self.read.get_mut(path) {
            if broken {
                file.hash = hash;
                tracing::warn!("{name}: its last good state stays in force");
                return false;
            }
            tracing::info!("{name}: changed");
        }
        let before = self.read.remove(path).map(|file| file.objects).unwrap_or_default();
        let objects = self.shown(path, objects, &before);
        self.read.insert(path.to_owned(), File { hash, objects, partial: broken });
        true
    }

    /// The objects of a file, given those of its last state: of a refused edit the object stays.
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

    /// Whether an API server would refuse an edit, and why it would.
    fn refuses(
        &self,
        path: &Path,
        reference: &ObjectRef,
        edited: &CachedManifest,
        before: &CachedManifest,
    ) -> bool {
        if edited.declares_what(before) {
            return false;
        }
        let refused = (self.judge)(reference, edited);
        // What was refused before is no good state: the new one is served as far as it can be.
        if refused.is_empty() || !(self.judge)(reference, before).is_empty() {
            return false;
        }
        for (field, message) in refused {
            let problem = FileProblem::new(path, reference.to_string(), message);
            tracing::error!("{}", FileProblem { field, ..problem });
        }
        tracing::warn!("{}: {reference}: its last good state stays in force", path.display());
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
                let (path, first) = (path.display(), first.display());
                tracing::error!(
                    "{path}: {reference}: is in {first} too, and that one counts; take one of them out"
                );
            } else {
                seen.insert(reference, path);
            }
        }
    }

    /// Where an object is.
    pub(super) fn file_of(&self, reference: &ObjectRef) -> Option<PathBuf> {
        let mut all = self.all();
        all.find(|(_, of, _)| *of == reference).map(|(path, ..)| path.to_owned())
    }

    /// A Secret.
    pub(super) fn secret(&self, reference: &ObjectRef) -> Option<&CachedSecret> {
        self.all().find_map(|(_, of, shown)| match shown {
            CachedManifest::Secret(secret) if of == reference => Some(secret),
            _ => None,
        })
    }

    /// Shows a status of an object; what the one before said.
    pub(super) fn tell(
        &mut self,
        reference: &ObjectRef,
        status: &StatusUpdate,
    ) -> Option<StatusDigest> {
        let mut all = self.read.values_mut().flat_map(|file| &mut file.objects);
        all.find(|(of, _)| of == reference).map(|(_, shown)| shown.tell(status))
    }

    /// What the status of an object said.
    pub(super) fn told(&self, reference: &ObjectRef) -> Option<&StatusDigest> {
        self.all().find(|(_, of, _)| *of == reference).and_then(|(.., shown)| shown.told())
    }

    /// Everything; of two objects of one name the first counts.
    pub(super) fn objects(&self) -> ObjectSet {
        let incomplete = self.unlisted || self.read.values().any(|file| file.partial);
        let all = self.all().map(|(_, reference, shown)| (reference.clone(), shown.clone()));
        ObjectSet { incomplete, ..collect(all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_listed_may_hold_more_than_is_seen() {
        let parent = tempfile::tempdir().expect("a folder");
        let missing = parent.path().join("mounted-later");
        let mut files = ManifestFiles::new(Box::new(|_, _| Vec::new()));
        assert!(files.reload(&[&missing]));
        assert!(files.objects().incomplete);
        std::fs::create_dir(&missing).expect("made");
        assert!(files.reload(&[&missing]), "what may be concluded has changed");
        assert!(!files.objects().incomplete);
    }
}
