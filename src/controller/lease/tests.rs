use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use proptest::prelude::*;
use tokio::sync::{oneshot, watch};

use super::*;
use crate::model::{FixedClock, Timestamp};

const WALL: Timestamp = Timestamp::from_secs(1_800_000_000);

fn at(secs: u64) -> MonotonicTime {
    Duration::from_secs(secs)
}

fn candidate(name: &str) -> LeaderElector {
    LeaderElector::new(name.to_owned(), LeaseTiming::default())
}

/// A Lease in memory, with the number of its writes.
#[derive(Default)]
struct Kept {
    lease: Option<ObservedLease>,
    writes: u64,
}

impl Kept {
    fn write(
        &mut self,
        record: LeaseRecord,
        version: Option<&str>,
    ) -> Result<ObservedLease, LeaseError> {
        if self.lease.as_ref().map(|lease| lease.version.as_str()) != version {
            return Err(LeaseError::Conflict);
        }
        self.writes += 1;
        let seen = ObservedLease { record, version: self.writes.to_string() };
        self.lease = Some(seen.clone());
        Ok(seen)
    }

    fn step(&mut self, step: ElectionStep) -> Result<Option<ObservedLease>, LeaseError> {
        match step {
            ElectionStep::Stand => Ok(None),
            ElectionStep::Create(record) => self.write(record, None).map(Some),
            ElectionStep::Replace(record, version) => self.write(record, Some(&version)).map(Some),
        }
    }

    /// One attempt of a candidate, in which no time passes.
    fn attempt(&mut self, candidate: &mut LeaderElector, now: MonotonicTime) {
        candidate.observe(self.lease.clone(), now);
        if let Ok(Some(seen)) = self.step(candidate.propose(now, WALL)) {
            candidate.accepted(seen, now);
        }
    }
}

#[test]
fn acquires_and_renews_a_free_lease() {
    let (mut kept, mut a) = (Kept::default(), candidate("a"));
    kept.attempt(&mut a, at(0));
    assert!(a.leads(at(0)));
    let first = kept.lease.clone().expect("created").record;
    assert_eq!((first.holder.as_deref(), first.transitions), (Some("a"), 0));
    kept.attempt(&mut a, at(9));
    assert!(a.leads(at(18)), "renewed");
    assert_eq!(kept.lease.expect("kept").record.acquired, first.acquired);
}

#[test]
fn waits_the_whole_duration_without_a_renewal() {
    let (mut kept, mut a, mut b) = (Kept::default(), candidate("a"), candidate("b"));
    kept.attempt(&mut a, at(0));
    // First seen at 100, regardless of its age by the wall clock.
    for now in [100, 107, 114] {
        kept.attempt(&mut b, at(now));
        assert!(!b.leads(at(now)));
    }
    kept.attempt(&mut b, at(115));
    assert!(b.leads(at(115)));
    assert_eq!(kept.lease.expect("kept").record.transitions, 1);
}

#[test]
fn a_renewal_restarts_the_wait() {
    let (mut kept, mut a, mut b) = (Kept::default(), candidate("a"), candidate("b"));
    let wall = |now: u64| WALL.plus(at(now));
    kept.attempt(&mut a, at(0));
    kept.attempt(&mut b, at(1));
    a.observe(kept.lease.clone(), at(10));
    let seen = kept.step(a.propose(at(10), wall(10))).expect("renewed").expect("written");
    a.accepted(seen, at(10));
    kept.attempt(&mut b, at(12));
    kept.attempt(&mut b, at(26));
    assert!(!b.leads(at(26)));
    kept.attempt(&mut b, at(27));
    assert!(b.leads(at(27)));
}

#[test]
fn a_leader_that_cannot_renew_stops_before_another_starts() {
    let (mut kept, mut a) = (Kept::default(), candidate("a"));
    kept.attempt(&mut a, at(0));
    let timing = LeaseTiming::default();
    assert!(a.leads(Duration::from_millis(9_999)));
    assert!(!a.leads(timing.renew_deadline));
    assert!(timing.renew_deadline + timing.request < timing.lease);
}

#[test]
fn a_released_lease_is_acquired_at_once() {
    let (mut kept, mut a, mut b) = (Kept::default(), candidate("a"), candidate("b"));
    kept.attempt(&mut a, at(0));
    kept.attempt(&mut b, at(1));
    let (record, version) = a.release(WALL).expect("this candidate holds it");
    kept.write(record, Some(&version)).expect("released");
    assert!(!a.leads(at(1)));
    kept.attempt(&mut b, at(2));
    assert!(b.leads(at(2)));
    assert!(a.release(WALL).is_none(), "nothing to release twice");
}

#[test]
fn a_lease_of_another_replica_is_not_released() {
    let (mut kept, mut a, mut b) = (Kept::default(), candidate("a"), candidate("b"));
    kept.attempt(&mut a, at(0));
    kept.attempt(&mut b, at(0));
    kept.attempt(&mut b, at(15));
    a.observe(kept.lease.clone(), at(16));
    assert!(!a.leads(at(16)));
    assert_eq!(a.release(WALL), None);
}

#[test]
fn a_restarted_replica_with_the_same_identity_keeps_leading() {
    let mut kept = Kept::default();
    kept.attempt(&mut candidate("a"), at(0));
    let mut again = candidate("a");
    kept.attempt(&mut again, at(1));
    assert!(again.leads(at(1)));
    assert_eq!(kept.lease.expect("kept").record.transitions, 0);
}

