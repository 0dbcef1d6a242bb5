//! An `OidcUser` as a cached object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::{OidcUser, OidcUserSpec, OidcUserStatus};
use crate::{
    api::{ManagedObject, StatusDigest},
    model::{ManagedKind, ObjectKey, TenantId},
};

/// Summary of an `OidcUser`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSummary {
    /// The tenant that the user refers to.
    pub tenant: TenantId,
    /// The Secret with the user's password, if the user has one.
    pub secret: Option<ObjectKey>,
}

impl ManagedObject for OidcUser {
    const KIND: ManagedKind = ManagedKind::OidcUser;
    type Spec = OidcUserSpec;
    type Status = OidcUserStatus;
    type Summary = UserSummary;
    type StatusFacts = ();

    fn spec(&self) -> &OidcUserSpec {
        &self.spec
    }

    fn into_parts(self) -> (ObjectMeta, OidcUserSpec, Option<OidcUserStatus>) {
        (self.metadata, self.spec, self.status)
    }

    fn from_parts(metadata: ObjectMeta, spec: OidcUserSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn summary(&self, key: &ObjectKey) -> UserSummary {
        let secret = self.spec.password_secret_ref.as_ref();
        let secret = secret.map(|reference| key.beside(&reference.name).shared());
        UserSummary { tenant: self.spec.tenant_ref.of(key).shared(), secret }
    }

    fn secrets(summary: &UserSummary) -> Vec<&ObjectKey> {
        summary.secret.iter().collect()
    }

    fn conditions(status: &OidcUserStatus) -> &[Condition] {
        &status.conditions
    }

    fn status_digest(status: &OidcUserStatus) -> StatusDigest {
        let OidcUserStatus { observed_generation, subject, conditions } = status;
        StatusDigest::of(conditions, &(observed_generation, subject))
    }

    fn status_facts(_: &OidcUserStatus, _: &UserSummary) {}
}
