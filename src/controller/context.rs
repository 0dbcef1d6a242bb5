//! What the controller works with.

use std::{fmt, sync::Arc};

use tokio::sync::Semaphore;

use crate::{
    model::{Clock, Entropy, ObjectKey, ObjectKind, UndeliveredReceiver},
    registry,
    source::SharedSource,
};

/// How a reconcile ended, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReconcileOutcome {
    /// All is as it should be.
    Ok,
    /// Something has to be edited.
    Problem,
    /// It is tried again.
    Retry,
}

/// Who counts what the controller does.
pub trait ReconcileMetrics: Send + Sync {
    /// An object of a kind was reconciled.
    fn reconciled(&self, kind: ObjectKind, outcome: ReconcileOutcome);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoMetrics;

impl ReconcileMetrics for NoMetrics {
    fn reconciled(&self, _: ObjectKind, _: ReconcileOutcome) {}
}

/// What the controller works with.
#[derive(Clone)]
pub struct ControllerContext {
    /// Where objects come from and writes go to.
    pub source: SharedSource,
    /// The snapshot in force: its verdicts are what is acted on.
    pub registry: registry::SnapshotHandle,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The Secret of the installation's sealing keys.
    pub sealing_secret: ObjectKey,
    /// Whether to remove what a deleted object leaves behind. A cluster has a garbage collector
    /// that goes by owner references; a folder has none.
    pub collects_garbage: bool,
    /// Who counts.
    pub observer: Arc<dyn ReconcileMetrics>,
    /// Clients that could not be told of ended sessions, for Events.
    pub untold: Option<UndeliveredReceiver>,
    /// RSA keys take 70 ms of a core each: one at a time, so that a thousand new tenants leave
    /// the others their share.
    pub(super) generation: Arc<Semaphore>,
}

impl ControllerContext {
    /// A context whose observer counts nothing.
    pub fn new(
        source: SharedSource,
        registry: registry::SnapshotHandle,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        sealing_secret: ObjectKey,
    ) -> Self {
        Self {
            source,
            registry,
            clock,
            entropy,
            sealing_secret,
            collects_garbage: false,
            observer: Arc::new(NoMetrics),
            untold: None,
            generation: Arc::new(Semaphore::new(1)),
        }
    }

    /// The same, counted by `observer`.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn ReconcileMetrics>) -> Self {
        Self { observer, ..self }
    }

    /// The same, telling of clients that could not be told of ended sessions.
    #[must_use]
    pub fn telling_of(self, untold: UndeliveredReceiver) -> Self {
        Self { untold: Some(untold), ..self }
    }

    /// The same, removing what deleted objects leave behind.
    #[must_use]
    pub fn collecting_garbage(self) -> Self {
        Self { collects_garbage: true, ..self }
    }
}

impl fmt::Debug for ControllerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("sealing_secret", &self.sealing_secret)
            .finish_non_exhaustive()
    }
}
