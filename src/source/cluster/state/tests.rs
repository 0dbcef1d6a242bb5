use std::path::Path;

use super::*;
use crate::{
    api::AnyCachedObject,
    model::{ManagedKind, ObjectRef},
    source::manifests::{ManifestObject, parse_text},
};

const USER: &str = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcUser\nmetadata: {name: ada, namespace: team}\nspec: {tenantRef: {name: main}, username: ada, passwordSecretRef: {name: ada}}\n";

/// A state with one user, which refers to an unmanaged Secret.
fn state() -> (WatchState, ObjectKey) {
    let (mut state, key) = (WatchState::new(1, true), ObjectKey::new("team", "ada"));
    let (mut parsed, _) = parse_text(Path::new("test.yaml"), USER);
    let Some(ManifestObject::Managed(user)) = parsed.pop() else { panic!("a user") };
    let there = |kind, item| {
        let reference = ObjectRef { kind, key: key.clone() };
        WatchChange { watch: 0, what: WatchEvent::There(reference, item) }
    };
    let user = WatchEntry::Object(AnyCachedObject::new(&key, user));
    state.take(there(ManagedKind::OidcUser.into(), user));
    state.take(there(ObjectKind::Secret, WatchEntry::OtherSecret("1".to_owned())));
    (state, key)
}

#[test]
fn a_fetched_secret_is_not_fetched_again() {
    let (mut state, key) = state();
    assert_eq!(state.missing(), [(key.clone(), "1".to_owned())]);
    let secret = SecretState::Unreadable("forbidden".into());
    state.fetched(key, "1".to_owned(), Some(secret));
    assert!(state.missing().is_empty());
}

#[test]
fn an_unreadable_secret_is_fetched_again() {
    let (mut state, key) = state();
    assert!(!state.ask_again(), "no Secret is unreadable");
    let secret = SecretState::Unreadable("forbidden".into());
    state.fetched(key.clone(), "1".to_owned(), Some(secret));
    assert!(state.ask_again());
    assert_eq!(state.missing(), [(key, "1".to_owned())]);
}
