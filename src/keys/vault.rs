//! The installation's vault keys. They seal values in the store that have no end, such as the
//! authenticators of people, so a vault key is not replaced by the passing of time.
//!
//! A value counts in the one place that it was sealed for: a writer of the database cannot give the
//! authenticator of one person to another.

use super::{
    discarded_keys::DiscardedKeys,
    key_secret::{DamagedEntry, KeyEntries},
    seal::Sealer,
    sealing_keys::{SealingKey, SealingPlan},
};
use crate::model::{Entropy, TenantId, Timestamp};

const LABEL: &[u8] = b"lanyard vault";

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
    /// There is no key with the id. It may come back.
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

    /// The keys.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The keys that were discarded.
    pub fn discarded(&self) -> &DiscardedKeys {
        &self.discarded
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
    /// [`VaultError`] says whether the value is void or cannot be judged.
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

/// Plans the vault keys: a first key is made at once.
pub fn vault_plan(keys: &[SealingKey], now: Timestamp) -> SealingPlan {
    SealingPlan { add: keys.is_empty().then_some(now), ..SealingPlan::default() }
}

#[cfg(test)]
mod tests {
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
    fn one_key_is_made_and_stays() {
        assert_eq!(vault_plan(&[], NOW).add, Some(NOW));
        let key = new_sealing_key(&SeededEntropy::new(1), NOW, NOW);
        let years = NOW.plus(std::time::Duration::from_hours(24 * 3650));
        assert!(vault_plan(&[key], years).is_empty());
    }
}
