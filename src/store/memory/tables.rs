//! The records of the store in memory, and their indexes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;

use super::super::{
    IndexEntry, Record, RecordKey, RecordKind, VersionedRecord, tenant_shares::MAX_SHARE_OF_FREE,
};
use crate::model::{TenantId, Timestamp};

/// The key of `list`: kind, tenant and index entry.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct ListKey {
    pub(super) kind: RecordKind,
    pub(super) tenant: TenantId,
    pub(super) owner: IndexEntry,
}

impl ListKey {
    fn of(key: &RecordKey, owner: &IndexEntry) -> Self {
        Self { kind: key.kind, tenant: key.tenant.clone(), owner: owner.clone() }
    }
}

pub(super) struct MemoryRecord {
    pub(super) value: Bytes,
    pub(super) expires_at: Timestamp,
    pub(super) owners: Vec<IndexEntry>,
    pub(super) due_at: Option<Timestamp>,
    pub(super) version: u64,
}

/// The tables of the store: the records and their indexes. Only `put` and `remove` change them, all together.
#[derive(Default)]
pub(super) struct MemoryTables {
    pub(super) records: HashMap<Arc<RecordKey>, MemoryRecord>,
    pub(super) by_owner: HashMap<ListKey, HashSet<Arc<RecordKey>>>,
    pub(super) by_expiry: BTreeSet<(Timestamp, Arc<RecordKey>)>,
    pub(super) by_due_time: BTreeMap<(RecordKind, Timestamp), BTreeSet<Arc<RecordKey>>>,
    /// The number of records of each tenant.
    pub(super) by_tenant: HashMap<TenantId, usize>,
    /// The version of the last write to any record: versions are never reused.
    pub(super) version: u64,
}

impl MemoryTables {
    /// Whether a tenant may add a record.
    pub(super) fn has_space(&self, tenant: &TenantId, capacity: usize) -> bool {
        let free = capacity.saturating_sub(self.records.len());
        let own = self.by_tenant.get(tenant).copied().unwrap_or_default();
        own < free.saturating_mul(MAX_SHARE_OF_FREE.into())
    }

    /// The entry of a key, unless it has expired.
    pub(super) fn live(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Option<(&Arc<RecordKey>, &MemoryRecord)> {
        self.records.get_key_value(key).filter(|(_, entry)| entry.expires_at > now)
    }

    /// Writes a record, replacing any entry of its key.
    pub(super) fn put(&mut self, record: Record) {
        self.remove(&record.key);
        self.version += 1;
        *self.by_tenant.entry(record.key.tenant.clone()).or_default() += 1;
        let key = Arc::new(record.key);
        for owner in &record.owners {
            self.by_owner.entry(ListKey::of(&key, owner)).or_default().insert(Arc::clone(&key));
        }
        self.by_expiry.insert((record.expires_at, Arc::clone(&key)));
        if let Some(due_at) = record.due_at {
            self.by_due_time.entry((key.kind, due_at)).or_default().insert(Arc::clone(&key));
        }
        let entry = MemoryRecord {
            value: record.value,
            expires_at: record.expires_at,
            owners: record.owners,
            due_at: record.due_at,
            version: self.version,
        };
        self.records.insert(key, entry);
    }

    pub(super) fn remove(&mut self, key: &RecordKey) -> Option<VersionedRecord> {
        let (key, entry) = self.records.remove_entry(key)?;
        if let Some(count) = self.by_tenant.get_mut(&key.tenant) {
            *count -= 1;
            if *count == 0 {
                self.by_tenant.remove(&key.tenant);
            }
        }
        for owner in &entry.owners {
            let listing = ListKey::of(&key, owner);
            if let Some(keys) = self.by_owner.get_mut(&listing) {
                keys.remove(&key);
                if keys.is_empty() {
                    self.by_owner.remove(&listing);
                }
            }
        }
        if let Some(due_at) = entry.due_at {
            let time = (key.kind, due_at);
            if let Some(keys) = self.by_due_time.get_mut(&time) {
                keys.remove(&key);
                if keys.is_empty() {
                    self.by_due_time.remove(&time);
                }
            }
        }
        let place = (entry.expires_at, key);
        self.by_expiry.remove(&place);
        Some(versioned_record(&place.1, &entry))
    }

    pub(super) fn purge(&mut self, limit: usize, before: Timestamp) -> usize {
        let expired: Vec<Arc<RecordKey>> = self
            .by_expiry
            .iter()
            .take_while(|(expires_at, _)| *expires_at <= before)
            .take(limit)
            .map(|(_, key)| Arc::clone(key))
            .collect();
        for key in &expired {
            self.remove(key);
        }
        expired.len()
    }
}

/// An entry as a record.
pub(super) fn versioned_record(key: &RecordKey, entry: &MemoryRecord) -> VersionedRecord {
    let record = Record {
        key: key.clone(),
        value: entry.value.clone(),
        expires_at: entry.expires_at,
        owners: entry.owners.clone(),
        due_at: entry.due_at,
    };
    VersionedRecord { record, version: entry.version }
}
