use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const HOME: &str = "203.0.113.7";

fn tenant() -> TenantId {
    TenantId::new("team", "main")
}

/// Four users exist.
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

    /// Counts the guesses per day of an attacker who tries as often as allowed.
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
fn attempts_recorded_out_of_order_do_not_cause_a_wait() {
    let mut world = World::new();
    let earlier = world.now;
    world.pass(Duration::from_millis(20));
    assert_eq!(world.fail("ada", HOME), Ok(()));
    world.now = earlier;
    assert_eq!(world.fail("ada", HOME), Ok(()));
}

#[test]
fn waits_double_up_to_five_minutes_after_the_free_failures() {
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
fn attempts_while_waiting_do_not_prolong_the_wait() {
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
fn the_returned_wait_is_long_enough() {
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
fn concurrent_attempts_cannot_evade_the_limit() {
    let world = World::new();
    let admitted = (0..1000).filter(|_| world.fail("ada", HOME).is_ok()).count();
    assert_eq!(admitted, 5);
}

#[test]
fn success_resets_the_counters() {
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
fn one_address_gets_few_guesses_at_one_account() {
    let guesses = World::new().guesses_in_a_day(|_| ("ada".to_owned(), HOME.to_owned()));
    assert!(guesses < 310, "{guesses}");
}

#[test]
fn distributed_guessing_is_slowed() {
    let place = |n: u32| format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255);
    let guesses = World::new().guesses_in_a_day(|n| ("ada".to_owned(), place(n)));
    assert!(guesses < 3_000, "{guesses}");
}

#[test]
fn one_address_is_slowed_across_accounts() {
    let guesses = World::new().guesses_in_a_day(|n| (format!("user-{n}"), HOME.to_owned()));
    assert!(guesses < 18_000, "{guesses}");
}

#[test]
fn an_ipv6_network_counts_as_one_address() {
    let world = World::new();
    let admitted =
        (0..100).filter(|n| world.fail("ada", &format!("2001:db8:1:2:{n:x}::1")).is_ok()).count();
    assert_eq!(admitted, 5);
    assert_eq!(world.fail("ada", "2001:db8:1:3::1"), Ok(()));
    assert!(world.fail("bob", "203.0.113.9").is_ok());
}

#[test]
fn an_ipv4_address_equals_its_ipv6_form() {
    let world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    assert!(world.fail("ada", "::ffff:203.0.113.7").is_err());
}

/// A day of constant attempts from many addresses.
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
fn a_user_is_not_locked_out_at_a_known_address() {
    let world = under_attack();
    assert!(world.fail("ada", "198.51.100.1").is_err(), "the attack is slowed");
    assert_eq!(world.sign_in("ada", HOME), Ok(()));
}

#[test]
fn a_user_waits_at_most_30_seconds_at_an_unknown_address() {
    let world = under_attack();
    let wait = world.fail("ada", "198.51.100.1").unwrap_err();
    assert!(wait <= Duration::from_secs(30), "{wait:?}");
}

#[test]
fn a_user_with_a_known_browser_does_not_wait() {
    let world = under_attack();
    let cafe = AttemptSource { known_browser: Some("her browser"), ..at("198.51.100.1") };
    let _ = world.fail("ada", "198.51.100.1");
    let admission = world.admit("ada", cafe).expect("admitted");
    world.limiter.succeeded(&admission, world.now);
}

#[test]
fn a_stolen_browser_gets_few_guesses() {
    let world = World::new();
    let stolen =
        |n: u8| AttemptSource { known_browser: Some("her browser"), address: [10, 0, 0, n].into() };
    let admitted = (0..100).filter(|n| world.admit("ada", stolen(*n)).is_ok()).count();
    assert_eq!(admitted, 5 + 50, "those of the browser, then those of any account");
    let hers = AttemptSource { known_browser: Some("another of hers"), ..at(HOME) };
    assert!(world.admit("ada", hers).is_ok());
}

#[test]
fn success_resets_the_counter_of_the_browser() {
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
fn other_users_of_an_address_cannot_lock_a_user_out() {
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
fn signing_in_to_one_account_does_not_reset_the_address() {
    let world = World::new();
    let mut guesses = 0;
    for n in 0..1000 {
        guesses += u32::from(world.fail(&format!("user-{n}"), HOME).is_ok());
        let _ = world.sign_in("mallory", HOME);
    }
    assert!(guesses <= 101, "{guesses}");
}

#[test]
fn a_known_address_has_a_limit() {
    let world = World::new();
    world.sign_in("ada", HOME).unwrap();
    let admitted = (0..100).filter(|_| world.fail("ada", HOME).is_ok()).count();
    assert_eq!(admitted, 5);
}

#[test]
fn tenants_are_counted_separately() {
    let world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    let other = TenantId::new("team", "other");
    assert!(world.limiter.admit(account(&other, "ada"), at(HOME), NOW).is_ok());
}

#[test]
fn a_clock_set_back_does_not_lock_users_out() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fail("ada", HOME).unwrap();
    }
    world.now = NOW.minus(24 * HOUR);
    let wait = world.fail("ada", HOME).unwrap_err();
    assert!(wait <= PAIR_BACKOFF.max_delay, "{wait:?}");
}

#[test]
fn memory_is_bounded_and_recent_counters_are_kept() {
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
fn unknown_names_do_not_evict_counters_of_existing_users() {
    let world = World { limiter: LoginThrottle::new(300), now: NOW };
    let place = |n: u32| format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255);
    for n in 0..50 {
        world.fail("ada", &place(n)).unwrap();
    }
    for n in 0..10_000 {
        let _ = world.fail(&format!("user-{n}"), &place(1000 + n));
    }
    assert!(world.fail("ada", "198.51.100.1").is_err(), "the failures are remembered");
}

proptest! {
    #[test]
    fn no_wait_exceeds_the_strictest_limit(
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
                prop_assert!(wait <= PAIR_BACKOFF.max_delay && !wait.is_zero());
            }
            world.pass(Duration::from_secs(pause));
        }
    }
}
