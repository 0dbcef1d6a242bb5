use std::{collections::BTreeMap, sync::mpsc, thread, time::Duration};

use futures::FutureExt as _;
use k8s_openapi::{ByteString, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use super::*;
use crate::{
    api::{AnyCachedObject, SecretState, Tenant},
    model::ManagedKind,
};

const TENANT: &str =
    "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\nspec: {}\n";

struct Folders {
    manifests: tempfile::TempDir,
    state: tempfile::TempDir,
}

fn folders() -> Folders {
    let folder = || tempfile::tempdir().expect("a folder");
    let folders = Folders { manifests: folder(), state: folder() };
    folders.put("a.yaml", TENANT);
    folders
}

impl Folders {
    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.manifests.path().join(name), text).expect("written");
    }

    fn start(&self) -> Arc<FolderSource> {
        self.start_validated(Box::new(|_, _| Vec::new()))
    }

    fn start_validated(&self, validate: ManifestValidator) -> Arc<FolderSource> {
        FolderSource::start(self.manifests.path(), self.state.path(), validate).expect("it starts")
    }
}

async fn until(directory: &FolderSource, holds: impl Fn(&SourceView) -> bool) {
    let mut views = directory.views();
    let found = tokio::time::timeout(Duration::from_mins(2), views.wait_for(|view| holds(view)));
    found.await.expect("in time").expect("the source lives");
}

fn names(view: &SourceView) -> Vec<String> {
    let tenants = view.objects.managed.of_kind(ManagedKind::Tenant);
    tenants.keys().map(ToString::to_string).collect()
}

fn secret(value: &str) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some("s".into()),
            namespace: Some("default".into()),
            ..Default::default()
        },
        data: Some(BTreeMap::from([("k".into(), ByteString(value.into()))])),
        ..Default::default()
    }
}

fn loaded_secret(directory: &FolderSource) -> Secret {
    let view = directory.views().borrow().clone();
    let key = ObjectKey::new("default", "s");
    match view.objects.secrets.get(&key) {
        Some(SecretState::Loaded(secret)) => secret.to_secret(&key),
        other => panic!("not a Secret: {other:?}"),
    }
}

#[tokio::test]
async fn edits_take_effect_and_broken_edits_keep_the_last_state() {
    let folders = folders();
    let directory = folders.start();
    assert_eq!(names(&directory.views().borrow()), ["default/a"]);
    folders.put("b.yaml", &TENANT.replace("name: a", "name: b"));
    until(&directory, |view| names(view) == ["default/a", "default/b"]).await;
    folders.put("b.yaml", "apiVersion: [");
    folders.put("c.yaml", &TENANT.replace("name: a", "name: c"));
    until(&directory, |view| names(view) == ["default/a", "default/b", "default/c"]).await;
    std::fs::remove_file(folders.manifests.path().join("b.yaml")).expect("removed");
    until(&directory, |view| names(view) == ["default/a", "default/c"]).await;
}

#[test]
fn a_reader_that_holds_the_view_can_look_up_a_file_during_a_write() {
    let folders = folders();
    let directory = folders.start();
    let views = directory.views();
    let held = views.borrow();
    let write = {
        let directory = Arc::clone(&directory);
        thread::spawn(move || directory.create_secret(secret("one")).now_or_never())
    };
    // From here on, the write waits only for the reader of the view.
    let file = folders.state.path().join("default.s.secret.yaml");
    while !file.exists() {
        thread::sleep(Duration::from_millis(1));
    }
    let (told, answer) = mpsc::channel();
    let lookup = Arc::clone(&directory);
    thread::spawn(move || told.send(lookup.file_of_secret(&ObjectKey::new("default", "s"))));
    let looked_up = answer.recv_timeout(Duration::from_mins(1)).expect("the lookup does not block");
    assert!(looked_up.is_some_and(|found| found.ends_with("default.s.secret.yaml")));
    drop(held);
    assert_eq!(write.join().expect("it ends"), Some(Ok(())));
    assert_eq!(loaded_secret(&directory).data, secret("one").data);
}

#[tokio::test]
async fn a_write_that_fails_does_not_hide_an_edit() {
    let folders = folders();
    let directory = folders.start();
    folders.put("b.yaml", &TENANT.replace("name: a", "name: b"));
    let key = ObjectKey::new("default", "absent");
    assert_eq!(directory.delete_secret(&key, "1").await, Err(WriteError::NotFound));
    until(&directory, |view| names(view) == ["default/a", "default/b"]).await;
}

/// The display name of a tenant in the namespace `default`.
fn called(view: &SourceView, name: &str) -> Option<String> {
    let key = ObjectKey::new("default", name);
    view.objects.managed.get::<Tenant>(&key)?.declared(&key).spec.display_name
}

#[tokio::test]
async fn a_rejected_edit_keeps_its_object_and_other_edits_take_effect() {
    let folders = folders();
    let both = |a: &str, b: &str| {
        let tenant = |name: &str, shown: &str| {
            tenant(name).replace("spec: {}", &format!("spec: {{displayName: {shown}}}"))
        };
        folders.put("a.yaml", &format!("{}---\n{}", tenant("a", a), tenant("b", b)));
    };
    both("one", "refused");
    let directory = folders.start_validated(Box::new(|of, object| match object {
        CachedManifest::Managed(AnyCachedObject::Tenant(tenant))
            if tenant.declared(&of.key).spec.display_name.as_deref() != Some("refused") =>
        {
            vec![]
        }
        _ => vec![("spec.displayName".to_owned(), "must be another".to_owned())],
    }));
    both("refused", "two");
    until(&directory, |view| called(view, "b").as_deref() == Some("two")).await;
    assert_eq!(called(&directory.views().borrow(), "a").as_deref(), Some("one"));
    both("three", "two");
    until(&directory, |view| called(view, "a").as_deref() == Some("three")).await;
}

