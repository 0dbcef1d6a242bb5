//! The audit lines of a server in the test's process.

use std::sync::{Mutex, MutexGuard};

use lanyard::model::{AuditLine, AuditRecord, AuditSink, SharedAuditSink};
use serde_json::Value;

/// Records the members of audit lines, and passes the events on.
#[derive(Debug)]
pub struct RecordedAudit {
    next: SharedAuditSink,
    lines: Mutex<Vec<Value>>,
}

impl RecordedAudit {
    /// A record of what goes to another sink.
    pub fn before(next: SharedAuditSink) -> Self {
        Self { next, lines: Mutex::default() }
    }

    fn recorded(&self) -> MutexGuard<'_, Vec<Value>> {
        self.lines.lock().expect("not poisoned")
    }

    /// All lines so far, in the order in which they were written.
    pub fn lines(&self) -> Vec<Value> {
        self.recorded().clone()
    }

    /// The lines of an event so far.
    pub fn of(&self, event: &str) -> Vec<Value> {
        self.recorded().iter().filter(|line| line["event"] == event).cloned().collect()
    }

    /// The last line of an event.
    pub fn last(&self, event: &str) -> Value {
        let last = self.of(event).pop();
        last.unwrap_or_else(|| panic!("no line {event} in {:#?}", self.recorded()))
    }

    /// Forgets the lines so far.
    pub fn clear(&self) {
        self.recorded().clear();
    }
}

impl AuditSink for RecordedAudit {
    fn record(&self, record: &AuditRecord<'_>) {
        let line = AuditLine::of(record).to_json();
        self.recorded().push(serde_json::from_str(&line).expect("JSON"));
        self.next.record(record);
    }
}
