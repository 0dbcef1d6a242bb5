//! The store of tests and trials: in the memory of one process, lost at its end.
//!
//! One lock covers four indexes. Every operation is a few map accesses, which cost far less than
//! the signature or password check of the same request.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::model::{Entropy, ErrorCause, TenantId, Timestamp};

use super::{
    CLOCK_TOLERANCE, IndexEntry, MAX_LISTED, Record, RecordKey, RecordKind, Store, StoreError,
    StoreState, VersionedRecord,
};

/// A tenant has at most this many times as many records as are free, so that one tenant cannot use
/// up the space of the others.
const MAX_SHARE_OF_FREE: usize = 3;

/// Expired records that a full store purges before it refuses an insert.
const PURGED_WHEN_FULL: usize = 64;

/// A store in memory with a maximum number of records.
pub struct MemoryStore {
    incarnation: String,
    capacity: usize,
    tables: Mutex<Tables>,
}

impl MemoryStore {
    /// Enough for 100,000 signed-in users, in about 150 MB.
    pub const DEFAULT_CAPACITY: usize = 250_000;

    /// An empty store with a new incarnation that holds at most `capacity` records.
    pub fn new(entropy: &dyn Entropy, capacity: usize) -> Self {
        Self { incarnation: entropy.id(), capacity, tables: Mutex::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().expect("code that holds the lock does not panic")
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// The key of `list`: kind, tenant and index entry.
#[derive(PartialEq, Eq, Hash)]
struct Listing {
    kind: RecordKind,
    tenant: TenantId,
    owner: IndexEntry,
}

impl Listing {
    fn of(key: &RecordKey, owner: &IndexEntry) -> Self {
        Self { kind: key.kind, tenant: key.tenant.clone(), owner: owner.clone() }
    }
}

struct Entry {
    value: Bytes,
    expires_at: Timestamp,
    owners: Vec<IndexEntry>,
    due_at: Option<Timestamp>,
    version: u64,
}

/// The records and their indexes. Only `put` and `remove` change them, all together.
#[derive(Default)]
struct Tables {
    records: HashMap<Arc<RecordKey>, Entry>,
    by_owner: HashMap<Listing, HashSet<Arc<RecordKey>>>,
    by_expiry: BTreeSet<(Timestamp, Arc<RecordKey>)>,
    by_due_time: BTreeMap<(RecordKind, Timestamp), BTreeSet<Arc<RecordKey>>>,
    /// The number of records of each tenant.
    by_tenant: HashMap<TenantId, usize>,
    /// The version of the last write to any record: versions are never reused.
    version: u64,
}

impl Tables {
    /// Whether a tenant may add a record.
    fn has_space(&self, tenant: &TenantId, capacity: usize) -> bool {
        let free = capacity.saturating_sub(self.records.len());
        let own = self.by_tenant.get(tenant).copied().unwrap_or_default();
        own < free.saturating_mul(MAX_SHARE_OF_FREE)
    }

    /// The entry of a key, unless it has expired.
    fn live(&self, key: &RecordKey, now: Timestamp) -> Option<(&Arc<RecordKey>, &Entry)> {
        self.records.get_key_value(key).filter(|(_, entry)| entry.expires_at > now)
    }

    /// Writes a record, replacing any entry of its key.
    fn put(&mut self, record: Record) {
        self.remove(&record.key);
        self.version += 1;
        *self.by_tenant.entry(record.key.tenant.clone()).or_default() += 1;
        let key = Arc::new(record.key);
        for owner in &record.owners {
            self.by_owner.entry(Listing::of(&key, owner)).or_default().insert(Arc::clone(&key));
        }
        self.by_expiry.insert((record.expires_at, Arc::clone(&key)));
        if let Some(due_at) = record.due_at {
            self.by_due_time.entry((key.kind, due_at)).or_default().insert(Arc::clone(&key));
        }
        let entry = Entry {
            value: record.value,
            expires_at: record.expires_at,
            owners: record.owners,
            due_at: record.due_at,
            version: self.version,
        };
        self.records.insert(key, entry);
    }

    fn remove(&mut self, key: &RecordKey) -> Option<VersionedRecord> {
        let (key, entry) = self.records.remove_entry(key)?;
        if let Some(count) = self.by_tenant.get_mut(&key.tenant) {
            *count -= 1;
            if *count == 0 {
                self.by_tenant.remove(&key.tenant);
            }
        }
        for owner in &entry.owners {
            let listing = Listing::of(&key, owner);
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
        Some(stored(&place.1, &entry))
    }

    fn purge(&mut self, limit: usize, before: Timestamp) -> usize {
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

fn stored(key: &RecordKey, entry: &Entry) -> VersionedRecord {
    let record = Record {
        key: key.clone(),
        value: entry.value.clone(),
        expires_at: entry.expires_at,
        owners: entry.owners.clone(),
        due_at: entry.due_at,
    };
    VersionedRecord { record, version: entry.version }
}

#[async_trait]
impl Store for MemoryStore {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        record.check_size()?;
        let mut tables = self.tables();
        if tables.live(&record.key, now).is_some() {
            return Ok(false);
        }
        let tenant = &record.key.tenant;
        if !tables.has_space(tenant, self.capacity)
            && tables.purge(PURGED_WHEN_FULL, now.minus(CLOCK_TOLERANCE)) == 0
        {
            return Err(StoreError::Unavailable(ErrorCause::new(format!(
                "the memory store has no space for more records of the tenant {tenant} (it holds {} \
                 records of all); use a durable store",
                self.capacity
            ))));
        }
        tables.put(record);
        Ok(true)
    }

    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        Ok(self.tables().live(key, now).map(|(key, entry)| stored(key, entry)))
    }

    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        let mut tables = self.tables();
        match tables.live(key, now) {
            Some(_) => Ok(tables.remove(key)),
            None => Ok(None),
        }
    }

    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        record.check_size()?;
        let mut tables = self.tables();
        let unchanged =
            tables.live(&record.key, now).is_some_and(|(_, entry)| entry.version == version);
        if unchanged {
            tables.put(record);
        }
        Ok(unchanged)
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        let tables = self.tables();
        let listing = Listing { kind, tenant: tenant.clone(), owner: owner.clone() };
        Ok(tables
            .by_owner
            .get(&listing)
            .into_iter()
            .flatten()
            .filter_map(|key| tables.live(key, now))
            .take(MAX_LISTED)
            .map(|(key, entry)| stored(key, entry))
            .collect())
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        let (from, until) = due.into_inner();
        if from > until {
            return Ok(Vec::new());
        }
        let tables = self.tables();
        let due = tables.by_due_time.range((kind, from)..=(kind, until));
        Ok(due
            .flat_map(|(_, keys)| keys)
            .filter_map(|key| tables.live(key, now))
            .take(limit)
            .map(|(key, entry)| stored(key, entry))
            .collect())
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.tables().purge(limit, now.minus(CLOCK_TOLERANCE)))
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        Ok(StoreState { incarnation: self.incarnation.clone(), time: None })
    }

    async fn incarnation(&self) -> Result<String, StoreError> {
        Ok(self.incarnation.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        model::SeededEntropy,
        store::contract::{self, NOW, key, record},
    };

    contract::suite!(async { Arc::new(MemoryStore::new(&SeededEntropy::new(1), 10_000)) });

    #[tokio::test]
    async fn refuses_to_grow_beyond_its_capacity() {
        let store = MemoryStore::new(&SeededEntropy::new(1), 2);
        assert_eq!(store.insert(record("a"), NOW).await, Ok(true));
        assert_eq!(store.insert(record("b"), NOW).await, Ok(true));
        let refused = store.insert(record("c"), NOW).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        let stored = store.get(&key("a"), NOW).await.unwrap().unwrap();
        assert_eq!(store.compare_and_swap(stored.version, record("a"), NOW).await, Ok(true));

        let later = NOW.plus(Duration::from_hours(1) + CLOCK_TOLERANCE);
        let mut fresh = record("c");
        fresh.expires_at = later.plus(Duration::from_secs(1));
        assert_eq!(store.insert(fresh, later).await, Ok(true), "room after what expired is freed");
    }

    #[tokio::test]
    async fn a_tenant_cannot_use_up_the_space_of_others() {
        let store = MemoryStore::new(&SeededEntropy::new(1), 1000);
        let mut stored = 0;
        while store.insert(record(&stored.to_string()), NOW).await == Ok(true) {
            stored += 1;
        }
        assert_eq!(stored, 750);
        for id in ["a", "b"] {
            let mut other = record(id);
            other.key.tenant = TenantId::new("team", "other");
            assert_eq!(store.insert(other, NOW).await, Ok(true));
        }
    }

    #[tokio::test]
    async fn leaves_nothing_behind() {
        let store = MemoryStore::new(&SeededEntropy::new(1), 10);
        for id in ["a", "b", "c"] {
            store.insert(Record { due_at: Some(NOW), ..record(id) }, NOW).await.unwrap();
        }
        let stored = store.get(&key("b"), NOW).await.unwrap().unwrap();
        store
            .compare_and_swap(stored.version, Record { owners: vec![], ..record("b") }, NOW)
            .await
            .unwrap();
        store.take(&key("a"), NOW).await.unwrap();
        store.purge(10, NOW.plus(Duration::from_hours(2))).await.unwrap();
        let tables = store.tables();
        assert!(tables.records.is_empty() && tables.by_owner.is_empty());
        assert!(tables.by_expiry.is_empty() && tables.by_due_time.is_empty());
        assert!(tables.by_tenant.is_empty());
    }

    #[tokio::test]
    async fn each_store_has_a_new_incarnation() {
        let entropy = SeededEntropy::new(1);
        let (a, b) = (MemoryStore::new(&entropy, 1), MemoryStore::new(&entropy, 1));
        assert_ne!(a.state().await.unwrap().incarnation, b.state().await.unwrap().incarnation);
    }
}
