//! Turns: tests of one group run together, tests of different groups never do. A test that measures
//! time, kills processes or starts a cluster then shares the machine with tests of its own kind only.

use std::{
    any::Any,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

struct Running {
    group: &'static str,
    tests: usize,
    shared: Option<Arc<dyn Any + Send + Sync>>,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { group: "", tests: 0, shared: None });
static ENDED: Condvar = Condvar::new();

/// Locks a mutex and ignores poisoning: a test that failed while it held the lock left valid data.
fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A turn, which ends when the value is dropped.
pub struct Turn(());

/// Waits until no test of another group runs, and drops the value that the other group shared.
pub fn of(group: &'static str) -> Turn {
    let mut running = running();
    while running.tests > 0 && running.group != group {
        running = ENDED.wait(running).unwrap_or_else(PoisonError::into_inner);
    }
    if running.group != group {
        running.shared = None;
        running.group = group;
    }
    running.tests += 1;
    Turn(())
}

/// The value that the tests of this turn's group share; the first test creates it.
pub fn share<T: Any + Send + Sync>(_turn: &Turn, make: impl FnOnce() -> T) -> Arc<T> {
    let mut running = running();
    let shared = running.shared.get_or_insert_with(|| Arc::new(make()));
    Arc::clone(shared).downcast().expect("a group shares values of one type")
}

impl Drop for Turn {
    fn drop(&mut self) {
        running().tests -= 1;
        ENDED.notify_all();
    }
}
