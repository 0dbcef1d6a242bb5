//! The store of tests and trials: in the memory of one process, lost at its end.
//!
//! One lock covers four indexes. Every operation is a few map accesses, which cost far less than
//! the signature or password check of the same request.

mod tables;

use std::{
    fmt,
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use tables::{ListKey, MemoryTables, versioned_record};

use crate::model::{Entropy, TenantId, Timestamp};

use super::{
    CLOCK_SKEW, DueRecords, IndexEntry, MAX_LISTED, Record, RecordKey, RecordKind, Store,
    StoreError, StoreState, VersionedRecord,
};

/// Expired records that a full store purges before it refuses an insert.
const PURGED_WHEN_FULL: usize = 64;

/// A store in memory with a maximum number of records.
pub struct MemoryStore {
    incarnation: String,
    capacity: usize,
    tables: Mutex<MemoryTables>,
}

impl MemoryStore {
    /// Enough for 100,000 signed-in users, in about 150 MB.
    pub const DEFAULT_CAPACITY: usize = 250_000;

    /// An empty store with a new incarnation that holds at most `capacity` records.
    pub fn new(entropy: &dyn Entropy, capacity: usize) -> Self {
        Self { incarnation: entropy.id(), capacity, tables: Mutex::default() }
    }

    fn tables(&self) -> MutexGuard<'_, MemoryTables> {
        self.tables.lock().expect("code that holds the lock does not panic")
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("capacity", &self.capacity).finish_non_exhaustive()
    }
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
            && tables.purge(PURGED_WHEN_FULL, now.minus(CLOCK_SKEW)) == 0
        {
            let why = format!(
                "the memory store has no space for more records of the tenant {tenant} (it holds {} \
                 records of all); use a durable store",
                self.capacity
            );
            return Err(StoreError::NoSpace { tenant: tenant.clone(), why });
        }
        tables.put(record);
        Ok(true)
    }

    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        Ok(self.tables().live(key, now).map(|(key, entry)| versioned_record(key, entry)))
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
        let listing = ListKey { kind, tenant: tenant.clone(), owner: owner.clone() };
        Ok(tables
            .by_owner
            .get(&listing)
            .into_iter()
            .flatten()
            .filter_map(|key| tables.live(key, now))
            .take(MAX_LISTED)
            .map(|(key, entry)| versioned_record(key, entry))
            .collect())
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DueRecords, StoreError> {
        let (from, until) = due.into_inner();
        if from > until {
            return Ok(DueRecords::default());
        }
        let tables = self.tables();
        let due = tables.by_due_time.range((kind, from)..=(kind, until));
        let live = due.flat_map(|(_, keys)| keys).filter_map(|key| tables.live(key, now));
        Ok(DueRecords::of(live.take(limit).map(|(key, entry)| Some(versioned_record(key, entry)))))
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.tables().purge(limit, now.minus(CLOCK_SKEW)))
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
    use std::{sync::Arc, time::Duration};

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
        assert!(matches!(refused, Err(StoreError::NoSpace { .. })), "{refused:?}");
        let stored = store.get(&key("a"), NOW).await.unwrap().unwrap();
        assert_eq!(store.compare_and_swap(stored.version, record("a"), NOW).await, Ok(true));

        let later = NOW.plus(Duration::from_hours(1) + CLOCK_SKEW);
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