#[tokio::test]
async fn secrets_are_written_like_in_an_api_server() {
    let folders = folders();
    let directory = folders.start();
    directory.create_secret(secret("one")).await.expect("created");
    assert_eq!(directory.create_secret(secret("two")).await, Err(WriteError::Conflict));
    let seen = loaded_secret(&directory);
    let stale = seen.clone();
    let mut changed = seen;
    changed.data = secret("three").data;
    directory.replace_secret(changed).await.expect("replaced");
    assert_eq!(directory.replace_secret(stale).await, Err(WriteError::Conflict));
    drop(directory);
    let again = folders.start();
    let kept = loaded_secret(&again);
    assert_eq!(kept.data, secret("three").data, "it survives a restart");
    let key = ObjectKey::new("default", "s");
    assert_eq!(again.delete_secret(&key, "other").await, Err(WriteError::Conflict));
    let version = kept.metadata.resource_version.expect("a version");
    again.delete_secret(&key, &version).await.expect("deleted");
    assert!(again.views().borrow().objects.secrets.is_empty());
}

fn tenant(name: &str) -> String {
    TENANT.replace("name: a", &format!("name: {name}"))
}

async fn until_names(directory: &FolderSource, wanted: &[&str]) {
    let wanted: Vec<String> = wanted.iter().map(|name| format!("default/{name}")).collect();
    until(directory, |view| names(view) == wanted).await;
}

#[tokio::test]
async fn a_renamed_file_keeps_its_objects() {
    let folders = folders();
    let directory = folders.start();
    let path = |name: &str| folders.manifests.path().join(name);
    std::fs::rename(path("a.yaml"), path("z.yml")).expect("renamed");
    folders.put("b.yaml", &tenant("b"));
    until_names(&directory, &["a", "b"]).await;
    // Editors write a temporary file, then rename it.
    folders.put("b.yaml.tmp", &tenant("c"));
    std::fs::rename(path("b.yaml.tmp"), path("b.yaml")).expect("renamed");
    until_names(&directory, &["a", "c"]).await;
}

#[tokio::test]
async fn symlinks_are_followed_without_loops() {
    let (folders, elsewhere) = (folders(), tempfile::tempdir().expect("a folder"));
    let target = elsewhere.path().join("target.yaml");
    std::fs::write(&target, tenant("b")).expect("written");
    for name in ["loop", "loops", "looped"] {
        std::os::unix::fs::symlink(folders.manifests.path(), folders.manifests.path().join(name))
            .expect("linked");
    }
    std::os::unix::fs::symlink(&target, folders.manifests.path().join("b.yaml")).expect("linked");
    let directory = folders.start();
    until_names(&directory, &["a", "b"]).await;
    std::fs::write(&target, tenant("c")).expect("written");
    until_names(&directory, &["a", "c"]).await;
}

#[tokio::test]
async fn binary_and_oversized_files_keep_the_last_state() {
    let folders = folders();
    folders.put("b.yaml", &tenant("b"));
    let directory = folders.start();
    let b = folders.manifests.path().join("b.yaml");
    // Another edit next to each shows that the folder was reloaded.
    std::fs::write(&b, b"kind: Tenant # \xff\xfe").expect("written");
    folders.put("c.yaml", &tenant("c"));
    until_names(&directory, &["a", "b", "c"]).await;
    std::fs::File::create(&b).and_then(|file| file.set_len(1 << 40)).expect("a hole of a terabyte");
    folders.put("c.yaml", &tenant("d"));
    until_names(&directory, &["a", "b", "d"]).await;
    std::fs::remove_file(&b).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", &b).expect("linked");
    folders.put("c.yaml", &tenant("e"));
    until(&directory, |view| names(view).contains(&"default/e".to_owned())).await;
    std::fs::remove_file(&b).expect("removed");
    folders.put("b.yaml", &tenant("f"));
    until_names(&directory, &["a", "e", "f"]).await;
}

#[tokio::test]
async fn an_empty_file_keeps_the_last_state() {
    let folders = folders();
    folders.put("b.yaml", &tenant("b"));
    let directory = folders.start();
    folders.put("b.yaml", "");
    folders.put("c.yaml", &tenant("c"));
    until_names(&directory, &["a", "b", "c"]).await;
    folders.put("b.yaml", &tenant("d"));
    until_names(&directory, &["a", "c", "d"]).await;
    std::fs::remove_file(folders.manifests.path().join("b.yaml")).expect("removed");
    until_names(&directory, &["a", "c"]).await;
}

#[tokio::test]
async fn a_recreated_folder_is_followed() {
    let folders = folders();
    let directory = folders.start();
    let moved = folders.manifests.path().with_extension("moved");
    std::fs::rename(folders.manifests.path(), &moved).expect("moved");
    until(&directory, |view| view.objects.incomplete).await;
    until_names(&directory, &["a"]).await;
    std::fs::create_dir(folders.manifests.path()).expect("made");
    for name in ["b", "c", "d"] {
        folders.put("x.yaml", &tenant(name));
        until_names(&directory, &[name]).await;
    }
    std::fs::remove_dir_all(moved).expect("removed");
}
