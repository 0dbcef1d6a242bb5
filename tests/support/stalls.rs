//! How long this machine stood still, which no promise of Lanyard's covers: on a shared machine
//! everything may stop for seconds, tests and replicas alike.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    sync::{Mutex, OnceLock},
    thread,
    time::{Duration, Instant},
};

/// A thread that sleeps for so long, again and again, sees what it overslept.
const NAP: Duration = Duration::from_millis(20);

/// What was overslept so far, and when the nap of now is to end.
struct Naps {
    overslept: Duration,
    due: Instant,
}

impl Naps {
    /// With what the nap of now is overdue, if whoever asks woke first.
    fn overslept(&self) -> Duration {
        self.overslept + self.due.elapsed()
    }
}

/// How long the machine has stood still since this was first asked.
fn total() -> Duration {
    static NAPS: OnceLock<Mutex<Naps>> = OnceLock::new();
    let naps = NAPS.get_or_init(|| {
        thread::spawn(|| {
            let naps = NAPS.wait();
            loop {
                thread::sleep(NAP);
                let mut naps = naps.lock().expect("whole");
                naps.overslept = naps.overslept();
                naps.due = Instant::now() + NAP;
            }
        });
        Mutex::new(Naps { overslept: Duration::ZERO, due: Instant::now() + NAP })
    });
    naps.lock().expect("whole").overslept()
}

/// Measures what a promise is about: time, less what the machine stood still of it.
#[derive(Clone, Copy)]
pub struct Stopwatch {
    started: Instant,
    before: Duration,
}

impl Stopwatch {
    /// From now on.
    pub fn start() -> Self {
        Self { started: Instant::now(), before: total() }
    }

    /// How long the machine stood still since then.
    pub fn stalled(&self) -> Duration {
        total().saturating_sub(self.before)
    }

    /// The time since then, less that.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed().saturating_sub(self.stalled())
    }
}
