//! The installation's vault keys. They seal values in the store that have no end, such as the
//! authenticators of people, so a vault key stays until they are sealed with its successor.
//!
//! A value opens only in the place for which it was sealed, so a writer of the database cannot give the
//! authenticator of one person to another.

use std::time::Duration;

use super::{
    discarded_keys::DiscardedKeys,
    key_secret::{DamagedEntry, KeyEntries},
    seal::Sealer,
    sealing_keys::{SealingKey, SealingPlan, sealing_plan},
};
use crate::model::{Entropy, TenantId, Timestamp, VaultKeysInUse};

const LABEL: &[u8] = b"lanyard vault";
/// How long a key may still seal after its successor has begun to.
const OVERLAP: Duration = Duration::from_hours(24);
/// How long a key is kept after the last value under it: a backup of the store can be restored until then.
const RETENTION: Duration = Duration::from_hours(24 * 90);
/// Time until the plan looks again whether a key is in use.
const CHECK_INTERVAL: Duration = Duration::from_hours(1);

/// The place of a value in the store.
#[derive(Clone, Copy, Debug)]
pub struct VaultPlace<'a> {
    /// The tenant of the record.
    pub tenant: &'a TenantId,
    /// The stable name of the kind of the record.
    pub kind: &'static str,
    /// The id of the record.
    pub id: &'a str,
}

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultedValue {
    /// The sealed value, in base64url.
    pub text: String,
    /// When the key that sealed it began to seal.
    pub key_since: Timestamp,
}

/// The error for a value that cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key was discarded by its id: the value is void, as if it did not exist.
    #[error("the vault key of the value was discarded")]
    Discarded,
    /// The key with the id is missing. It may come back.
    #[error("the vault key of the value is missing")]
    MissingKey,
    /// The value was altered, or was sealed for another place.
    #[error("the value was altered or moved")]
    Altered,
}

/// The installation's vault keys, parsed.
#[derive(Clone, Debug)]
pub struct Vault {
    sealer: Sealer,
    discarded: DiscardedKeys,
}

impl Vault {
    /// The keys of a Secret without those that are discarded. Returns `None` if no usable key remains.
    pub fn from_entries(
        entries: &KeyEntries,
        discarded: DiscardedKeys,
    ) -> (Option<Self>, Vec<DamagedEntry>) {
        let (sealer, damaged) = Sealer::from_entries(entries);
        (sealer.and_then(|sealer| Self::new(&sealer, discarded)), damaged)
    }

    /// The keys of a sealer without those that are discarded. Returns `None` if none remains.
    pub fn new(sealer: &Sealer, discarded: DiscardedKeys) -> Option<Self> {
        Some(Self { sealer: sealer.without(&discarded)?, discarded })
    }

    /// The keys that seal and open values. No discarded key is among them.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The ids of the keys that were discarded.
    pub fn discarded(&self) -> &DiscardedKeys {
        &self.discarded
    }

    /// The key that seals now, by its id, and when it began to.
    pub fn current_key(&self, now: Timestamp) -> ([u8; 4], Timestamp) {
        let key = self.sealer.sealing_key(now);
        (key.id, key.seals_from)
    }

    /// The id of the key that sealed a value; `None` for anything else.
    pub fn key_id(text: &str) -> Option<[u8; 4]> {
        Sealer::key_id(text)
    }

