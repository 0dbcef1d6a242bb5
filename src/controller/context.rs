//! What the controller works with.

use std::{fmt, sync::Arc};

use tokio::sync::Semaphore;

use crate::{
    model::{Clock, Entropy, Kind, ObjectKey, WatchUntold},
    registry,
    source::SharedSource,
};

/// How a reconcile ended, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is as it should be.
    Ok,
    /// Something has to be edited.
    Problem,
    /// It is tried again.
    Retry,
}

/// Who counts what the controller does.
pub trait Observer: Send + Sync {
    /// An object of a kind was reconciled.
    fn reconciled(&self, kind: Kind, outcome: Outcome);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn reconciled(&self, _: Kind, _: Outcome) {}
}

/// What the controller works with.
#[derive(Clone)]
pub struct Context {
    /// Where objects come from and writes go to.
    pub source: SharedSource,
    /// The snapshot in force: its verdicts are what is acted on.
    pub registry: registry::Handle,
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
    pub observer: Arc<dyn Observer>,
    /// Clients that could not be told of ended sessions, for Events.
    pub untold: Option<WatchUntold>,
    /// RSA keys take 70 ms of a core each: one at a time, so that a thousand new tenants leave
    /// the others their share.
    pub(super) generation: Arc<Semaphore>,
}

impl Context {
    /// A context whose observer counts nothing.
    pub fn new(
        source: SharedSource,
        registry: registry::Handle,
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
            observer: Arc::new(Unobserved),
            untold: None,
            generation: Arc::new(Semaphore::new(1)),
        }
    }

    /// The same, counted by `observer`.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// The same, telling of clients that could not be told of ended sessions.
    #[must_use]
    pub fn telling_of(self, untold: WatchUntold) -> Self {
        Self { untold: Some(untold), ..self }
    }

    /// The same, removing what deleted objects leave behind.
    #[must_use]
    pub fn collecting_garbage(self) -> Self {
        Self { collects_garbage: true, ..self }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("sealing_secret", &self.sealing_secret)
            .finish_non_exhaustive()
    }
}
