//! Refresh tokens that were used after they had been superseded. Serving counts them, and the
//! controller reports them as Events.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::ObjectKey;

/// The tokens of one client that an Event reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedReplays {
    /// The client that the tokens belong to.
    pub client: ObjectKey,
    /// The number of grants that were revoked because of such a token.
    pub tokens: u32,
}

/// The counts of replayed refresh tokens of all replicas.
#[async_trait]
pub trait RefreshReplays: Send + Sync + fmt::Debug {
    /// Takes the counts whose Events are due: at most one a client and hour. A count that was taken
    /// is not returned again.
    async fn take_due(&self) -> Vec<ReportedReplays>;
}

/// Counts that are shared between tasks.
pub type SharedRefreshReplays = Arc<dyn RefreshReplays>;
