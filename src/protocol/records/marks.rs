//! The marks of a user in records, and the record of a user who has been disabled or deleted.

use serde::{Deserialize, Serialize};

use super::RecordFormat;
use crate::model::{CredentialMark, ObjectMark, Timestamp};

/// The user that a record was made for, as it was then (docs/design/state.md#marks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountMarks {
    /// The mark of the user's object, or of the identity of a provider's person.
    pub person: ObjectMark,
    /// The mark of the Tenant object.
    pub tenant: ObjectMark,
    /// The stored password. `None` if there was no key for it.
    pub credential: Option<CredentialMark>,
    /// The generation of the user's object; 0 in `dev`.
    pub generation: u64,
}

/// The end of everything that a person had, because the user was disabled or deleted, or a disabled user
/// declares the person of a provider. Stored by subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidBefore {
    /// The mark of the person. A later person with the same subject is not affected.
    pub person: ObjectMark,
    /// The generation of the user's object in which the user was disabled or deleted; 0 in `dev`, and
    /// for the people of providers.
    pub generation: u64,
    /// The time at which a replica saw the end, by the store's clock.
    pub at: Timestamp,
}

impl RecordFormat for VoidBefore {}
