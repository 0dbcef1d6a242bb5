//! How long something took on a machine that may stand still: for bounds that guard a promise, which
//! is not broken by whoever takes both cores away for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// A thread that sleeps this long, again and again, sees by how much longer it slept.
const NAP: Duration = Duration::from_millis(20);

/// Measures from when it is made.
pub struct Stopwatch {
    start: Instant,
    stood_still: Arc<AtomicU64>,
}

impl Stopwatch {
    /// Starts it.
    pub fn start() -> Self {
        let stood_still = Arc::new(AtomicU64::new(0));
        let shared = Arc::downgrade(&stood_still);
        thread::spawn(move || {
            loop {
                let lay_down = Instant::now();
                thread::sleep(NAP);
                let Some(sum) = shared.upgrade() else { return };
                let over = lay_down.elapsed().saturating_sub(NAP).as_micros();
                sum.fetch_add(u64::try_from(over).unwrap_or(u64::MAX), Ordering::SeqCst);
            }
        });
        Self { start: Instant::now(), stood_still }
    }

    /// For how long the machine did something.
    pub fn elapsed(&self) -> Duration {
        let stood_still = Duration::from_micros(self.stood_still.load(Ordering::SeqCst));
        self.start.elapsed().saturating_sub(stood_still)
    }
}
