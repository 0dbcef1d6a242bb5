//! A `Tenant` as a cached object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::{Tenant, TenantSpec, TenantStatus};
use crate::{
    api::{ConditionReason, ConditionType, ManagedObject, StatusDigest, condition_reason},
    model::{ManagedKind, ObjectKey, Timestamp},
};

/// The fields of a `Tenant` that are read for every object whenever any object changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSummary {
    /// `metadata.creationTimestamp`; `None` for a file.
    pub created: Option<Timestamp>,
    /// `spec.issuer` as written; `None` for the default issuer.
    pub issuer: Option<Box<str>>,
    /// The Secret with the signing keys.
    pub keys: ObjectKey,
    /// The Secret that remembers the issuer, if that is not `keys`.
    pub reservation: Option<ObjectKey>,
    /// The Secret that damaged entries of `keys` are copied to; `None` for imported keys.
    pub backup: Option<ObjectKey>,
    /// The Secret with the pairwise salt.
    pub salt: ObjectKey,
    /// The Secret with the initial access token, if `spec.registration` names one.
    pub token: Option<ObjectKey>,
    /// The Secret with the account at the mail server, if `spec.mail` names one.
    pub mail_credentials: Option<ObjectKey>,
    /// The Secret with the certificates of the mail server, if `spec.mail` names one.
    pub mail_ca: Option<ObjectKey>,
}

/// Facts in the status of a `Tenant`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantFacts {
    /// IDs of the keys that are not retired.
    pub living_keys: Box<[Box<str>]>,
    /// The issuer that the tenant is served at.
    pub issuer: Option<Box<str>>,
    /// Whether another tenant has the issuer.
    pub has_conflict: bool,
    /// Whether people could enrol authenticators.
    pub offers_enrolment: bool,
    /// The reason of the condition `MailReachable`.
    pub mail_reachable: Option<ConditionReason>,
}

impl ManagedObject for Tenant {
    const KIND: ManagedKind = ManagedKind::Tenant;
    type Spec = TenantSpec;
    type Status = TenantStatus;
    type Summary = TenantSummary;
    type StatusFacts = TenantFacts;

    fn spec(&self) -> &TenantSpec {
        &self.spec
    }

    fn into_parts(self) -> (ObjectMeta, TenantSpec, Option<TenantStatus>) {
        (self.metadata, self.spec, self.status)
    }

    fn from_parts(metadata: ObjectMeta, spec: TenantSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn summary(&self, key: &ObjectKey) -> TenantSummary {
        let imported = self.imported_keys().map(|reference| key.in_same_namespace(&reference.name));
        let own = || key.in_same_namespace(self.signing_keys_name());
        let reservation = imported.is_some().then(own);
        let mail = self.spec.mail.as_ref();
        let backup =
            imported.is_none().then(|| key.in_same_namespace(self.signing_keys_backup_name()));
        TenantSummary {
            created: self.metadata.creation_timestamp.as_ref().map(|it| Timestamp::from(it.0)),
            issuer: self.spec.issuer.as_deref().map(Into::into),
            keys: imported.unwrap_or_else(own).shared(),
            reservation,
            backup,
            salt: key.in_same_namespace(self.pairwise_salt_name()),
            token: self
                .initial_access_token()
                .map(|reference| key.in_same_namespace(&reference.name)),
            mail_credentials: mail.and_then(|mail| {
                mail.credentials_secret_ref.as_ref().map(|it| key.in_same_namespace(&it.name))
            }),
            mail_ca: mail
                .and_then(|mail| mail.ca_ref.as_ref().map(|it| key.in_same_namespace(&it.name))),
        }
    }

    fn secrets(summary: &TenantSummary) -> Vec<&ObjectKey> {
        let sure = [&summary.keys, &summary.salt].into_iter();
        let TenantSummary { reservation, backup, token, mail_credentials, mail_ca, .. } = summary;
        let own = sure.chain(reservation).chain(backup).chain(token);
        own.chain(mail_credentials).chain(mail_ca).collect()
    }

    fn conditions(status: &TenantStatus) -> &[Condition] {
        &status.conditions
    }

    fn status_digest(status: &TenantStatus) -> StatusDigest {
        let rest = TenantStatus { conditions: Vec::new(), ..status.clone() };
        StatusDigest::of(&status.conditions, &rest)
            .with_salt(status.pairwise_salt_fingerprint.as_deref())
    }

    fn status_facts(status: &TenantStatus, _: &TenantSummary) -> TenantFacts {
        let living = status.signing_keys.iter().filter(|key| key.state != "Retired");
        let conflict = ConditionReason::IssuerConflict.as_str();
        let enrolment = ConditionType::EnrolmentAvailable.as_str();
        TenantFacts {
            living_keys: living.map(|key| key.key_id.as_str().into()).collect(),
            issuer: status.issuer.as_deref().map(Into::into),
            has_conflict: status.conditions.iter().any(|condition| condition.reason == conflict),
            mail_reachable: condition_reason(&status.conditions, ConditionType::MailReachable),
            offers_enrolment: status
                .conditions
                .iter()
                .any(|condition| condition.type_ == enrolment && condition.status == "True"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CachedObject, SigningKeyStatus};

    #[test]
    fn status_facts_list_the_keys_that_are_not_retired() {
        let key_status = |id: &str, state: &str| SigningKeyStatus {
            key_id: id.to_owned(),
            state: state.to_owned(),
            ..SigningKeyStatus::default()
        };
        let signing_keys = vec![key_status("old", "Retired"), key_status("new", "Signing")];
        let status = TenantStatus { signing_keys, ..TenantStatus::default() };
        let cached = CachedObject::new(
            &ObjectKey::new("team", "shop"),
            Tenant::new("shop", TenantSpec::default()),
        );
        assert_eq!(cached.with_status(&status).status_facts().living_keys.concat(), "new");
    }
}
