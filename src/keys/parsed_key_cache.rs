//! Cache of parsed keys, so that a rebuild of the snapshot parses only new or changed keys.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::{
    key_secret::{DamagedEntry, KeyEntries, KeyRecord, entry_name, read_keys, write_key},
    ring::KeyRing,
    signing_key::SigningKey,
};
use crate::model::Sha256;

type Hash = [u8; 32];

/// A map from the hash of a key record to its parsed key. Holds only weak references, so unused
/// keys are dropped.
#[derive(Debug, Default)]
pub struct ParsedKeyCache {
    parsed: Mutex<HashMap<Hash, Weak<SigningKey>>>,
}

impl ParsedKeyCache {
    /// Returns the key ring of a key Secret, and the entries that cannot be used.
    pub fn ring(&self, entries: &KeyEntries) -> (KeyRing, Vec<DamagedEntry>) {
        let (records, mut damaged) = read_keys(entries);
        let mut keys = Vec::with_capacity(records.len());
        for record in &records {
            match self.key(record) {
                Some(key) => keys.push(key),
                None => damaged.push(DamagedEntry {
                    name: entry_name(&record.kid),
                    problem: format!("contains no usable {} key", record.algorithm),
                    foreign: false,
                }),
            }
        }
        (KeyRing::new(keys), damaged)
    }

    fn key(&self, record: &KeyRecord) -> Option<Arc<SigningKey>> {
        let hash = hash(record);
        let known = self.lock().get(&hash).and_then(Weak::upgrade);
        if known.is_some() {
            return known;
        }
        let key = Arc::new(SigningKey::parse(record).ok()?);
        let mut parsed = self.lock();
        if parsed.len() >= parsed.capacity() {
            parsed.retain(|_, key| key.strong_count() > 0);
        }
        parsed.insert(hash, Arc::downgrade(&key));
        Some(key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Hash, Weak<SigningKey>>> {
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(record: &KeyRecord) -> Hash {
    let (name, bytes) = write_key(record);
    Sha256::default().with(name).with(bytes.0).finish()
}
