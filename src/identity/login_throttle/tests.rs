use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const HOME: &str = "203.0.113.7";

fn tenant() -> TenantId {
    TenantId::new("team", "main")
}

/// Of people there are four.
fn account<'a>(tenant: &'a TenantId, username: &'a str) -> ThrottledAccount<'a> {
    let exists = ["ada", "bob", "mallory", "new"].contains(&username);
    ThrottledAccount { tenant, username, exists }
}

fn at(address: &str) -> AttemptSource<'_> {
    AttemptSource { address: address.parse().unwrap(), known_browser: None }
}

struct World {
    limiter: LoginThrottle,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self { limiter: LoginThrottle::new(LoginThrottle::DEFAULT_CAPACITY), now: NOW }
    }

    fn admit(&self, username: &str, origin: AttemptSource<'_>) -> Result<AttemptPermit, Duration> {
        self.limiter.admit(account(&tenant(), username), origin, self.now)
    }

    fn fail(&self, username: &str, address: &str) -> Result<(), Duration> {
        self.admit(username, at(address)).map(drop)
    }

    fn sign_in(&self, username: &str, address: &str) -> Result<(), Duration> {
        let admission = self.admit(username, at(address))?;
        self.limiter.succeeded(&admission, self.now);
        Ok(())
    }

    fn pass(&mut self, by: Duration) {
        self.now = self.now.plus(by);
    }

    /// Guesses in a day by one who tries as often as it is let.
    fn guesses_in_a_day(&mut self, next: impl Fn(u32) -> (String, String)) -> u32 {
        let end = self.now.plus(Duration::from_hours(24));
        let mut guesses = 0;
        while self.now < end {
            let (username, address) = next(guesses);
            match self.fail(&username, &address) {
                Ok(()) => guesses += 1,
                Err(wait) => self.pass(wait),
            }
        }
        guesses
    }
}

#[test]
fn nobody_waits_for_an_attempt_that_came_a_moment_later_and_was_counted_before() {
    let mut world = World::new();
    let earlier = world.now;
    world.pass(Duration::from_millis(20));
    assert_eq!(world.fail("ada", HOME), Ok(()));
    world.now = earlier;
    assert_eq!(world.fail("ada", HOME), Ok(()));
}

#[test]
fn a_few_mistakes_cost_nothing_then_waiting_doubles_up_to_minutes() {
    let mut world = World::new();
    for _ in 0..5 {
        assert_eq!(world.fail("ada", HOME), Ok(()));
    }
    let mut waits = Vec::new();
    for _ in 0..9 {
        let wait = world.fail("ada", HOME).unwrap_err();
        waits.push(wait.as_secs());
        world.pass(wait);
        assert_eq!(world.fail("ada", HOME), Ok(()));
    }
    assert_eq!(waits, [4, 8, 16, 32, 64, 128, 256, 300, 300]);
}

#[test]
fn asking_again_while_waiting_does_not_prolong_it() {
    let world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    let first = world.fail("ada", HOME);
    for _ in 0..100 {
        assert_eq!(world.fail("ada", HOME), first);
    }
}

#[test]
fn the_wait_that_is_told_is_long_enough() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    world.pass(Duration::from_millis(2_500));
    let wait = world.fail("ada", HOME).unwrap_err();
    assert_eq!(wait, Duration::from_secs(2));
    world.pass(wait);
    assert_eq!(world.fail("ada", HOME), Ok(()));
}

#[test]
fn many_at_once_are_no_way_around() {
    let world = World::new();
    let admitted = (0..1000).filter(|_| world.fail("ada", HOME).is_ok()).count();
    assert_eq!(admitted, 5);
}

#[test]
fn success_clears() {
    let world = World::new();
    for _ in 0..100 {
        for _ in 0..4 {
            world.fail("ada", HOME).unwrap();
        }
        world.sign_in("ada", HOME).unwrap();
    }
}

#[test]
fn an_attempt_that_was_not_checked_does_not_count() {
    let world = World::new();
    for _ in 0..1000 {
        let admission = world.admit("ada", at(HOME)).unwrap();
        world.limiter.withdraw(&admission);
    }
}

#[test]
fn failures_are_forgotten_after_a_while() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    assert!(world.fail("ada", HOME).is_err());
    world.pass(HOUR);
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
}

#[test]
fn one_place_guesses_little_at_one_account() {
    let guesses = World::new().guesses_in_a_day(|_| ("ada".to_owned(), HOME.to_owned()));
    assert!(guesses < 310, "{guesses}");
}

#[test]
fn many_places_together_are_slowed_too() {
    let place = |n: u32| format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255);
    let guesses = World::new().guesses_in_a_day(|n| ("ada".to_owned(), place(n)));
    assert!(guesses < 3_000, "{guesses}");
}

#[test]
fn one_place_is_slowed_across_accounts() {
    let guesses = World::new().guesses_in_a_day(|n| (format!("user-{n}"), HOME.to_owned()));
    assert!(guesses < 18_000, "{guesses}");
}

#[test]
fn an_ipv6_network_is_one_place() {
    let world = World::new();
    let admitted =
        (0..100).filter(|n| world.fail("ada", &format!("2001:db8:1:2:{n:x}::1")).is_ok()).count();
    assert_eq!(admitted, 5);
    assert_eq!(world.fail("ada", "2001:db8:1:3::1"), Ok(()));
    assert!(world.fail("bob", "203.0.113.9").is_ok());
}

#[test]
fn an_ipv4_address_is_the_same_in_ipv6_form() {
    let world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    assert!(world.fail("ada", "::ffff:203.0.113.7").is_err());
}

