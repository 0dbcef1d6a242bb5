//! Precedence of objects that claim the same value: the older one keeps it, on every replica
//! (docs/design/api.md#conflicts).

use crate::model::{Installation, ObjectKey, Timestamp};

/// An object's place: creationTimestamp, then namespace and name; the latter alone in `dev`, where
/// files have no age. The lesser keeps what it claims.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence(Option<Timestamp>, ObjectKey);

impl Precedence {
    /// The place of an object.
    pub fn of(created: Option<Timestamp>, key: &ObjectKey, installation: &Installation) -> Self {
        Self(created.filter(|_| !installation.dev), key.clone())
    }
}
