//! The vault keys that records of the store are sealed with. Serving finds that out, and the controller
//! retires the others.

use std::collections::BTreeSet;

use tokio::sync::watch;

use super::Timestamp;

/// The vault keys that are in use, as of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultKeysInUse {
    /// The key that all records are sealed with, except those of `left`.
    pub newest: [u8; 4],
    /// Other keys, of records that could not be sealed again.
    pub left: BTreeSet<[u8; 4]>,
    /// When the store was searched, by its own clock.
    pub checked_at: Timestamp,
}

/// A receiver of the latest search; `None` before the first one.
pub type VaultUseReceiver = watch::Receiver<Option<VaultKeysInUse>>;
