//! Cache of device codes that were opened. A device sends one code with each poll, and a lookup costs a fraction of
//! deriving the key and decrypting.
//!
//! A hit proves only that the installation sealed the code for the tenant. Its client and its expiry are checked at
//! every poll. Codes count only for the sealer that opened them, so a code of a removed key is refused.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::{
    accounts::records::sealed_record::open_record,
    keys::Sealer,
    model::{BoundedCache, TenantId, sha256},
    protocol::records::DeviceCode,
};

/// Maximum number of codes, about 300 bytes each. The times of as many polls are remembered.
const MAX_ENTRIES: usize = 50_000;

/// The device codes that one sealer has opened.
pub(in crate::accounts) struct DeviceCodeCache(Mutex<OpenedDeviceCodes>);

struct OpenedDeviceCodes {
    /// The sealer that opened the codes. The cache does not keep its keys in memory.
    sealer: Weak<Sealer>,
    /// The codes, by their tenant and the SHA-256 hash of their sealed form.
    codes: BoundedCache<(TenantId, [u8; 32]), DeviceCode>,
}

impl Default for DeviceCodeCache {
    fn default() -> Self {
        Self::with_capacity(MAX_ENTRIES)
    }
}

impl DeviceCodeCache {
    fn with_capacity(capacity: usize) -> Self {
        let codes = BoundedCache::new(capacity);
        Self(Mutex::new(OpenedDeviceCodes { sealer: Weak::new(), codes }))
    }

    /// Opens a device code; `None` if it was not sealed for this tenant. Does not check its client or expiry.
    pub(in crate::accounts) fn open(
        &self,
        sealer: &Arc<Sealer>,
        tenant: &TenantId,
        sealed: &str,
    ) -> Option<DeviceCode> {
        let key = (tenant.clone(), sha256(sealed));
        let known = self.opened_by(sealer).codes.get(&key).cloned();
        known.or_else(|| {
            let code: DeviceCode = open_record(sealer, tenant, sealed)?;
            self.opened_by(sealer).codes.put(key, code.clone());
            Some(code)
        })
    }

    /// Locks the codes, and removes those of another sealer.
    fn opened_by(&self, sealer: &Arc<Sealer>) -> MutexGuard<'_, OpenedDeviceCodes> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.sealer.upgrade().is_none_or(|by| !Arc::ptr_eq(&by, sealer)) {
            opened.sealer = Arc::downgrade(sealer);
            opened.codes.clear();
        }
        opened
    }
}

impl fmt::Debug for DeviceCodeCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCodeCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::records::sealed_record::seal_record,
        keys::{KeyEntries, new_sealing_key, write_sealing_key},
        model::{ClientId, SeededEntropy, Timestamp},
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn sealer(seed: u64) -> Arc<Sealer> {
        let key = new_sealing_key(&SeededEntropy::new(seed), NOW, NOW);
        let entries = KeyEntries::from([write_sealing_key(&key)]);
        Arc::new(Sealer::from_entries(&entries).0.expect("a key"))
    }

    fn tenant() -> TenantId {
        TenantId::new("team", "shop")
    }

    fn code(grant_id: &str) -> DeviceCode {
        DeviceCode {
            grant_id: grant_id.to_owned(),
            user_code: "BCDFGHJK".to_owned(),
            client: ClientId::new("team.tv"),
            expires_at: NOW,
        }
    }

    fn sealed(sealer: &Sealer, code: &DeviceCode) -> String {
        seal_record(sealer, &tenant(), code, &SeededEntropy::new(1), NOW)
    }

    #[test]
    fn a_code_is_opened_once() {
        let (cache, sealer) = (DeviceCodeCache::default(), sealer(1));
        let sent = sealed(&sealer, &code("one"));
        assert_eq!(cache.open(&sealer, &tenant(), &sent), Some(code("one")));
        let entry = (tenant(), sha256(&sent));
        cache.opened_by(&sealer).codes.put(entry, code("of the cache"));
        assert_eq!(cache.open(&sealer, &tenant(), &sent), Some(code("of the cache")));
    }

    #[test]
    fn a_remembered_code_is_refused_at_another_tenant() {
        let (cache, sealer) = (DeviceCodeCache::default(), sealer(1));
        let sent = sealed(&sealer, &code("one"));
        for _ in 0..2 {
            assert_eq!(cache.open(&sealer, &tenant(), &sent), Some(code("one")));
            assert_eq!(cache.open(&sealer, &TenantId::new("team", "other"), &sent), None);
            assert_eq!(cache.open(&sealer, &tenant(), &sent[1..]), None);
        }
        assert_eq!(cache.opened_by(&sealer).codes.len(), 1);
    }

    #[test]
    fn a_remembered_code_is_refused_without_the_key_that_sealed_it() {
        let (cache, before, after) = (DeviceCodeCache::default(), sealer(1), sealer(2));
        let sent = sealed(&before, &code("one"));
        assert_eq!(cache.open(&before, &tenant(), &sent), Some(code("one")));
        assert_eq!(cache.open(&after, &tenant(), &sent), None);
        assert!(cache.opened_by(&after).codes.is_empty());
        assert_eq!(cache.open(&before, &tenant(), &sent), Some(code("one")));
    }

    #[test]
    fn the_number_of_codes_is_bounded() {
        let (cache, sealer) = (DeviceCodeCache::with_capacity(4), sealer(1));
        for number in 0..20 {
            let code = code(&number.to_string());
            let sent = sealed(&sealer, &code);
            assert_eq!(cache.open(&sealer, &tenant(), &sent), Some(code));
            assert!(cache.opened_by(&sealer).codes.len() <= 4);
        }
    }
}
