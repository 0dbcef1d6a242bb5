//! The issuer that a tenant's key Secret remembers, so that a deleted tenant can be created again
//! with it.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{GONE_SINCE_ANNOTATION, ISSUER_ANNOTATION};
use crate::model::Timestamp;

/// The issuer of the tenant that a key Secret belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerReservation {
    /// The issuer that the tenant had last.
    pub issuer: Box<str>,
    /// Since when the tenant does not exist, as the Lease holder found.
    pub gone_since: Option<Timestamp>,
    /// When the Secret was created (`metadata.creationTimestamp`).
    pub created: Option<Timestamp>,
}

impl IssuerReservation {
    /// How long the issuer of a deleted tenant is reserved for its name.
    pub const GRACE: Duration = Duration::from_mins(10);

    /// Reads the metadata of a Secret.
    pub fn read(metadata: &ObjectMeta) -> Option<Self> {
        let annotations = metadata.annotations.as_ref()?;
        let created = metadata.creation_timestamp.as_ref().map(|at| Timestamp::from(at.0));
        let issuer = annotations.get(ISSUER_ANNOTATION)?.as_str().into();
        let gone_since = annotations.get(GONE_SINCE_ANNOTATION);
        let gone_since = gone_since.and_then(|it| it.parse::<jiff::Timestamp>().ok());
        Some(Self { issuer, gone_since: gone_since.map(Timestamp::from), created })
    }

    /// When the issuer becomes free for other tenants; `None` while the tenant exists.
    pub fn ends(&self) -> Option<Timestamp> {
        self.gone_since.map(|since| since.plus(Self::GRACE))
    }
}