proptest! {
    /// Regardless of lost and late responses, two replicas never lead at once, and one leads again
    /// in the end.
    #[test]
    fn two_never_lead_at_once(
        steps in prop::collection::vec((0_usize..3, 0_u64..4000, any::<bool>(), 0_u64..3000), 1..200),
    ) {
        let names = ["a", "b", "c"];
        let mut all = names.map(candidate);
        let (mut kept, mut now) = (Kept::default(), Duration::ZERO);
        for (who, pause, answered, takes) in steps {
            now += Duration::from_millis(pause);
            let wall = WALL.plus(now);
            all[who].observe(kept.lease.clone(), now);
            // The request is sent now; it takes effect and is answered later, or never.
            let step = all[who].propose(now, wall);
            let sent = now;
            now += Duration::from_millis(takes);
            let done = kept.step(step);
            if let (Ok(Some(seen)), true) = (done, answered) {
                all[who].accepted(seen, sent);
            }
            let leading = all.iter().filter(|one| one.leads(now)).count();
            prop_assert!(leading <= 1, "{leading} lead");
        }
    }
}

struct FakeApi {
    kept: Arc<Mutex<Kept>>,
    failing: Arc<AtomicBool>,
    /// Whether the first release fails, and if so whether it takes effect nevertheless.
    lost: Arc<Mutex<Option<bool>>>,
    requests: AtomicU64,
}

#[async_trait]
impl LeaseApi for FakeApi {
    async fn get(&self) -> Result<Option<ObservedLease>, LeaseError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if self.failing.load(Ordering::SeqCst) {
            // Like an API server that accepts connections and never responds.
            std::future::pending::<()>().await;
        }
        Ok(self.kept.lock().expect("not poisoned").lease.clone())
    }

    async fn create(&self, record: LeaseRecord) -> Result<ObservedLease, LeaseError> {
        self.kept.lock().expect("not poisoned").write(record, None)
    }

    async fn replace(
        &self,
        record: LeaseRecord,
        version: &str,
    ) -> Result<ObservedLease, LeaseError> {
        let release = record.holder.is_none();
        let lost = release.then(|| self.lost.lock().expect("not poisoned").take()).flatten();
        if lost != Some(false) {
            let written = self.kept.lock().expect("not poisoned").write(record, Some(version));
            if lost.is_none() {
                return written;
            }
        }
        Err(LeaseError::Failed("the connection was reset".to_owned()))
    }
}

struct Running {
    kept: Arc<Mutex<Kept>>,
    failing: Arc<AtomicBool>,
    lost: Arc<Mutex<Option<bool>>>,
    leads: watch::Receiver<bool>,
    holds: watch::Receiver<bool>,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

fn start() -> Running {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let (failing, lost) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let api = FakeApi {
        kept: Arc::clone(&kept),
        failing: Arc::clone(&failing),
        lost: Arc::clone(&lost),
        requests: AtomicU64::new(0),
    };
    let milliseconds = Duration::from_millis;
    let holds = watch::Sender::new(false);
    let held = holds.subscribe();
    let candidate = LeaderElectionConfig {
        holds,
        lease: Arc::new(api),
        identity: "a".to_owned(),
        timing: LeaseTiming {
            lease: milliseconds(300),
            renew_deadline: milliseconds(150),
            retry: milliseconds(20),
            request: milliseconds(60),
        },
        clock: Arc::new(FixedClock::at(WALL)),
    };
    let (tell, leads) = watch::channel(false);
    let (stop, stopped) = oneshot::channel();
    let done = tokio::spawn(run_leader_election(candidate, tell, stopped));
    Running { kept, failing, lost, leads, holds: held, stop, done }
}

#[tokio::test]
async fn leads_and_releases_when_stopped() {
    let mut running = start();
    running.leads.wait_for(|leads| *leads).await.expect("it leads");
    drop(running.stop);
    running.done.await.expect("it ends");
    assert!(!*running.leads.borrow() && !*running.holds.borrow());
    let kept = running.kept.lock().expect("not poisoned");
    assert_eq!(kept.lease.as_ref().expect("kept").record.holder, None);
}

#[tokio::test]
async fn a_failed_release_is_retried() {
    for done in [false, true] {
        let mut running = start();
        running.leads.wait_for(|leads| *leads).await.expect("it leads");
        *running.lost.lock().expect("not poisoned") = Some(done);
        drop(running.stop);
        running.done.await.expect("it ends");
        let kept = running.kept.lock().expect("not poisoned");
        assert_eq!(kept.lease.as_ref().expect("kept").record.holder, None, "done: {done}");
    }
}

#[tokio::test]
async fn stops_leading_while_the_api_server_hangs_and_leads_again_afterwards() {
    let mut running = start();
    running.leads.wait_for(|leads| *leads).await.expect("it leads");
    running.failing.store(true, Ordering::SeqCst);
    running.leads.wait_for(|leads| !*leads).await.expect("it stops");
    assert!(*running.holds.borrow(), "no other replica was seen to hold the Lease");
    running.failing.store(false, Ordering::SeqCst);
    running.leads.wait_for(|leads| *leads).await.expect("it leads again");
}

#[tokio::test]
async fn holds_ends_once_another_holder_is_seen() {
    let mut running = start();
    running.holds.wait_for(|holds| *holds).await.expect("it holds the Lease");
    let taken = |kept: &mut Kept| {
        let mut record = kept.lease.as_ref().expect("kept").record.clone();
        record.holder = Some("b".to_owned());
        kept.lease = None;
        kept.write(record, None).expect("written");
    };
    taken(&mut running.kept.lock().expect("not poisoned"));
    running.holds.wait_for(|holds| !*holds).await.expect("the change is published");
}
