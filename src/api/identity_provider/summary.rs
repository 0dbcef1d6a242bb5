//! An `IdentityProvider` as a cached object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::{IdentityProvider, IdentityProviderSpec, IdentityProviderStatus};
use crate::{
    api::{ConditionReason, ManagedObject, StatusDigest, reachable_reason},
    model::{ManagedKind, ObjectKey, TenantId, Timestamp},
};

/// The fields of an `IdentityProvider` that are read for every object whenever any object changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSummary {
    /// The tenant that the provider refers to.
    pub tenant: TenantId,
    /// The Secret with the provider's credentials for this tenant, if it names one.
    pub secret: Option<ObjectKey>,
    /// The Secret with the certificates that verify its servers, if it names one.
    pub ca: Option<ObjectKey>,
    /// The place where its people sign in, if it can be another tenant.
    pub link: Option<ProviderLinkSummary>,
}

/// The reference of a provider to the place where its people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLinkSummary {
    /// The tenant or the issuer where its people sign in.
    pub target: ProviderLinkTarget,
    /// When the provider was created (`metadata.creationTimestamp`).
    pub created: Option<Timestamp>,
}

/// The place where the people of a provider sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderLinkTarget {
    /// The tenant of a client (`oidc.clientRef`).
    Client(ObjectKey),
    /// An issuer (`oidc.issuer`), which may be that of a tenant of this installation.
    Issuer(Box<str>),
}

impl ManagedObject for IdentityProvider {
    const KIND: ManagedKind = ManagedKind::IdentityProvider;
    type Spec = IdentityProviderSpec;
    type Status = IdentityProviderStatus;
    type Summary = ProviderSummary;
    /// The reason of the condition `Reachable`, if the status has it.
    type StatusFacts = Option<ConditionReason>;

    fn spec(&self) -> &IdentityProviderSpec {
        &self.spec
    }

    fn into_parts(self) -> (ObjectMeta, IdentityProviderSpec, Option<IdentityProviderStatus>) {
        (self.metadata, self.spec, self.status)
    }

    fn from_parts(metadata: ObjectMeta, spec: IdentityProviderSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn summary(&self, key: &ObjectKey) -> ProviderSummary {
        let IdentityProviderSpec { oidc, github, ldap, .. } = &self.spec;
        let target = oidc.as_ref().and_then(|oidc| {
            let client = oidc.client_ref.as_ref();
            let client =
                client.map(|it| ProviderLinkTarget::Client(key.in_same_namespace(&it.name)));
            client.or_else(|| Some(ProviderLinkTarget::Issuer(oidc.issuer.as_deref()?.into())))
        });
        let link = target.map(|target| ProviderLinkSummary {
            target,
            created: self.metadata.creation_timestamp.as_ref().map(|it| Timestamp::from(it.0)),
        });
        let oidc = oidc.as_ref().and_then(|oidc| oidc.client_secret_ref.as_ref());
        let github = github.as_ref().map(|github| &github.client_secret_ref);
        let client = oidc.or(github).map(|reference| &reference.name);
        let account = ldap.as_ref().map(|ldap| &ldap.bind_secret_ref.name);
        let secret = client.or(account).map(|name| key.in_same_namespace(name).shared());
        let ca = self.spec.ca_ref().map(|(_, reference)| reference);
        let ca = ca.map(|reference| key.in_same_namespace(&reference.name).shared());
        ProviderSummary { tenant: self.spec.tenant_ref.of(key).shared(), secret, ca, link }
    }

    fn secrets(summary: &ProviderSummary) -> Vec<&ObjectKey> {
        summary.secret.iter().chain(&summary.ca).collect()
    }

    fn conditions(status: &IdentityProviderStatus) -> &[Condition] {
        &status.conditions
    }

    fn status_digest(status: &IdentityProviderStatus) -> StatusDigest {
        let rest = IdentityProviderStatus { conditions: Vec::new(), ..status.clone() };
        StatusDigest::of(&status.conditions, &rest)
    }

    fn status_facts(
        status: &IdentityProviderStatus,
        _: &ProviderSummary,
    ) -> Option<ConditionReason> {
        reachable_reason(&status.conditions)
    }
}
