//! New people of a tenant's identity providers are bounded, since the operator of a provider can invent any number.

use std::time::Duration;

use lanyard::{
    identity::RecordMaker,
    model::{Clock, TenantId},
};
use serde_json::{Value, json};

use super::{attacks::World, browser::Page};

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
async fn claims_of_a_known_person_are_replaced_without_a_budget() {
    let world = World::new().await;
    let groups: Vec<_> = (0..100).map(|number| format!("{number:0>61}")).collect();
    let page = sign_in(&world, "corp", json!({"sub": "1"})).await;
    assert!(world.id_token(&page).await["sub"].is_string());
    fill(&world);
    let page = sign_in(&world, "corp", json!({"sub": "1", "groups": groups})).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}
