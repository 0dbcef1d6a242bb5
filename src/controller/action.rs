//! The result of a reconcile.

use crate::model::Timestamp;

/// The result of a reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Something was written. The object is reconciled again once the view shows it.
    Wrote,
    /// No write was needed. Contains the time of the next planned change, if any.
    Nothing(Option<Timestamp>),
}
