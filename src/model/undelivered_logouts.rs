//! Back-channel logout notifications that could not be delivered. Serving publishes the counts, and
//! the controller reports them as Events.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use super::ObjectKey;

/// The undelivered notifications of one client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndeliveredLogouts {
    /// The number of notifications that will be retried.
    pub waiting: u32,
    /// The number of notifications that were dropped after too many attempts.
    pub given_up: u32,
    /// The error of this replica's last failed attempt. `None` if another replica made the attempt.
    pub last_error: Option<String>,
}

/// Undelivered notifications by client object. Clients without any are absent.
pub type UndeliveredByClient = Arc<BTreeMap<ObjectKey, UndeliveredLogouts>>;

/// A receiver of the latest counts. Intermediate states may be skipped, because each state is
/// complete.
pub type UndeliveredReceiver = watch::Receiver<UndeliveredByClient>;
