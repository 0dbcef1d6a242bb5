//! What the files hold. A file that cannot be read keeps its last objects, and says so once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest;
use k8s_openapi::api::core::v1::Secret;

use crate::{
    api::{Namespaces, Objects, OidcClient, SecretState},
    model::ObjectRef,
    source::manifests::{self, Object},
};

/// Files as last read, by path.
#[derive(Default)]
pub(super) struct Files {
    read: BTreeMap<PathBuf, File>,
    /// Whether a folder could not be listed: then files may be there that are not known.
    unlisted: bool,
}

struct File {
    hash: [u8; 32],
    objects: Vec<Object>,
    /// Whether it was never read whole.
    partial: bool,
}

impl Files {
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
        let (mut objects, problems) = manifests::parse_read(path, &read);
        for problem in &problems {
            if problem.warning {
                tracing::warn!("{problem}");
            } else {
                tracing::error!("{problem}");
            }
        }
        for object in &mut objects {
            if let Object::Secret(secret) = object {
                secret.metadata.resource_version = Some(version(secret));
            }
        }
        let mut broken = problems.iter().any(|problem| !problem.warning);
        // Programs that write in place begin by emptying the file; whoever means it deletes it.
        broken |= content.is_empty() && self.read.contains_key(path);
        let name = path.display();
        match self.read.get_mut(path) {
            Some(file) if broken => {
                file.hash = hash;
                tracing::warn!("{name}: its last good state stays in force");
                false
            }
            known => {
                if known.is_some() {
                    tracing::info!("{name}: changed");
                }
                self.read.insert(path.to_owned(), File { hash, objects, partial: broken });
                true
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = (&Path, &Object)> {
        self.read.iter().flat_map(|(path, file)| file.objects.iter().map(|it| (path.as_path(), it)))
    }

    fn report_duplicates(&self) {
        let mut seen: BTreeMap<ObjectRef, &Path> = BTreeMap::new();
        for (path, object) in self.all() {
            let reference = object.reference();
            if let Some(first) = seen.get(&reference) {
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
        all.find(|(_, object)| object.reference() == *reference).map(|(path, _)| path.to_owned())
    }

    /// A Secret.
    pub(super) fn secret(&self, reference: &ObjectRef) -> Option<&Secret> {
        self.all().find_map(|(_, object)| match object {
            Object::Secret(secret) if object.reference() == *reference => Some(secret),
            _ => None,
        })
    }

    /// A client.
    pub(super) fn client(&self, reference: &ObjectRef) -> Option<&OidcClient> {
        self.all().find_map(|(_, object)| match object {
            Object::OidcClient(client) if object.reference() == *reference => Some(&**client),
            _ => None,
        })
    }

    /// Everything; of two objects of one name the first counts.
    pub(super) fn objects(&self) -> Objects {
        let incomplete = self.unlisted || self.read.values().any(|file| file.partial);
        Objects { incomplete, ..collect(self.all().map(|(_, object)| object.clone())) }
    }
}

/// Objects as a cluster would show them; of two of one name the first counts.
pub(crate) fn collect(all: impl Iterator<Item = Object>) -> Objects {
    let mut objects = Objects::default();
    let mut namespaces = BTreeMap::new();
    for object in all {
        let key = object.reference().key;
        match object {
            Object::Tenant(tenant) => {
                objects.tenants.entry(key).or_insert_with(|| Arc::new(tenant));
            }
            Object::OidcClient(client) => {
                objects.clients.entry(key).or_insert_with(|| Arc::from(client));
            }
            Object::OidcUser(user) => {
                objects.users.entry(key).or_insert_with(|| Arc::new(user));
            }
            Object::Secret(secret) => {
                let state = SecretState::Loaded(Arc::new(secret));
                objects.secrets.entry(key).or_insert(state);
            }
            Object::Namespace(namespace) => {
                let labels = namespace.metadata.labels.unwrap_or_default();
                namespaces.entry(key.name.to_string()).or_insert(labels);
            }
        }
    }
    objects.namespaces = Namespaces::Known(namespaces);
    objects
}

/// A resource version that changes with the content.
fn version(secret: &Secret) -> String {
    let text = serde_json::to_vec(secret).unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, &text);
    hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_listed_may_hold_more_than_is_seen() {
        let parent = tempfile::tempdir().expect("a folder");
        let missing = parent.path().join("mounted-later");
        let mut files = Files::default();
        assert!(files.reload(&[&missing]));
        assert!(files.objects().incomplete);
        std::fs::create_dir(&missing).expect("made");
        assert!(files.reload(&[&missing]), "what may be concluded has changed");
        assert!(!files.objects().incomplete);
    }
}
