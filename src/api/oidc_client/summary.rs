//! An `OidcClient` as a cached object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::{OidcClient, OidcClientSpec, OidcClientStatus};
use crate::{
    api::{ManagedObject, StatusDigest},
    model::{ManagedKind, ObjectKey, TenantId},
};

/// Summary of an `OidcClient`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSummary {
    /// The tenant that the client refers to.
    pub tenant: TenantId,
    /// The Secret that the client refers to, or that Lanyard creates for it.
    pub secret: ObjectKey,
}

impl ManagedObject for OidcClient {
    const KIND: ManagedKind = ManagedKind::OidcClient;
    type Spec = OidcClientSpec;
    type Status = OidcClientStatus;
    type Summary = ClientSummary;
    /// Whether the status names the Secret in the summary.
    type StatusFacts = bool;

    fn spec(&self) -> &OidcClientSpec {
        &self.spec
    }

    fn into_parts(self) -> (ObjectMeta, OidcClientSpec, Option<OidcClientStatus>) {
        (self.metadata, self.spec, self.status)
    }

    fn from_parts(metadata: ObjectMeta, spec: OidcClientSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn summary(&self, key: &ObjectKey) -> ClientSummary {
        let secret = key.beside(self.secret_name()).shared();
        ClientSummary { tenant: self.spec.tenant_ref.of(key).shared(), secret }
    }

    fn secrets(summary: &ClientSummary) -> Vec<&ObjectKey> {
        vec![&summary.secret]
    }

    fn conditions(status: &OidcClientStatus) -> &[Condition] {
        &status.conditions
    }

    fn status_digest(status: &OidcClientStatus) -> StatusDigest {
        let rest = OidcClientStatus { conditions: Vec::new(), ..status.clone() };
        StatusDigest::of(&status.conditions, &rest)
    }

    fn status_facts(status: &OidcClientStatus, summary: &ClientSummary) -> bool {
        status.secret_name.as_deref() == Some(&*summary.secret.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CachedObject, TenantRef};

    #[test]
    fn status_facts_are_true_if_the_status_names_the_clients_secret() {
        let key = ObjectKey::new("team", "shop");
        let tenant_ref = TenantRef { name: "main".into(), namespace: None };
        let spec = OidcClientSpec { tenant_ref, ..OidcClientSpec::default() };
        let cached = CachedObject::new(&key, OidcClient::new("shop", spec));
        let named = |name: &str| {
            let secret_name = Some(name.to_owned());
            *cached
                .with_status(&OidcClientStatus { secret_name, ..OidcClientStatus::default() })
                .status_facts()
        };
        assert!(!cached.status_facts() && named("shop-oidc") && !named("another"));
    }
}
