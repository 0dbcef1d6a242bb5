//! A `ResourceServer` as a cached object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::{ResourceServer, ResourceServerSpec, ResourceServerStatus};
use crate::{
    api::{ManagedObject, StatusDigest},
    model::{ManagedKind, ObjectKey, TenantId},
};

/// The fields of a `ResourceServer` that are read for every object whenever any object changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServerSummary {
    /// The tenant whose tokens the API accepts.
    pub tenant: TenantId,
}

impl ManagedObject for ResourceServer {
    const KIND: ManagedKind = ManagedKind::ResourceServer;
    type Spec = ResourceServerSpec;
    type Status = ResourceServerStatus;
    type Summary = ResourceServerSummary;
    type StatusFacts = ();

    fn spec(&self) -> &ResourceServerSpec {
        &self.spec
    }

    fn into_parts(self) -> (ObjectMeta, ResourceServerSpec, Option<ResourceServerStatus>) {
        (self.metadata, self.spec, self.status)
    }

    fn from_parts(metadata: ObjectMeta, spec: ResourceServerSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn summary(&self, key: &ObjectKey) -> ResourceServerSummary {
        ResourceServerSummary { tenant: self.spec.tenant_ref.of(key).shared() }
    }

    fn secrets(_: &ResourceServerSummary) -> Vec<&ObjectKey> {
        Vec::new()
    }

    fn conditions(status: &ResourceServerStatus) -> &[Condition] {
        &status.conditions
    }

    fn status_digest(status: &ResourceServerStatus) -> StatusDigest {
        let ResourceServerStatus { observed_generation, conditions } = status;
        StatusDigest::of(conditions, observed_generation)
    }

    fn status_facts(_: &ResourceServerStatus, _: &ResourceServerSummary) {}
}
