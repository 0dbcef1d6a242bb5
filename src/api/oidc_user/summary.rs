//! An `OidcUser` as a cached object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::{OidcUser, OidcUserSpec, OidcUserStatus};
use crate::{
    api::{ConditionReason, ConditionType, ManagedObject, StatusDigest, condition_reason},
    model::{ManagedKind, ObjectKey, TenantId},
};

/// The fields of an `OidcUser` that are read for every object whenever any object changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSummary {
    /// The tenant that the user refers to.
    pub tenant: TenantId,
    /// The Secret with the user's password, if the user has one.
    pub secret: Option<ObjectKey>,
    /// The Secret with the link of the user's invitation, if the user has one.
    pub invitation: Option<ObjectKey>,
}

impl ManagedObject for OidcUser {
    const KIND: ManagedKind = ManagedKind::OidcUser;
    type Spec = OidcUserSpec;
    type Status = OidcUserStatus;
    type Summary = UserSummary;
    /// The reason of the condition `InvitationReady`, if the status has it.
    type StatusFacts = Option<ConditionReason>;

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
        let secret = secret.map(|reference| key.in_same_namespace(&reference.name).shared());
        let invitation = self.spec.invitation.as_ref();
        let invitation = invitation.map(|_| invitation_secret(key).shared());
        UserSummary { tenant: self.spec.tenant_ref.of(key).shared(), secret, invitation }
    }

    fn secrets(summary: &UserSummary) -> Vec<&ObjectKey> {
        summary.secret.iter().chain(&summary.invitation).collect()
    }

    fn conditions(status: &OidcUserStatus) -> &[Condition] {
        &status.conditions
    }

    fn status_digest(status: &OidcUserStatus) -> StatusDigest {
        let OidcUserStatus { observed_generation, subject, invitation, conditions } = status;
        StatusDigest::of(conditions, &(observed_generation, subject, invitation))
    }

    fn status_facts(status: &OidcUserStatus, _: &UserSummary) -> Option<ConditionReason> {
        condition_reason(&status.conditions, ConditionType::InvitationReady)
    }
}

/// The Secret with the link of a user's invitation.
pub fn invitation_secret(user: &ObjectKey) -> ObjectKey {
    user.in_same_namespace(format!("{}-invitation", user.name))
}
