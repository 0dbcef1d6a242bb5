//! Tests of the plan of probes.

use super::*;
use crate::model::ProbeQuestion;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const OFF: ProbeResult = Err(ProbeFailure::Unreachable);
const BAD: ProbeResult = Err(ProbeFailure::BadMetadata);

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("team", name)
}

fn target(issuer: &str) -> ProbeTarget {
    let question = ProbeQuestion::Discovery(issuer.into());
    ProbeTarget { question, certificates: None, inside_network: false }
}

/// Providers, each with its issuer and the conclusion that its status has.
struct World {
    schedule: ProbeSchedule,
    providers: Vec<(ObjectKey, ProbeTarget, Option<ProbeResult>)>,
    now: Timestamp,
}

impl World {
    fn new(providers: &[(&str, &str)]) -> Self {
        let providers =
            providers.iter().map(|(name, issuer)| (key(name), target(issuer), None)).collect();
        let mut world = Self { schedule: ProbeSchedule::default(), providers, now: NOW };
        assert!(world.update().is_empty());
        world
    }

    fn update(&mut self) -> ProbeConclusions {
        let all = self.providers.iter().map(|(key, target, known)| (key, target, *known));
        self.schedule.update(all, self.now)
    }

    /// Waits for the next probe, and gives it this result.
    fn probe(&mut self, result: ProbeResult) -> ProbeConclusions {
        let task = self.next();
        self.schedule.finish(&task, result, self.now, 0)
    }

    fn next(&mut self) -> ProbeTask {
        self.now = self.schedule.wake().expect("a server waits").max(self.now);
        self.schedule.next(self.now).expect("it is due")
    }
}

fn names(conclusions: &ProbeConclusions) -> Vec<(&str, ProbeResult)> {
    conclusions.iter().map(|(provider, result)| (&*provider.name, *result)).collect()
}

#[test]
fn providers_with_one_issuer_share_a_probe() {
    let mut world = World::new(&[("a", "https://sso.test"), ("b", "https://sso.test")]);
    assert_eq!(names(&world.probe(Ok(()))), [("a", Ok(())), ("b", Ok(()))]);
    assert!(world.probe(Ok(())).is_empty(), "nothing has changed");
    assert_eq!(world.now, NOW.plus(INTERVAL));
}

#[test]
fn a_server_that_does_not_answer_concerns_all_its_issuers_and_a_wrong_document_one() {
    let issuers = [("a", "https://sso.test/a"), ("b", "https://sso.test/b")];
    let mut world = World::new(&issuers);
    assert_eq!(names(&world.probe(Ok(()))).len(), 1);
    assert_eq!(names(&world.probe(Ok(()))).len(), 1);
    for _ in 0..2 {
        assert!(world.probe(OFF).is_empty(), "three failures flip");
    }
    assert_eq!(names(&world.probe(OFF)), [("a", OFF), ("b", OFF)]);
    assert_eq!(names(&world.probe(Ok(()))), [("a", Ok(())), ("b", Ok(()))]);
    // Both are asked in turn, and one gives a wrong document.
    let mut flips = Vec::new();
    for _ in 0..40 {
        let task = world.next();
        let result = if task.target == target("https://sso.test/b") { BAD } else { Ok(()) };
        flips.extend(world.schedule.finish(&task, result, world.now, 0));
    }
    assert_eq!(names(&flips), [("b", BAD)]);
}

#[test]
fn a_flip_takes_seconds_once_failures_begin() {
    let mut world = World::new(&[("a", "https://sso.test")]);
    world.probe(Ok(()));
    world.probe(OFF);
    let began = world.now;
    world.probe(OFF);
    assert_eq!(names(&world.probe(OFF)), [("a", OFF)]);
    assert_eq!(world.now.since(began), 2 * DOUBT_INTERVAL);
    let failed = world.now;
    assert_eq!(names(&world.probe(Ok(()))), [("a", Ok(()))]);
    assert_eq!(world.now.since(failed), FAILING_INTERVAL);
}

#[test]
fn a_new_leader_continues_with_the_published_conclusion() {
    for known in [Ok(()), OFF, BAD] {
        let mut world = World::new(&[]);
        world.providers.push((key("a"), target("https://sso.test"), Some(known)));
        assert!(world.update().is_empty(), "nothing is written");
        assert!(world.probe(known).is_empty(), "nothing is written: {known:?}");
        if known.is_ok() {
            assert!(world.probe(OFF).is_empty() && world.probe(OFF).is_empty());
            assert_eq!(names(&world.probe(OFF)), [("a", OFF)]);
        } else {
            assert_eq!(names(&world.probe(Ok(()))), [("a", Ok(()))]);
        }
    }
}

