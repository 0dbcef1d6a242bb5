//! An `IdentityProvider` as a cached object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::{IdentityProvider, IdentityProviderSpec, IdentityProviderStatus};
use crate::{
    api::{ConditionReason, ManagedObject, StatusDigest, reachable_reason},
    model::{ManagedKind, ObjectKey, TenantId, Timestamp},
};

/// Summary of an `IdentityProvider`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSummary {
    /// The tenant that the provider refers to.
    pub tenant: TenantId,
    /// The Secret with the provider's credentials for this tenant, if it names one.
    pub secret: Option<ObjectKey>,
    /// The Secret with the certificates that verify its servers, if it names one.
    pub ca: Option<ObjectKey>,
    /// The client that it refers to, if it does.
    pub link: Option<ProviderLinkSummary>,
}

/// The reference of a provider to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLinkSummary {
    /// The client.
    pub client: ObjectKey,
    /// When the provider was created.
    pub created: Option<Timestamp>,
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
        let client = oidc.as_ref().and_then(|oidc| oidc.client_ref.as_ref());
        let link = client.map(|client| ProviderLinkSummary {
            client: key.beside(&client.name),
            created: self.metadata.creation_timestamp.as_ref().map(|it| Timestamp::from(it.0)),
        });
        let oidc = oidc.as_ref().and_then(|oidc| oidc.client_secret_ref.as_ref());
        let github = github.as_ref().map(|github| &github.client_secret_ref);
        let client = oidc.or(github).map(|reference| &reference.name);
        let account = ldap.as_ref().map(|ldap| &ldap.bind_secret_ref.name);
        let secret = client.or(account).map(|name| key.beside(name).shared());
        let ca = self.spec.ca_ref().map(|(_, reference)| reference);
        let ca = ca.map(|reference| key.beside(&reference.name).shared());
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
