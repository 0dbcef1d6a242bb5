//! The installation's sealing keys and vault keys. Only this part of a snapshot depends on an earlier snapshot. A
//! deleted key would void every session and refresh token, or every authenticator, so a deletion is treated as an
//! accident. A replica keeps its keys until they are discarded by name.

use std::sync::Arc;

use super::Snapshot;
use crate::{
    api::{CachedSecret, DISCARD_ANNOTATION, ObjectSet, SecretState},
    keys::{DiscardedKeys, Sealer, Vault},
    model::{Installation, ObjectKey, Timestamp},
};

/// The keys that the annotation of a Secret of the installation's keys voids.
pub fn discarded_keys(secret: &CachedSecret) -> DiscardedKeys {
    let annotation = secret.annotation(DISCARD_ANNOTATION).unwrap_or_default();
    DiscardedKeys::parse(&annotation).0
}

fn secret<'a>(objects: &'a ObjectSet, key: &ObjectKey) -> Option<&'a CachedSecret> {
    match objects.secrets.get(key)? {
        SecretState::Loaded(secret) => Some(secret),
        SecretState::Unreadable(_) => None,
    }
}

/// The sealing keys in the Secret.
pub(super) fn build_sealer(
    objects: &ObjectSet,
    installation: &Installation,
) -> Option<Arc<Sealer>> {
    let secret = secret(objects, &installation.key_secrets.sealing)?;
    let all = Sealer::from_entries(&secret.entries()).0?;
    all.without(&discarded_keys(secret)).map(Arc::new)
}

/// The vault keys in the Secret.
pub(super) fn build_vault(objects: &ObjectSet, installation: &Installation) -> Option<Arc<Vault>> {
    let secret = secret(objects, &installation.key_secrets.vault)?;
    Vault::from_entries(&secret.entries(), discarded_keys(secret)).0.map(Arc::new)
}

