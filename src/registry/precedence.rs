//! Precedence between objects with conflicting claims: the older one wins, on every replica alike.
//! See docs/design/api.md#conflicts.

use crate::model::{Installation, ObjectKey, Timestamp};

/// Sort key of an object: creationTimestamp, then namespace and name. In `dev`, where files have no
/// creation time, only namespace and name. The lower one wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence(Option<Timestamp>, ObjectKey);

impl Precedence {
    /// The precedence of an object, by its `metadata.creationTimestamp`.
    pub fn of(created: Option<Timestamp>, key: &ObjectKey, installation: &Installation) -> Self {
        Self(created.filter(|_| !installation.dev), key.clone())
    }
}
