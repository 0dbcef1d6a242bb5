//! The issuer that a tenant's key Secret remembers, so that a deleted tenant can be created again
//! with it.

use std::{collections::BTreeMap, time::Duration};

use super::{GONE_SINCE_ANNOTATION, ISSUER_ANNOTATION};
use crate::model::Timestamp;

/// The issuer of the tenant that a key Secret belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerReservation {
    /// The issuer that the tenant had last.
    pub issuer: Box<str>,
    /// Since when the tenant does not exist, as the Lease holder found.
    pub gone_since: Option<Timestamp>,
}

impl IssuerReservation {
    /// How long the issuer of a deleted tenant is reserved for its name.
    pub const GRACE: Duration = Duration::from_mins(10);

    /// Reads the annotations of a Secret.
    pub fn read(annotations: &BTreeMap<String, String>) -> Option<Self> {
        let issuer = annotations.get(ISSUER_ANNOTATION)?.as_str().into();
        let gone_since = annotations.get(GONE_SINCE_ANNOTATION);
        let gone_since = gone_since.and_then(|it| it.parse::<jiff::Timestamp>().ok());
        Some(Self { issuer, gone_since: gone_since.map(Timestamp::from) })
    }

    /// When the issuer becomes free.
    pub fn ends(&self) -> Option<Timestamp> {
        self.gone_since.map(|since| since.plus(Self::GRACE))
    }
}
