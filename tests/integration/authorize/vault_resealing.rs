//! Authenticators that are sealed again after a new vault key has begun to seal.

use std::{ops::RangeInclusive, sync::Arc};

use async_trait::async_trait;
use lanyard::{
    accounts::VaultResealer,
    keys::Vault,
    model::{Clock, SeededEntropy, TenantId, Timestamp},
    store::{
        DueRecords, IndexEntry, IndexKind, Record, RecordKey, RecordKind, SharedStore, Store,
        StoreError, StoreState, VersionedRecord,
    },
};
use tokio::sync::Mutex;

use super::{
    authenticator::{OFFERED, set_up, with_password},
    world::{ALICE, World},
};

/// A store with a damaged app in front of the others, or whose app is replaced while it is resealed.
#[derive(Debug)]
struct TroubledStore {
    inner: SharedStore,
    trouble: Arc<Mutex<Trouble>>,
}

#[derive(Debug, Default)]
struct Trouble {
    /// The number of damaged records of each list.
    damaged: usize,
    /// The record that another writer stores after the next list.
    replacement: Option<Record>,
}

#[async_trait]
impl Store for TroubledStore {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.insert(record, now).await
    }

    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        self.inner.get(key, now).await
    }

    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        self.inner.take(key, now).await
    }

    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.compare_and_swap(version, record, now).await
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        self.inner.list(kind, tenant, owner, now).await
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DueRecords, StoreError> {
        let mut trouble = self.trouble.lock().await;
        let skipped = if kind == RecordKind::Totp { trouble.damaged } else { 0 };
        let found = self.inner.list_due(kind, due, limit.saturating_sub(skipped), now).await?;
        if let Some(replacement) = trouble.replacement.take_if(|it| it.key.kind == kind) {
            let stored = self.inner.get(&replacement.key, now).await?.expect("it is there");
            assert!(self.inner.compare_and_swap(stored.version, replacement, now).await?);
        }
        Ok(DueRecords { skipped, ..found })
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.inner.purge(limit, now).await
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        self.inner.state().await
    }
}

/// A world in which Alice has set up an app, and a newer vault key seals.
async fn rotated() -> (World, Arc<Mutex<Trouble>>) {
    let trouble = Arc::<Mutex<Trouble>>::default();
    let of_store = Arc::clone(&trouble);
    let wrap = move |inner| Arc::new(TroubledStore { inner, trouble: of_store }) as SharedStore;
    let world = World::over(wrap).await;
    world.change(OFFERED.0, OFFERED.1);
    set_up(&world, &world.alice().await).await;
    world.app.clock.advance(std::time::Duration::from_mins(1));
    world.app.stage.add_vault_key(&SeededEntropy::new(77));
    (world, trouble)
}

fn resealer(world: &World) -> VaultResealer {
    let clock: Arc<dyn Clock> = world.app.clock.clone();
    let registry = world.app.app.registry.clone();
    VaultResealer::new(&world.app.app.accounts, registry, &clock).0
}

/// A record of Alice.
async fn stored(world: &World, kind: RecordKind) -> Option<Record> {
    let tenant = TenantId::new("default", "shop");
    let owner = IndexEntry::new(IndexKind::User, world.app.subject("shop", "alice"));
    let found = world.app.store.list(kind, &tenant, &owner, world.app.clock.now()).await;
    found.expect("the store").pop().map(|it| it.record)
}

#[tokio::test]
async fn no_key_is_retired_while_a_record_cannot_be_looked_at() {
    let (world, trouble) = rotated().await;
    for damaged in [1, 1000, 2500] {
        trouble.lock().await.damaged = damaged;
        let resealer = resealer(&world);
        assert_eq!(resealer.reseal_records().await, Ok(None), "{damaged}");
    }
    for kind in [RecordKind::Totp, RecordKind::RecoveryCodes] {
        let due_at = stored(&world, kind).await.expect("a record").due_at;
        assert!(due_at > Some(world.app.clock.now().minus(std::time::Duration::from_secs(30))));
    }
    trouble.lock().await.damaged = 0;
    let in_use = resealer(&world).reseal_records().await.expect("the store");
    assert!(in_use.is_some_and(|in_use| in_use.left.is_empty()));
}

#[tokio::test]
async fn an_app_that_replaces_a_discarded_one_at_the_same_moment_is_kept() {
    let (world, trouble) = rotated().await;
    let discarded = stored(&world, RecordKind::Totp).await.expect("an app");
    let text = std::str::from_utf8(&discarded.value).expect("text");
    let id = Vault::key_id(text).expect("sealed");
    resealer(&world).reseal_records().await.expect("the store").expect("complete");
    let new = stored(&world, RecordKind::Totp).await.expect("an app");
    // The record is that of the first key again, and the person sets a new app up while it is removed.
    let current = world.app.store.get(&new.key, world.app.clock.now()).await.expect("the store");
    let version = current.expect("an app").version;
    let now = world.app.clock.now();
    assert_eq!(world.app.store.compare_and_swap(version, discarded, now).await, Ok(true));
    trouble.lock().await.replacement = Some(new.clone());
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    world.app.stage.discard_vault_key(&id);
    let in_use = resealer(&world).reseal_records().await.expect("the store").expect("complete");
    assert!(in_use.left.is_empty());
    assert_eq!(stored(&world, RecordKind::Totp).await.as_ref(), Some(&new));
    let url = world.application("trusted").await.authorize_url("openid", &[]);
    with_password(&url, ALICE).await;
}
