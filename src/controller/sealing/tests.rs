use super::{installation_keys::MIN_RETENTION, *};
use crate::model::SeededEntropy;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn key() -> ObjectKey {
    ObjectKey::new("lanyard", "sealing-keys")
}

fn planned(secret: Option<&SecretState>, now: Timestamp) -> Option<SecretWrite> {
    // A different seed per round gives the keys different IDs.
    let entropy = SeededEntropy::new(if secret.is_some() { 8 } else { 7 });
    let observed_keys = ObservedSealingKeys {
        keys: InstallationKeys::Sealing,
        key: &key(),
        secret,
        held: None,
        had_some: false,
        in_use: None,
    };
    plan(&observed_keys, MIN_RETENTION, &entropy, now).step.map(|step| step.write)
}

/// A replica's keys, as it read them from a Secret.
fn sealer(secret: &Secret) -> Sealer {
    Sealer::from_entries(secret.data.as_ref().expect("entries")).0.expect("a key")
}

/// Plans with the keys that a replica holds; returns the entries to write, the reasons of Events and
/// the loss.
fn replanned(
    secret: Option<&SecretState>,
    held: Option<&Sealer>,
    had_some: bool,
) -> (Option<KeyEntries>, Vec<&'static str>, Option<MissingSealingKeys>) {
    let observed_keys = ObservedSealingKeys {
        keys: InstallationKeys::Sealing,
        key: &key(),
        secret,
        held,
        had_some,
        in_use: None,
    };
    let planned = plan(&observed_keys, MIN_RETENTION, &SeededEntropy::new(9), NOW);
    let Some(step) = planned.step else { return (None, Vec::new(), planned.loss) };
    let reasons = step.notices.iter().map(|notice| notice.reason.as_str()).collect();
    match step.write {
        SecretWrite::Create(secret) | SecretWrite::Replace(secret) => {
            (secret.data, reasons, planned.loss)
        }
        SecretWrite::Delete(..) => panic!("it is never deleted"),
    }
}

#[test]
fn a_deleted_secret_is_written_back_by_a_replica_that_holds_the_keys() {
    let secret = made();
    let (written, reasons, loss) = replanned(None, Some(&sealer(&secret)), true);
    assert_eq!(written, secret.data);
    assert_eq!(
        (&reasons[..], loss),
        (&["SealingKeysRestored"][..], Some(MissingSealingKeys::Restored))
    );
}

#[test]
fn missing_and_damaged_entries_are_written_back() {
    let secret = made();
    let held = sealer(&secret);
    let mut other = secret.clone();
    let fresh = new_sealing_key(&SeededEntropy::new(3), NOW, NOW);
    other.data = Some([write_sealing_key(&fresh)].into());
    let (written, reasons, _) = replanned(Some(&loaded(&other)), Some(&held), true);
    assert_eq!(written.map(|it| it.len()), Some(3), "in addition to the key that is there");
    assert_eq!(reasons, ["SealingKeysRestored"]);
    let name = held.keys()[0].entry_name();
    let mut damaged = secret.clone();
    damaged.data = Some([(name, k8s_openapi::ByteString(b"scribble".to_vec()))].into());
    let (written, ..) = replanned(Some(&loaded(&damaged)), Some(&held), true);
    assert_eq!(written, secret.data);
}

#[test]
fn keys_that_no_replica_has_are_reported_as_lost() {
    let (written, reasons, loss) = replanned(None, None, true);
    assert_eq!(written.map(|it| it.len()), Some(2), "with a key of credential marks");
    assert_eq!((&reasons[..], loss), (&["KeysLost"][..], Some(MissingSealingKeys::Lost)));
    let (_, reasons, loss) = replanned(None, None, false);
    assert!(reasons.is_empty() && loss.is_none(), "a first installation has lost nothing");
}

#[test]
fn discarded_keys_are_removed_for_good() {
    let mut secret = made();
    let held = sealer(&secret);
    let name = held.keys()[0].entry_name();
    let annotations = secret.metadata.annotations.as_mut().expect("annotations");
    let id = name.trim_end_matches(".json").to_owned();
    annotations.insert(DISCARD_ANNOTATION.to_owned(), id);
    let (written, reasons, loss) = replanned(Some(&loaded(&secret)), Some(&held), true);
    let written = written.expect("a change");
    assert!(written.len() == 2 && !written.contains_key(&name), "a new key takes its place");
    assert_eq!((&reasons[..], loss), (&["SealingKeysDiscarded"][..], None));
    secret.data = Some(written);
    assert_eq!(
        replanned(Some(&loaded(&secret)), Some(&held), true).0,
        None,
        "it is not written back"
    );
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
    assert_eq!(secret.data.as_ref().map(KeyEntries::len), Some(2));
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
    let name = data.keys().find(|name| name.ends_with(".json")).expect("one").clone();
    data.insert(name.clone(), k8s_openapi::ByteString(b"scribble".to_vec()));
    match planned(Some(&loaded(&secret)), NOW) {
        Some(SecretWrite::Replace(changed)) => {
            let data = changed.data.expect("entries");
            assert_eq!(data[&name].0, b"scribble");
            assert_eq!(data.len(), 3);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_key_of_credential_marks_is_added_once_and_written_back() {
    let secret = made();
    let held = sealer(&secret);
    let mut earlier = secret.clone();
    let data = earlier.data.as_mut().expect("entries");
    data.remove(MARKING_KEY_ENTRY).expect("it was made");
    assert_eq!(replanned(Some(&loaded(&earlier)), Some(&held), true).0, secret.data);
    let (added, reasons, _) = replanned(Some(&loaded(&earlier)), None, true);
    let added = added.expect("a release before it had none");
    assert!(added.contains_key(MARKING_KEY_ENTRY) && reasons.is_empty(), "{reasons:?}");
}

#[test]
fn one_vault_key_is_made_and_written_back() {
    let plan_of = |secret: Option<&SecretState>, held: Option<&Sealer>| {
        let keys = InstallationKeys::Vault;
        let observed_keys =
            ObservedSealingKeys { keys, key: &key(), secret, held, had_some: false, in_use: None };
        plan(&observed_keys, MIN_RETENTION, &SeededEntropy::new(3), NOW)
    };
    let Some(SecretWrite::Create(secret)) = plan_of(None, None).step.map(|step| step.write) else {
        panic!("a Secret is made")
    };
    assert_eq!(secret.data.as_ref().map(KeyEntries::len), Some(1), "no key of credential marks");
    let months = NOW.plus(Duration::from_hours(24 * 80));
    let loaded = loaded(&secret);
    let keys = InstallationKeys::Vault;
    let observed_keys = ObservedSealingKeys {
        keys,
        key: &key(),
        secret: Some(&loaded),
        held: None,
        had_some: true,
        in_use: None,
    };
    assert!(plan(&observed_keys, MIN_RETENTION, &SeededEntropy::new(4), months).step.is_none());
    let again = plan_of(None, Some(&sealer(&secret)));
    assert_eq!(again.loss, Some(MissingSealingKeys::Restored));
    let Some(SecretWrite::Create(written)) = again.step.map(|step| step.write) else {
        panic!("it is written back")
    };
    assert_eq!(written.data, secret.data);
}