    /// Seals a value for its place.
    pub fn seal(
        &self,
        place: VaultPlace<'_>,
        plain: &[u8],
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> VaultedValue {
        let key = self.sealer.sealing_key(now);
        let tenant = place.tenant.to_string();
        let text = Sealer::seal_with(key, &info(place, &tenant), plain, entropy);
        VaultedValue { text, key_since: key.seals_from }
    }

    /// Opens a value that was sealed for the place.
    ///
    /// # Errors
    ///
    /// [`VaultError`] says whether the value is void or cannot be checked.
    pub fn open(&self, place: VaultPlace<'_>, text: &str) -> Result<Vec<u8>, VaultError> {
        let id = Sealer::key_id(text).ok_or(VaultError::Altered)?;
        if self.discarded.contains(&id) {
            return Err(VaultError::Discarded);
        }
        if !self.sealer.keys().iter().any(|key| key.id == id) {
            return Err(VaultError::MissingKey);
        }
        let tenant = place.tenant.to_string();
        self.sealer.open_with(&info(place, &tenant), text).ok_or(VaultError::Altered)
    }
}

/// The context from which keys are derived. NUL separates the parts, and only the last one can contain
/// it.
fn info<'a>(place: VaultPlace<'a>, tenant: &'a str) -> [&'a [u8]; 7] {
    let [kind, id] = [place.kind.as_bytes(), place.id.as_bytes()];
    [LABEL, b"\0", tenant.as_bytes(), b"\0", kind, b"\0", id]
}

