//! Clients that could not be told that sessions have ended: what serving hands to whoever may say
//! so in the cluster.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use super::ObjectKey;

/// What one client has not been told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndeliveredLogouts {
    /// Ends of sessions that it will be told of again.
    pub waiting: u32,
    /// Ends of sessions that it was told of in vain often enough.
    pub given_up: u32,
    /// Why the last try of this replica failed; another replica may have made it.
    pub why: Option<String>,
}

/// By the client's object; a client that has been told of everything is not there.
pub type UndeliveredByClient = Arc<BTreeMap<ObjectKey, UndeliveredLogouts>>;

/// The latest state of all: nothing is queued, so nothing is lost or piles up.
pub type UndeliveredReceiver = watch::Receiver<UndeliveredByClient>;
