//! Part of the contract of stores that measure their space.

use super::{NOW, key, record};
use crate::{
    model::{Entropy as _, SeededEntropy, TenantId},
    store::{FairStore, Record, RecordKind, Store as _, StoreError},
};

/// A record of 32 KiB that no store can compress.
fn large(entropy: &SeededEntropy, id: &str) -> Record {
    let mut value = vec![0; 32 * 1024];
    entropy.fill(&mut value);
    Record { value: value.into(), ..record(id) }
}

/// Inserts large records until one is refused; returns their number and the refusal.
async fn fill(store: &FairStore) -> (usize, Result<bool, StoreError>) {
    let entropy = SeededEntropy::new(7);
    for stored in 0..5000 {
        if stored % 8 == 0 {
            store.refresh().await.unwrap();
        }
        let inserted = store.insert(large(&entropy, &stored.to_string()), NOW).await;
        if inserted != Ok(true) {
            return (stored, inserted);
        }
    }
    panic!("the store is not full");
}

/// `store` is empty, and has a size of 8 to 32 MiB.
pub async fn a_tenant_cannot_use_up_the_space_of_others(store: &FairStore) {
    assert_eq!(store.refresh().await, Ok(false), "an empty store is not counted");
    let (stored, refused) = fill(store).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, StoreError::NoSpace { .. }), "{refused:?}");
    assert!(refused.to_string().contains("of the tenant team/main"), "{refused}");

    for id in ["a", "b"] {
        let mut other = record(id);
        other.key.tenant = TenantId::new("team", "other");
        assert_eq!(store.insert(other, NOW).await, Ok(true), "another tenant has space");
    }
    let mut revoked = record("a");
    revoked.key.kind = RecordKind::Revoked;
    assert_eq!(store.insert(revoked, NOW).await, Ok(true), "what ends something needs no share");
    let kept = store.get(&key("0"), NOW).await.unwrap().expect("it was inserted");
    let grown = Record { value: vec![7; 60 * 1024].into(), ..kept.record.clone() };
    assert!(store.compare_and_swap(kept.version, grown, NOW).await.is_err(), "it cannot grow");
    let replaced = store.compare_and_swap(kept.version, kept.record, NOW).await;
    assert_eq!(replaced, Ok(true), "what is there can be changed");
    assert!(store.insert(record("more"), NOW).await.is_err());

    for id in 0..stored / 2 {
        assert!(store.take(&key(&id.to_string()), NOW).await.unwrap().is_some());
    }
    store.refresh().await.unwrap();
    assert_eq!(store.insert(record("more"), NOW).await, Ok(true), "after records have ended");
}
