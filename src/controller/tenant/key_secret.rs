//! What a tenant's key Secret holds: keys that can be used, and what cannot.

use crate::keys::{
    DamagedEntry, KeyEntries, KeyRecord, KeyRing, PlannedKey, check_key, entry_name, read_keys,
};

/// The entries of a key Secret.
#[derive(Debug, Default)]
pub struct KeySecretContents {
    /// Keys that can be used.
    pub keys: Vec<KeyRecord>,
    /// Entries that a newer release may have written: they are left alone.
    pub foreign: Vec<DamagedEntry>,
    /// Entries that nobody can use.
    pub damaged: Vec<DamagedEntry>,
}

impl KeySecretContents {
    /// Reads entries. Keys that are in `ring` have been parsed for serving and are not again.
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
                    problem: format!("holds no usable {} key", record.algorithm),
                    foreign: false,
                });
            }
        }
        stored
    }

    /// What rotation goes by.
    pub fn planned(&self) -> Vec<PlannedKey> {
        let planned = self.keys.iter().map(|record| PlannedKey {
            kid: record.kid.clone(),
            algorithm: record.algorithm,
            times: record.times,
        });
        planned.collect()
    }

    /// Whether a key is there, if only for a newer release.
    pub fn has(&self, kid: &str) -> bool {
        let entry = entry_name(kid);
        self.keys.iter().any(|key| key.kid == kid)
            || self.foreign.iter().any(|foreign| foreign.name == entry)
    }
}
