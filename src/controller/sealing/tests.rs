use super::*;
use crate::{keys::KeyEntries, model::SeededEntropy};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn key() -> ObjectKey {
    ObjectKey::new("lanyard", "sealing-keys")
}

fn planned(secret: Option<&SecretState>, now: Timestamp) -> Option<SecretWrite> {
    // A different seed per round gives the keys different IDs.
    let entropy = SeededEntropy::new(if secret.is_some() { 8 } else { 7 });
    plan(&key(), secret, MIN_RETENTION, &entropy, now).0.map(|step| step.write)
}

fn made() -> Secret {
    match planned(None, NOW) {
        Some(SecretWrite::Create(secret)) => *secret,
        other => panic!("{other:?}"),
    }
}

fn loaded(secret: &Secret) -> SecretState {
    SecretState::Loaded(CachedSecret::new(secret.clone()))
}

#[test]
fn is_created_once() {
    let secret = made();
    assert_eq!(secret.data.as_ref().map(KeyEntries::len), Some(1));
    assert_eq!(planned(Some(&loaded(&secret)), NOW), None);
}

#[test]
fn an_unreadable_secret_is_never_recreated() {
    let unreadable = SecretState::Unreadable("forbidden".into());
    assert_eq!(planned(Some(&unreadable), NOW), None);
}

#[test]
fn a_foreign_secret_is_never_written() {
    let mut secret = made();
    secret.metadata.annotations = None;
    secret.data = None;
    assert_eq!(planned(Some(&loaded(&secret)), NOW), None);
}

#[test]
fn a_secret_being_deleted_is_not_written() {
    let mut secret = made();
    let time = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH);
    secret.metadata.deletion_timestamp = Some(time);
    secret.data = None;
    assert_eq!(planned(Some(&loaded(&secret)), NOW), None);
}

#[test]
fn damaged_entries_are_preserved_when_a_key_is_added() {
    let mut secret = made();
    let data = secret.data.as_mut().expect("entries");
    let name = data.keys().next().expect("one").clone();
    data.insert(name.clone(), k8s_openapi::ByteString(b"scribble".to_vec()));
    match planned(Some(&loaded(&secret)), NOW) {
        Some(SecretWrite::Replace(changed)) => {
            let data = changed.data.expect("entries");
            assert_eq!(data[&name].0, b"scribble");
            assert_eq!(data.len(), 2);
        }
        other => panic!("{other:?}"),
    }
}
