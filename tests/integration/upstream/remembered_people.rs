//! A person of a provider is remembered for 400 days after the last use, whatever counts as a use.

use std::time::Duration;

use super::world::World;

const DAY: Duration = Duration::from_hours(24);
const SCOPES: &str = "openid profile offline_access";

/// How often a person has been admitted as one who is unknown.
fn admissions(world: &World) -> usize {
    world.app.audit.of("person_admitted").len()
}

#[tokio::test]
async fn a_person_who_stays_away_is_forgotten_after_400_days() {
    for (days, expected) in [(399_u32, 1), (401, 2)] {
        let world = World::with("").await;
        world.sign_in("openid").await;
        assert_eq!(admissions(&world), 1);
        world.app.clock.advance(days * DAY);
        world.sign_in("openid").await;
        assert_eq!(admissions(&world), expected, "after {days} days");
    }
}

#[tokio::test]
async fn each_sign_in_begins_the_400_days_again() {
    let world = World::with("").await;
    world.sign_in("openid").await;
    for _ in 0..2 {
        world.app.clock.advance(399 * DAY);
        world.sign_in("openid").await;
        assert_eq!(admissions(&world), 1, "the person is known");
    }
    world.app.clock.advance(401 * DAY);
    world.sign_in("openid").await;
    assert_eq!(admissions(&world), 2);
}

#[tokio::test]
async fn an_application_that_refreshes_its_tokens_uses_the_person_too() {
    for (days, expected) in [(399_u32, 1), (401, 2)] {
        let world = World::with("").await;
        let person = world.sign_in(SCOPES).await;
        // The refresh token is valid for 30 days without use.
        world.app.clock.advance(20 * DAY);
        let (status, answer) = world.refresh(&person).await;
        assert_eq!(status, 200, "{answer}");
        world.app.clock.advance(days * DAY);
        world.sign_in("openid").await;
        assert_eq!(admissions(&world), expected, "{days} days after the refresh");
    }
}