#[test]
fn a_provider_that_joins_a_known_server_takes_its_conclusion() {
    let mut world = World::new(&[("a", "https://sso.test")]);
    world.probe(Ok(()));
    world.providers.push((key("b"), target("https://sso.test"), None));
    assert_eq!(names(&world.update()), [("a", Ok(())), ("b", Ok(()))]);
    // A new issuer of the server is asked soon.
    world.providers.push((key("c"), target("https://sso.test/c"), None));
    world.update();
    assert_eq!(world.next().target, target("https://sso.test/c"));
    assert_eq!(world.now, NOW.plus(NEW_INTERVAL));
}

#[test]
fn a_removed_provider_is_not_probed() {
    let mut world = World::new(&[("a", "https://a.test"), ("b", "https://b.test")]);
    let running = world.next();
    world.providers.clear();
    world.update();
    assert_eq!(world.schedule.wake(), None);
    assert!(world.schedule.finish(&running, OFF, world.now, 0).is_empty());
    assert_eq!(world.schedule.wake(), None);
    // It comes back while its probe still runs.
    world.providers.push((key("a"), target("https://a.test"), None));
    world.update();
    world.schedule.finish(&running, Ok(()), world.now, 0);
    world.next();
    assert_eq!(world.schedule.wake(), None, "one probe at a time");
}

#[test]
fn an_account_that_was_refused_is_not_tried_for_a_while() {
    let mut world = World::new(&[("a", "https://a.test")]);
    let refused = Err(ProbeFailure::AccountRefused);
    assert_eq!(names(&world.probe(refused)), [("a", refused)]);
    let before = world.now;
    world.now = before.plus(REFUSED_INTERVAL).minus(Duration::from_secs(1));
    assert_eq!(world.schedule.next(world.now), None);
    world.now = before.plus(REFUSED_INTERVAL).plus(INTERVAL);
    assert!(world.schedule.next(world.now).is_some());
}

#[test]
fn ten_thousand_servers_are_probed_in_turn_within_the_rate() {
    let names: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let issuers: Vec<String> = names.iter().map(|name| format!("https://{name}.test")).collect();
    let providers: Vec<_> =
        names.iter().zip(&issuers).map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let mut world = World::new(&providers);
    let mut asked = BTreeSet::new();
    // Those that have answered take turns with those that were never asked.
    for _ in 0..20_000 {
        let task = world.next();
        asked.insert(task.target.host());
        world.schedule.finish(&task, Ok(()), world.now, 7);
    }
    assert!(world.now.since(NOW) >= GAP * 19_999, "{:?}", world.now.since(NOW));
    assert_eq!(asked.len(), 10_000);
}

/// A thousand servers that hang or refuse at once, and one that answers.
#[test]
fn a_thousand_servers_that_do_not_answer_leave_their_turns_to_others() {
    const MAX_CONCURRENT: usize = 32;
    for hang in [Duration::from_secs(10), Duration::ZERO] {
        let names: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        let issuers: Vec<String> = names.iter().map(|it| format!("https://{it}.test")).collect();
        let bad = names.iter().zip(&issuers).map(|(name, issuer)| (name.as_str(), issuer.as_str()));
        let providers: Vec<_> = bad.chain([("good", "https://good.test")]).collect();
        let mut world = World::new(&providers);
        for (provider, _, known) in &mut world.providers {
            *known = Some(if *provider == key("good") { Ok(()) } else { OFF });
        }
        world.schedule = ProbeSchedule::default();
        world.update();
        let good = target("https://good.test");
        let mut running: Vec<(Timestamp, ProbeTask)> = Vec::new();
        let (mut asked, mut at_once, mut flipped) = (0, 0, None);
        let (breaks, end) = (NOW.plus(Duration::from_mins(10)), NOW.plus(Duration::from_mins(12)));
        while world.now < end {
            while running.len() < MAX_CONCURRENT
                && let Some(task) = world.schedule.next(world.now)
            {
                let takes = if task.target == good { Duration::from_millis(100) } else { hang };
                running.push((world.now.plus(takes), task));
            }
            at_once = at_once.max(running.len());
            running.sort_by_key(|(at, _)| *at);
            let wake = world.schedule.wake().filter(|_| running.len() < MAX_CONCURRENT);
            let next = running.first().map(|(at, _)| *at).into_iter().chain(wake).min();
            world.now = next.expect("a probe").max(world.now);
            let done = running.iter().take_while(|(at, _)| *at <= world.now).count();
            for (at, task) in running.drain(..done) {
                let is_good = task.target == good;
                asked += usize::from(is_good && at < breaks);
                let result = if is_good && at < breaks { Ok(()) } else { OFF };
                for (provider, conclusion) in world.schedule.finish(&task, result, at, 0) {
                    assert_eq!((provider, conclusion), (key("good"), OFF));
                    flipped = flipped.or(Some(at));
                }
            }
        }
        assert!(asked >= 19, "{asked} in ten minutes, {hang:?}");
        assert!(at_once <= MAX_UNPROVEN + 1, "{at_once} at once");
        let waited = flipped.expect("a conclusion").since(breaks);
        assert!(waited <= Duration::from_secs(45), "{waited:?}, {hang:?}");
    }
}
