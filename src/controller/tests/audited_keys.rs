//! The audit lines of changes of keys.

use serde_json::{Value, json};

use super::*;
use crate::model::{AuditLine, AuditRecord, AuditSink};

/// The members of the lines.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<Value>>);

impl Lines {
    /// Use, change, tenant and outcome of each line so far, which are forgotten.
    fn take(&self) -> Vec<Value> {
        let lines = std::mem::take(&mut *self.0.lock().expect("not poisoned"));
        let of =
            |line: &Value| json!([line["use"], line["change"], line["tenant"], line["outcome"]]);
        lines.iter().inspect(|line| assert_eq!(line["event"], "keys_changed")).map(of).collect()
    }
}

impl AuditSink for Lines {
    fn record(&self, record: &AuditRecord<'_>) {
        let line = AuditLine::of(record).to_json();
        self.0.lock().expect("not poisoned").push(serde_json::from_str(&line).expect("JSON"));
    }
}

#[tokio::test]
async fn changes_of_keys_are_reported_when_they_are_written() {
    let (cluster, lines) = (Cluster::new(&[TENANT]), Arc::new(Lines::default()));
    let context = cluster.context.audited_by(lines.clone());
    let mut cluster = Cluster { context, ..cluster };
    cluster.settle().await;
    let made = lines.take();
    let signing = json!(["signing", "published", "team/main", "success"]);
    assert_eq!(made.iter().filter(|line| **line == signing).count(), 1, "{made:?}");
    let sealing = json!(["sealing", "published", null, "success"]);
    assert_eq!(made.iter().filter(|line| **line == sealing).count(), 1, "{made:?}");
    cluster.settle().await;
    assert_eq!(lines.take(), Vec::<Value>::new(), "nothing has changed");

    cluster.damages_keys();
    cluster.settle().await;
    let replaced = lines.take();
    let lost = json!(["signing", "lost", "team/main", "failure"]);
    for line in [&lost, &signing] {
        assert_eq!(replaced.iter().filter(|it| *it == line).count(), 1, "{line} in {replaced:?}");
    }
}
