//! Who keeps what two objects claim: the older one, on every replica alike (design §2).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::model::{Installation, ObjectKey, Timestamp};

/// An object's place: creationTimestamp, then namespace and name; the latter alone in `dev`, where
/// files have no age. The lesser keeps what it claims.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(Option<Timestamp>, ObjectKey);

impl Age {
    /// The place of an object.
    pub fn of(metadata: &ObjectMeta, key: &ObjectKey, installation: &Installation) -> Self {
        let created = metadata.creation_timestamp.as_ref().map(|time| Timestamp::from(time.0));
        Self(created.filter(|_| !installation.dev), key.clone())
    }
}