/// Adds the keys of the previous snapshot that the Secrets lack. Returns their number.
pub(super) fn hold_keys(
    snapshot: &mut Snapshot,
    before: &Snapshot,
    objects: &ObjectSet,
    installation: &Installation,
    now: Timestamp,
) -> usize {
    let secrets = &installation.key_secrets;
    let discarded = secret(objects, &secrets.sealing).map(discarded_keys).unwrap_or_default();
    let mut count = 0;
    if let Some(held) = before.sealer.as_ref().and_then(|sealer| sealer.without(&discarded)) {
        let current = snapshot.sealer.as_deref();
        let missing = held.keys_missing_in(current, now);
        count += missing.len();
        let lacks_marking_key = current.is_some_and(|current| current.marking_key().is_none());
        if !missing.is_empty() || (lacks_marking_key && held.marking_key().is_some()) {
            let sealer = Sealer::with_keys(current, missing);
            snapshot.sealer = sealer.map(|sealer| Arc::new(sealer.with_marking_key_of(&held)));
        }
    }
    if snapshot.sealer == before.sealer {
        // Caches of opened values last as long as their sealer.
        snapshot.sealer.clone_from(&before.sealer);
    }
    let Some(held) = before.vault.as_deref() else { return count };
    // The annotation is gone with a deleted Secret.
    let discarded = secret(objects, &secrets.vault).map(discarded_keys);
    let discarded = discarded.unwrap_or_else(|| held.discarded().clone());
    let current = snapshot.vault.as_deref().map(Vault::sealer);
    if let Some(held) = held.sealer().without(&discarded) {
        let missing = held.keys_missing_in(current, now);
        if !missing.is_empty() {
            count += missing.len();
            let sealer = Sealer::with_keys(current, missing);
            let vault = sealer.and_then(|sealer| Vault::new(&sealer, discarded));
            snapshot.vault = vault.map(Arc::new);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;

    use super::*;
    use crate::{
        api::owner,
        keys::{VaultError, VaultPlace, new_sealing_key, write_sealing_key},
        messages::Languages,
        model::{HostSettings, Issuer, KeySecrets, SealPurpose, SeededEntropy, TenantId},
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn installation() -> Installation {
        Installation {
            base_url: Issuer::parse("https://id.test").expect("canonical"),
            hosts: HostSettings::default(),
            client_secrets: crate::model::SecretPermissions::default(),
            dev: false,
            keeps_authenticators: true,
            mutual_tls: None,
            key_secrets: KeySecrets::new("lanyard", ""),
            languages: Languages::built_in(),
        }
    }

    /// A view with a Secret of one key made from a seed; `None`: without the Secret.
    fn objects(seed: Option<u64>, discard: &str) -> ObjectSet {
        let mut objects = ObjectSet::default();
        let Some(seed) = seed else { return objects };
        let key = new_sealing_key(&SeededEntropy::new(seed), NOW, NOW);
        let mut metadata =
            owner::owned_metadata(&installation().key_secrets.sealing, "Installation/x");
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.insert(DISCARD_ANNOTATION.to_owned(), discard.to_owned());
        let data = Some([write_sealing_key(&key)].into());
        let secret = CachedSecret::new(Secret { metadata, data, ..Secret::default() });
        objects.secrets.insert(installation().key_secrets.sealing, SecretState::Loaded(secret));
        objects
    }

    fn snapshot(objects: &ObjectSet, before: &Snapshot) -> (Snapshot, usize) {
        let mut next = Snapshot::default();
        next.sealer = build_sealer(objects, &installation());
        let held = hold_keys(&mut next, before, objects, &installation(), NOW);
        (next, held)
    }

    fn opens(snapshot: &Snapshot, sealed: &str) -> bool {
        let tenant = TenantId::new("team", "main");
        let sealer = snapshot.sealer.as_ref();
        sealer.is_some_and(|it| it.open(SealPurpose::Refresh, &tenant, sealed).is_some())
    }

    #[test]
    fn keys_are_held_until_they_are_discarded() {
        let (first, held) = snapshot(&objects(Some(1), ""), &Snapshot::default());
        assert_eq!(held, 0);
        let tenant = TenantId::new("team", "main");
        let sealer = first.sealer.clone().expect("a key");
        let entropy = SeededEntropy::new(9);
        let sealed = sealer.seal(SealPurpose::Refresh, &tenant, b"token", &entropy, NOW);
        let id = format!("{:08x}", u32::from_be_bytes(sealer.keys()[0].id));

        let (deleted, held) = snapshot(&objects(None, ""), &first);
        assert!(held == 1 && opens(&deleted, &sealed), "the Secret was deleted");
        let (replaced, held) = snapshot(&objects(Some(2), ""), &deleted);
        assert!(held == 1 && opens(&replaced, &sealed), "another key took its place");
        let (discarded, held) = snapshot(&objects(Some(2), &id), &replaced);
        assert!(held == 0 && !opens(&discarded, &sealed), "an administrator voided it");
        assert!(discarded.sealer.is_some());
        let (restored, _) = snapshot(&objects(Some(1), &id), &discarded);
        assert!(!opens(&restored, &sealed), "it stays void when its entry comes back");
    }

    #[test]
    fn a_sealer_lasts_until_its_keys_change() {
        let (first, _) = snapshot(&objects(Some(1), ""), &Snapshot::default());
        let (same, _) = snapshot(&objects(Some(1), ""), &first);
        let is_first = |of: &Snapshot| match (&of.sealer, &first.sealer) {
            (Some(of), Some(first)) => Arc::ptr_eq(of, first),
            none => panic!("no key: {none:?}"),
        };
        assert!(is_first(&same), "other objects changed");
        let (deleted, _) = snapshot(&objects(None, ""), &same);
        assert!(is_first(&deleted), "the Secret was deleted");
        let (replaced, _) = snapshot(&objects(Some(2), ""), &deleted);
        assert!(!is_first(&replaced), "a key was added");
    }

    #[test]
    fn a_key_that_has_retired_is_not_held() {
        let mut key = new_sealing_key(&SeededEntropy::new(1), NOW, NOW);
        key.retire_at = Some(NOW);
        let mut before = Snapshot::default();
        before.sealer = Sealer::with_keys(None, vec![key]).map(Arc::new);
        let (next, held) = snapshot(&objects(Some(2), ""), &before);
        assert_eq!((held, next.sealer.expect("a key").keys().len()), (0, 1));
    }

    #[test]
    fn vault_keys_are_held_until_they_are_discarded() {
        let objects = |seed: Option<u64>, discard: &str| {
            let mut moved = objects(seed, discard);
            let secrets = installation().key_secrets;
            let secret = moved.secrets.remove(&secrets.sealing);
            moved.secrets.extend(secret.map(|secret| (secrets.vault, secret)));
            moved
        };
        let next = |objects: &ObjectSet, before: &Snapshot| {
            let mut next = Snapshot::default();
            next.vault = build_vault(objects, &installation());
            let held = hold_keys(&mut next, before, objects, &installation(), NOW);
            (next, held)
        };
        let tenant = TenantId::new("team", "main");
        let place = VaultPlace { tenant: &tenant, kind: "totp", id: "ada" };
        let (first, held) = next(&objects(Some(1), ""), &Snapshot::default());
        let vault = first.vault.clone().expect("a key");
        assert_eq!(held, 0);
        let sealed = vault.seal(place, b"secret", &SeededEntropy::new(9), NOW).text;
        let opened = |snapshot: &Snapshot| {
            snapshot.vault.as_ref().expect("a key").open(place, &sealed).map(drop)
        };
        let (deleted, held) = next(&objects(None, ""), &first);
        assert_eq!((held, opened(&deleted)), (1, Ok(())), "the Secret was deleted");
        let (replaced, held) = next(&objects(Some(2), ""), &deleted);
        assert_eq!((held, opened(&replaced)), (1, Ok(())), "another key took its place");
        let id = format!("{:08x}", u32::from_be_bytes(vault.sealer().keys()[0].id));
        let (discarded, held) = next(&objects(Some(2), &id), &replaced);
        assert_eq!((held, opened(&discarded)), (0, Err(VaultError::Discarded)));
        let (deleted, held) = next(&objects(None, ""), &discarded);
        assert_eq!((held, opened(&deleted)), (1, Err(VaultError::Discarded)), "without annotation");
    }
}
