//! New people of a tenant's identity providers are bounded, because the operator of a provider can invent any number.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use lanyard::{
    identity::RecordMaker,
    model::{Clock, TenantId, Timestamp},
    store::{
        IndexEntry, IndexKind, Record, RecordKind, SharedStore, Store, StoreError, StoreLayer,
        StoreOperation,
    },
};
use serde_json::{Value, json};

use super::{
    app::TestApp,
    attacks::{World, manifests},
    browser::Page,
    upstream::Upstream,
};

/// A store that has no space for new people while it is full.
#[derive(Debug)]
struct FullOfPeople {
    inner: SharedStore,
    is_full: Arc<AtomicBool>,
}

#[async_trait]
impl StoreLayer for FullOfPeople {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn before(&self, operation: StoreOperation<'_>) -> Result<(), StoreError> {
        let StoreOperation::Insert(record) = operation else { return Ok(()) };
        if record.key.kind == RecordKind::Person && self.is_full.load(Ordering::SeqCst) {
            let (tenant, why) = (record.key.tenant.clone(), "the store is full".to_owned());
            return Err(StoreError::NoSpace { tenant, why });
        }
        Ok(())
    }
}

/// A store in which another sign-in inserts the record of a person just before the next one does.
#[derive(Debug)]
struct FasterSignIn {
    inner: SharedStore,
    record: Arc<Mutex<Option<Record>>>,
}

#[async_trait]
impl StoreLayer for FasterSignIn {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn insert_below(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        if record.key.kind == RecordKind::Person {
            let faster = self.record.lock().expect("whole").take();
            if let Some(faster) = faster {
                assert!(self.inner.insert(faster, now).await?, "it is the first one");
            }
        }
        self.inner.insert(record, now).await
    }
}

/// The record of a person of the tenant.
async fn stored_person(world: &World, subject: &str) -> Record {
    let (tenant, owner) =
        (TenantId::new("default", "main"), IndexEntry::new(IndexKind::User, subject));
    let now = world.app.clock.now();
    let found = world.app.store.list(RecordKind::Person, &tenant, &owner, now).await;
    let mut found = found.expect("the store");
    assert_eq!(found.len(), 1);
    found.remove(0).record
}

/// A sign-in at a provider whose ID token has these claims.
async fn sign_in(world: &World, provider: &str, claims: Value) -> Page {
    world.sign_in(provider, |script| script.id_token = claims).await
}

/// Uses up the budget of the provider for new people.
fn fill(world: &World) {
    let tenant = TenantId::new("default", "main");
    let of_people = (&tenant, RecordMaker::NewPeople("corp"));
    let (budget, now) = (&world.app.app.accounts.person_budget, world.app.clock.now());
    for units in [1024, 1] {
        while budget.take_units(of_people, (Duration::from_hours(1), units), now).is_ok() {}
    }
}

fn assert_refused(world: &World, page: &Page) {
    assert_eq!((page.status, &page.left_for), (429, &None), "{}", page.body);
    assert!(page.body.contains("no room for another one"), "{}", page.body);
    assert_eq!(world.app.audit.last("person_refused")["reason"], "too_many_people");
}

#[tokio::test]
async fn new_people_are_bounded_and_the_others_go_on() {
    let world = World::new().await;
    let known = sign_in(&world, "corp", json!({"sub": "1"})).await;
    let known = world.id_token(&known).await["sub"].clone();
    fill(&world);
    assert_refused(&world, &sign_in(&world, "corp", json!({"sub": "2"})).await);
    // A known person and a declared one, who signs in for the first time.
    let page = sign_in(&world, "corp", json!({"sub": "1"})).await;
    assert_eq!(world.id_token(&page).await["sub"], known);
    let page = sign_in(&world, "other", json!({"sub": "7"})).await;
    assert_eq!(world.id_token(&page).await["sub"], world.app.subject("main", "grace"));
    world.app.clock.advance(Duration::from_mins(1));
    let page = sign_in(&world, "corp", json!({"sub": "2"})).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}

#[tokio::test]
async fn a_person_whom_a_full_store_refuses_takes_nothing_from_the_budget() {
    let is_full = Arc::new(AtomicBool::new(true));
    let of_store = Arc::clone(&is_full);
    let wrap = move |inner| Arc::new(FullOfPeople { inner, is_full: of_store }) as SharedStore;
    let upstream = Upstream::start().await;
    let app = TestApp::start_over(&manifests(&upstream.issuer, &[]), wrap).await;
    let world = World { app, upstream };
    fill(&world);
    // Two seconds give nine KiB back. The person takes six, so the budget has room for one.
    world.app.clock.advance(Duration::from_secs(2));
    let groups: Vec<_> = (0..60).map(|number| format!("{number:0>61}")).collect();
    let claims = json!({"sub": "1", "groups": groups});
    let page = sign_in(&world, "corp", claims.clone()).await;
    assert_eq!(page.left_for, None, "{}", page.body);
    assert!(!page.body.contains("no room for another one"), "{}", page.body);
    is_full.store(false, Ordering::SeqCst);
    let page = sign_in(&world, "corp", claims).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}

#[tokio::test]
async fn a_person_whom_another_sign_in_has_stored_takes_nothing_from_the_budget() {
    let faster = Arc::new(Mutex::new(None));
    let of_store = Arc::clone(&faster);
    let wrap = move |inner| Arc::new(FasterSignIn { inner, record: of_store }) as SharedStore;
    let upstream = Upstream::start().await;
    let app = TestApp::start_over(&manifests(&upstream.issuer, &[]), wrap).await;
    let world = World { app, upstream };
    let page = sign_in(&world, "corp", json!({"sub": "1"})).await;
    let id_token = world.id_token(&page).await;
    let subject = id_token["sub"].as_str().expect("a subject");
    // That sign-in becomes the faster one of the next.
    let earlier = stored_person(&world, subject).await;
    let taken = world.app.store.take(&earlier.key, world.app.clock.now()).await;
    assert!(taken.expect("the store").is_some());
    *faster.lock().expect("whole") = Some(earlier.clone());
    fill(&world);
    // Two seconds give nine KiB back. Each person takes six, so the budget has room for one.
    world.app.clock.advance(Duration::from_secs(2));
    let groups: Vec<_> = (0..60).map(|number| format!("{number:0>61}")).collect();
    let page = sign_in(&world, "corp", json!({"sub": "1", "groups": groups})).await;
    assert_eq!(world.id_token(&page).await["sub"], subject);
    assert!(faster.lock().expect("whole").is_none(), "the insertion was too late");
    let updated = stored_person(&world, subject).await;
    assert!(updated.value.len() > earlier.value.len() + 60 * 61, "it has the fresher claims");
    assert_eq!(
        world.app.audit.of("person_admitted").len(),
        1,
        "the faster one admitted the person"
    );
    let page = sign_in(&world, "corp", json!({"sub": "2", "groups": groups})).await;
    assert!(world.id_token(&page).await["sub"].is_string(), "the budget was given back");
}

#[tokio::test]
async fn claims_of_a_known_person_are_replaced_without_a_budget() {
    let world = World::new().await;
    let groups: Vec<_> = (0..100).map(|number| format!("{number:0>61}")).collect();
    let page = sign_in(&world, "corp", json!({"sub": "1"})).await;
    assert!(world.id_token(&page).await["sub"].is_string());
    fill(&world);
    let page = sign_in(&world, "corp", json!({"sub": "1", "groups": groups})).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}
