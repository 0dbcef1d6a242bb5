//! An `OidcClient` as a cached object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::{OidcClient, OidcClientSpec, OidcClientStatus};
use crate::{
    api::{ConditionReason, ManagedObject, StatusDigest, reachable_reason},
    model::{ManagedKind, ObjectKey, TenantId},
};

/// The fields of an `OidcClient` that are read for every object whenever any object changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSummary {
    /// The tenant that the client refers to.
    pub tenant: TenantId,
    /// The Secret that the client refers to, or that Lanyard creates for it.
    pub secret: ObjectKey,
    /// The Secret with the authorities of its certificate, if it names one.
    pub authorities: Option<ObjectKey>,
    /// The issuers of its federated credentials.
    pub federated_issuers: Box<[Box<str>]>,
}

/// Facts in the status of an `OidcClient`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientStatusFacts {
    /// Whether it names the Secret in the summary.
    pub names_secret: bool,
    /// The reason of the condition `Reachable`.
    pub reachable: Option<ConditionReason>,
}

impl ManagedObject for OidcClient {
    const KIND: ManagedKind = ManagedKind::OidcClient;
    type Spec = OidcClientSpec;
    type Status = OidcClientStatus;
    type Summary = ClientSummary;
    type StatusFacts = ClientStatusFacts;

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
        let secret = key.in_same_namespace(self.secret_name()).shared();
        let issuers = self.spec.federated_credentials.iter();
        let federated_issuers =
            issuers.filter_map(|it| Some(it.issuer.as_deref()?.into())).collect();
        let authorities = self.spec.tls_client_auth.as_ref().map(|it| &it.ca_ref.name);
        ClientSummary {
            tenant: self.spec.tenant_ref.of(key).shared(),
            secret,
            authorities: authorities.map(|name| key.in_same_namespace(name).shared()),
            federated_issuers,
        }
    }

    fn secrets(summary: &ClientSummary) -> Vec<&ObjectKey> {
        [&summary.secret].into_iter().chain(&summary.authorities).collect()
    }

    fn conditions(status: &OidcClientStatus) -> &[Condition] {
        &status.conditions
    }

    fn status_digest(status: &OidcClientStatus) -> StatusDigest {
        let rest = OidcClientStatus { conditions: Vec::new(), ..status.clone() };
        StatusDigest::of(&status.conditions, &rest)
    }

    fn status_facts(status: &OidcClientStatus, summary: &ClientSummary) -> ClientStatusFacts {
        ClientStatusFacts {
            names_secret: status.secret_name.as_deref() == Some(&*summary.secret.name),
            reachable: reachable_reason(&status.conditions),
        }
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
            cached
                .with_status(&OidcClientStatus { secret_name, ..OidcClientStatus::default() })
                .status_facts()
                .names_secret
        };
        assert!(!cached.status_facts().names_secret && named("shop-oidc") && !named("another"));
    }
}
