//! Measures stalls of the machine. On a shared machine all processes, tests and replicas alike, may
//! stop for seconds, and time limits in tests must not count that time.

use std::{
    sync::{Mutex, OnceLock},
    thread,
    time::{Duration, Instant},
};

/// Sleep interval of the thread that measures stalls by how much it oversleeps.
const NAP: Duration = Duration::from_millis(20);

/// The time overslept so far, and when the current sleep is due to end.
struct Naps {
    overslept: Duration,
    due: Instant,
}

impl Naps {
    /// Includes the current sleep if it is overdue, because the caller may have woken first.
    fn overslept(&self) -> Duration {
        self.overslept + self.due.elapsed()
    }
}

/// Total stall time since the first call.
fn total() -> Duration {
    static NAPS: OnceLock<Mutex<Naps>> = OnceLock::new();
    let naps = NAPS.get_or_init(|| {
        thread::spawn(|| {
            let naps = NAPS.wait();
            loop {
                thread::sleep(NAP);
                let mut naps = naps.lock().expect("not poisoned");
                naps.overslept = naps.overslept();
                naps.due = Instant::now() + NAP;
            }
        });
        Mutex::new(Naps { overslept: Duration::ZERO, due: Instant::now() + NAP })
    });
    naps.lock().expect("not poisoned").overslept()
}

/// Measures elapsed time without the stalls of the machine.
#[derive(Clone, Copy)]
pub struct Stopwatch {
    started: Instant,
    before: Duration,
}

impl Stopwatch {
    /// A stopwatch that starts now.
    pub fn start() -> Self {
        Self { started: Instant::now(), before: total() }
    }

    /// Stall time since the start.
    pub fn stalled(&self) -> Duration {
        total().saturating_sub(self.before)
    }

    /// Time since the start without the stall time.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed().saturating_sub(self.stalled())
    }
}
