//! A Lease in a Kubernetes cluster.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, Error,
    api::{ObjectMeta, PostParams},
};

use super::{LeaseApi, LeaseError, LeaseRecord, ObservedLease};
use crate::model::ObjectKey;

/// Reads and writes one Lease object.
#[derive(Clone)]
pub struct ClusterLease {
    api: Api<Lease>,
    key: ObjectKey,
    /// The last Lease read, so that a replacement preserves fields that others wrote.
    last: Arc<Mutex<Lease>>,
}

impl ClusterLease {
    /// Access to the Lease of this namespace and name.
    pub fn new(client: Client, key: ObjectKey) -> Self {
        Self { api: Api::namespaced(client, &key.namespace), key, last: Arc::default() }
    }

    fn created(&self, record: LeaseRecord) -> Lease {
        let metadata = ObjectMeta {
            name: Some(self.key.name.to_string()),
            namespace: Some(self.key.namespace.to_string()),
            ..ObjectMeta::default()
        };
        with(Lease { metadata, ..Lease::default() }, record)
    }

    fn replaced(&self, record: LeaseRecord, version: &str) -> Lease {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if last.metadata.resource_version.as_deref() == Some(version) {
            return with(last, record);
        }
        let mut lease = self.created(record);
        lease.metadata.resource_version = Some(version.to_owned());
        lease
    }

    fn remember(&self, lease: Lease) -> ObservedLease {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = lease.clone();
        seen(lease)
    }
}

/// Sets the fields of a record on a Lease, and preserves the rest.
fn with(mut lease: Lease, record: LeaseRecord) -> Lease {
    lease.spec = Some(LeaseSpec {
        holder_identity: record.holder,
        lease_duration_seconds: i32::try_from(record.duration.as_secs()).ok(),
        acquire_time: record.acquired.map(MicroTime),
        renew_time: record.renewed.map(MicroTime),
        lease_transitions: Some(record.transitions),
        ..lease.spec.unwrap_or_default()
    });
    lease
}

#[async_trait]
impl LeaseApi for ClusterLease {
    async fn get(&self) -> Result<Option<ObservedLease>, LeaseError> {
        let lease = self.api.get_opt(&self.key.name).await.map_err(failed)?;
        Ok(lease.map(|lease| self.remember(lease)))
    }

    async fn create(&self, record: LeaseRecord) -> Result<ObservedLease, LeaseError> {
        let created = self.api.create(&PostParams::default(), &self.created(record)).await;
        created.map(|lease| self.remember(lease)).map_err(failed)
    }

    async fn replace(
        &self,
        record: LeaseRecord,
        version: &str,
    ) -> Result<ObservedLease, LeaseError> {
        let lease = self.replaced(record, version);
        let done = self.api.replace(&self.key.name, &PostParams::default(), &lease).await;
        done.map(|lease| self.remember(lease)).map_err(failed)
    }
}

fn seen(lease: Lease) -> ObservedLease {
    let spec = lease.spec.unwrap_or_default();
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    ObservedLease {
        record: LeaseRecord {
            holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
            duration: Duration::from_secs(seconds.unwrap_or(0)),
            acquired: spec.acquire_time.map(|time| time.0),
            renewed: spec.renew_time.map(|time| time.0),
            transitions: spec.lease_transitions.unwrap_or(0),
        },
        version: lease.metadata.resource_version.unwrap_or_default(),
    }
}

fn failed(error: Error) -> LeaseError {
    match error {
        Error::Api(status) if status.code == 409 => LeaseError::Conflict,
        Error::Api(status) => LeaseError::Failed(status.message),
        other => LeaseError::Failed(other.to_string()),
    }
}