/// Attackers everywhere, at every moment, for a day.
fn under_attack() -> World {
    let mut world = World::new();
    world.sign_in("ada", HOME).unwrap();
    for n in 0..2_000_u32 {
        let place = format!("10.0.{}.{}", n >> 8, n & 255);
        let _ = world.fail("ada", &place);
        world.pass(Duration::from_secs(30));
        let _ = world.fail("ada", &place);
    }
    world
}

#[test]
fn a_person_is_not_locked_out_where_she_signed_in_before() {
    let world = under_attack();
    assert!(world.fail("ada", "198.51.100.1").is_err(), "the attack is slowed");
    assert_eq!(world.sign_in("ada", HOME), Ok(()));
}

#[test]
fn a_person_waits_at_most_half_a_minute_elsewhere() {
    let world = under_attack();
    let wait = world.fail("ada", "198.51.100.1").unwrap_err();
    assert!(wait <= Duration::from_secs(30), "{wait:?}");
}

#[test]
fn a_person_with_a_browser_of_hers_waits_nowhere() {
    let world = under_attack();
    let cafe = AttemptSource { known_browser: Some("her browser"), ..at("198.51.100.1") };
    let _ = world.fail("ada", "198.51.100.1");
    let admission = world.admit("ada", cafe).expect("she is let in");
    world.limiter.succeeded(&admission, world.now);
}

#[test]
fn a_browser_that_was_stolen_guesses_as_little_as_any() {
    let world = World::new();
    let stolen =
        |n: u8| AttemptSource { known_browser: Some("her browser"), address: [10, 0, 0, n].into() };
    let admitted = (0..100).filter(|n| world.admit("ada", stolen(*n)).is_ok()).count();
    assert_eq!(admitted, 5 + 50, "its own, and then what any account allows");
    let hers = AttemptSource { known_browser: Some("another of hers"), ..at(HOME) };
    assert!(world.admit("ada", hers).is_ok());
}

#[test]
fn success_clears_the_browser_too() {
    let world = World::new();
    let hers = AttemptSource { known_browser: Some("her browser"), ..at(HOME) };
    for _ in 0..100 {
        for _ in 0..4 {
            world.admit("ada", hers).unwrap();
        }
        let right = world.admit("ada", hers).unwrap();
        world.limiter.succeeded(&right, world.now);
    }
}

#[test]
fn a_neighbour_behind_one_address_locks_nobody_out() {
    let world = World::new();
    world.sign_in("ada", HOME).unwrap();
    for n in 0..10_000 {
        let _ = world.fail(&format!("user-{n}"), HOME);
    }
    assert_eq!(world.sign_in("ada", HOME), Ok(()), "known here");
    let wait = world.fail("new", HOME).unwrap_err();
    assert!(wait <= Duration::from_secs(5), "{wait:?}");
}

#[test]
fn an_account_of_ones_own_buys_no_guesses_at_others() {
    let world = World::new();
    let mut guesses = 0;
    for n in 0..1000 {
        guesses += u32::from(world.fail(&format!("user-{n}"), HOME).is_ok());
        let _ = world.sign_in("mallory", HOME);
    }
    assert!(guesses <= 101, "{guesses}");
}

#[test]
fn a_known_place_still_has_its_own_limit() {
    let world = World::new();
    world.sign_in("ada", HOME).unwrap();
    let admitted = (0..100).filter(|_| world.fail("ada", HOME).is_ok()).count();
    assert_eq!(admitted, 5);
}

#[test]
fn tenants_count_apart() {
    let world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    let other = TenantId::new("team", "other");
    assert!(world.limiter.admit(account(&other, "ada"), at(HOME), NOW).is_ok());
}

#[test]
fn a_clock_that_was_set_back_locks_nobody_out() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    world.now = NOW.minus(24 * HOUR);
    let wait = world.fail("ada", HOME).unwrap_err();
    assert!(wait <= PAIR_BACKOFF.most, "{wait:?}");
}

#[test]
fn memory_is_bounded_and_the_latest_stay() {
    let world = World { limiter: LoginThrottle::new(300), now: NOW };
    for n in 0..10_000 {
        let _ = world.fail(&format!("user-{n}"), &format!("10.1.{}.{}", n >> 8, n & 255));
    }
    assert!(world.limiter.tables().counts.len() <= 300);
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    for n in 0..20 {
        let _ = world.fail(&format!("other-{n}"), &format!("10.2.0.{n}"));
    }
    assert!(world.fail("ada", HOME).is_err());
}

#[test]
fn a_flood_of_made_up_names_makes_nobodys_failures_forgotten() {
    let world = World { limiter: LoginThrottle::new(300), now: NOW };
    let place = |n: u32| format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255);
    for n in 0..50 {
        world.fail("ada", &place(n)).unwrap();
    }
    for n in 0..10_000 {
        let _ = world.fail(&format!("user-{n}"), &place(1000 + n));
    }
    assert!(world.fail("ada", "198.51.100.1").is_err(), "all that was guessed still counts");
}

proptest! {
    #[test]
    fn nobody_ever_waits_longer_than_the_strictest_limit(
        steps in prop::collection::vec((0..3u8, 0..3u8, 0..3u8, 0..400u64), 1..200),
    ) {
        let mut world = World::new();
        for (account, place, what, pause) in steps {
            let (account, place) = (format!("u{account}"), format!("10.0.0.{place}"));
            let outcome = if what == 0 {
                world.sign_in(&account, &place)
            } else {
                world.fail(&account, &place)
            };
            if let Err(wait) = outcome {
                prop_assert!(wait <= PAIR_BACKOFF.most && !wait.is_zero());
            }
            world.pass(Duration::from_secs(pause));
        }
    }
}