/// Plans the vault keys. A key is replaced like a sealing key. It retires some time after nothing in the
/// store is sealed with it any more, so that a backup of the store can be restored until then.
pub fn vault_plan(
    keys: &[SealingKey],
    in_use: Option<&VaultKeysInUse>,
    now: Timestamp,
) -> SealingPlan {
    // A replacement is planned as for a sealing key whose values never expire.
    let SealingPlan { add, wake, .. } = sealing_plan(keys, Duration::MAX, now);
    let mut plan = SealingPlan { add, wake, ..SealingPlan::default() };
    let mut order: Vec<&SealingKey> = keys.iter().filter(|key| key.seals_from <= now).collect();
    order.sort_by_key(|key| (key.seals_from, key.id));
    let Some((current, earlier)) = order.split_last() else { return plan };
    let is_unused = |key: &SealingKey| {
        in_use.is_some_and(|found| {
            // A replica may have sealed with the key while its successor began to.
            found.newest == current.id
                && found.checked_at >= current.seals_from.plus(OVERLAP)
                && !found.left.contains(&key.id)
        })
    };
    let mut looks_again = false;
    for key in earlier {
        match key.retire_at {
            None if is_unused(key) => plan.retire.push((key.entry_name(), now.plus(RETENTION))),
            Some(at) if at <= now && is_unused(key) => plan.remove.push(key.entry_name()),
            Some(at) if at > now => plan.wake = plan.wake.into_iter().chain([at]).min(),
            _ => looks_again = true,
        }
    }
    if looks_again {
        plan.wake = plan.wake.into_iter().chain([now.plus(CHECK_INTERVAL)]).min();
    }
    plan
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        keys::{new_sealing_key, write_sealing_key},
        model::SeededEntropy,
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn vault(seed: u64, discarded: &str) -> Option<Vault> {
        let key = new_sealing_key(&SeededEntropy::new(seed), NOW, NOW);
        let entries = KeyEntries::from([write_sealing_key(&key)]);
        Vault::from_entries(&entries, DiscardedKeys::parse(discarded).0).0
    }

    fn key_id(vault: &Vault) -> String {
        format!("{:08x}", u32::from_be_bytes(vault.sealer().keys()[0].id))
    }

    #[test]
    fn a_value_opens_in_its_place_only() {
        let (tenant, other) = (TenantId::new("team", "main"), TenantId::new("team", "other"));
        let place = VaultPlace { tenant: &tenant, kind: "totp", id: "ada" };
        let vault = vault(1, "").expect("a key");
        let sealed = vault.seal(place, b"secret", &SeededEntropy::new(9), NOW);
        assert_eq!(sealed.key_since, NOW);
        assert_eq!(vault.open(place, &sealed.text).as_deref(), Ok(&b"secret"[..]));
        for moved in [
            VaultPlace { id: "bob", ..place },
            VaultPlace { kind: "recovery-codes", ..place },
            VaultPlace { tenant: &other, ..place },
        ] {
            assert_eq!(vault.open(moved, &sealed.text), Err(VaultError::Altered), "{moved:?}");
        }
        assert_eq!(vault.open(place, "scribble"), Err(VaultError::Altered));
    }

    #[test]
    fn a_missing_key_differs_from_a_discarded_one() {
        let tenant = TenantId::new("team", "main");
        let place = VaultPlace { tenant: &tenant, kind: "totp", id: "ada" };
        let first = vault(1, "").expect("a key");
        let sealed = first.seal(place, b"secret", &SeededEntropy::new(9), NOW);
        let lost = vault(2, "").expect("a key");
        assert_eq!(lost.open(place, &sealed.text), Err(VaultError::MissingKey));
        let discarded = vault(2, &key_id(&first)).expect("a key");
        assert_eq!(discarded.open(place, &sealed.text), Err(VaultError::Discarded));
        assert!(vault(1, &key_id(&first)).is_none(), "no key remains");
    }

    #[test]
    fn a_key_retires_when_nothing_is_sealed_with_it_and_a_backup_is_old() {
        const DAY: Duration = Duration::from_hours(24);
        assert_eq!(vault_plan(&[], None, NOW).add, Some(NOW));
        let first = new_sealing_key(&SeededEntropy::new(1), NOW, NOW);
        let due = NOW.plus(89 * DAY);
        let plan = vault_plan(std::slice::from_ref(&first), None, due);
        assert_eq!((plan.add, plan.retire.len()), (Some(due.plus(DAY)), 0));
        let second = new_sealing_key(&SeededEntropy::new(2), due, due.plus(DAY));
        let mut keys = [first.clone(), second.clone()];
        let found = |checked_at: Timestamp, left: &[[u8; 4]]| VaultKeysInUse {
            newest: second.id,
            left: left.iter().copied().collect(),
            checked_at,
        };
        let later = due.plus(3 * DAY);
        assert!(vault_plan(&keys, None, later).is_empty(), "nothing was looked at");
        let early = found(due.plus(DAY), &[]);
        assert!(vault_plan(&keys, Some(&early), later).is_empty(), "both sealed at that time");
        let left = found(later, &[first.id]);
        assert!(vault_plan(&keys, Some(&left), later).is_empty(), "something is left");
        assert_eq!(vault_plan(&keys, Some(&left), later).wake, Some(later.plus(CHECK_INTERVAL)));
        let none = found(later, &[]);
        let at = later.plus(RETENTION);
        let plan = vault_plan(&keys, Some(&none), later);
        assert_eq!((plan.retire, plan.remove.len()), (vec![(first.entry_name(), at)], 0));
        keys[0].retire_at = Some(at);
        assert!(vault_plan(&keys, Some(&none), later.plus(DAY)).is_empty());
        // A backup was restored in the meantime.
        let restored = found(at, &[first.id]);
        assert!(vault_plan(&keys, Some(&restored), at).remove.is_empty());
        let plan = vault_plan(&keys, Some(&found(at, &[])), at);
        assert_eq!(plan.remove, [first.entry_name()]);
    }

    #[test]
    fn every_key_that_is_needed_stays_over_years() {
        let mut keys: Vec<SealingKey> = Vec::new();
        let mut now = NOW;
        for round in 0..60 {
            let newest = keys.iter().rfind(|key| key.seals_from <= now).map(|key| key.id);
            let newest = newest.unwrap_or_default();
            let found = VaultKeysInUse { newest, left: BTreeSet::new(), checked_at: now };
            let plan = vault_plan(&keys, Some(&found), now);
            if let Some(from) = plan.add {
                keys.push(new_sealing_key(&SeededEntropy::new(round), now, from));
            }
            for (name, at) in &plan.retire {
                for key in keys.iter_mut().filter(|key| key.entry_name() == *name) {
                    key.retire_at = Some(*at);
                }
            }
            keys.retain(|key| !plan.remove.contains(&key.entry_name()));
            assert!(keys.iter().any(|key| key.seals_from <= now));
            now = now.plus(Duration::from_hours(24 * 15));
        }
        assert!(keys.len() <= 4, "{}", keys.len());
    }
}
