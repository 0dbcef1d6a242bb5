//! Parses the entries of a tenant's key Secret into usable, foreign and damaged ones.

use crate::keys::{
    DamagedEntry, KeyEntries, KeyRecord, KeyRing, PlannedKey, check_key, entry_name, read_keys,
};

/// The parsed entries of a key Secret.
#[derive(Debug, Default)]
pub struct KeySecretContents {
    /// The keys that this release can read, as parsed.
    pub keys: Vec<KeyRecord>,
    /// Entries that a newer release may have written, which are preserved.
    pub foreign: Vec<DamagedEntry>,
    /// Entries that no release can use. They are copied to the backup Secret and then removed.
    pub damaged: Vec<DamagedEntry>,
}

impl KeySecretContents {
    /// Parses entries. Keys in `ring` are not parsed again.
    pub fn read(entries: &KeyEntries, ring: &KeyRing) -> Self {
        let (records, unread) = read_keys(entries);
        let (foreign, damaged) = unread.into_iter().partition(|entry| entry.foreign);
        let mut stored = Self { keys: Vec::with_capacity(records.len()), foreign, damaged };
        for record in records {
            let known = ring.by_kid(&record.kid).is_some_and(|key| key.times == record.times);
            if known || check_key(&record).is_ok() {
                stored.keys.push(record);
            } else {
                stored.damaged.push(DamagedEntry {
                    name: entry_name(&record.kid),
                    problem: format!("contains no usable {} key", record.algorithm),
                    foreign: false,
                });
            }
        }
        stored
    }

    /// The keys as the rotation schedule needs them.
    pub fn planned(&self) -> Vec<PlannedKey> {
        let planned = self.keys.iter().map(|record| PlannedKey {
            kid: record.kid.clone(),
            algorithm: record.algorithm,
            times: record.times,
        });
        planned.collect()
    }

    /// Returns true if a key exists, even in an entry of a newer release.
    pub fn has(&self, kid: &str) -> bool {
        let entry = entry_name(kid);
        self.keys.iter().any(|key| key.kid == kid)
            || self.foreign.iter().any(|foreign| foreign.name == entry)
    }
}
