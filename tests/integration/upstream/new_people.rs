//! New people of a tenant's identity providers are bounded, since the operator of a provider can invent any number.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use lanyard::{
    identity::RecordMaker,
    model::{Clock, TenantId},
    store::{RecordKind, SharedStore, Store, StoreError, StoreLayer, StoreOperation},
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
async fn claims_of_a_known_person_are_replaced_without_a_budget() {
    let world = World::new().await;
    let groups: Vec<_> = (0..100).map(|number| format!("{number:0>61}")).collect();
    let page = sign_in(&world, "corp", json!({"sub": "1"})).await;
    assert!(world.id_token(&page).await["sub"].is_string());
    fill(&world);
    let page = sign_in(&world, "corp", json!({"sub": "1", "groups": groups})).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}
