//! The state of the process that readiness depends on.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{api::SourceView, http::ReadinessProbe, source::cluster::PublishedSchemas};

/// The state of the process that readiness depends on.
pub(super) struct ReadinessInputs {
    pub(super) views: watch::Receiver<Arc<SourceView>>,
    pub(super) leads: watch::Receiver<bool>,
    /// Whether this replica holds the Lease, if only the leader may serve.
    pub(super) must_hold: Option<watch::Receiver<bool>>,
    /// The API server's schemas, if there is an API server.
    pub(super) schemas: Option<watch::Receiver<PublishedSchemas>>,
}

impl ReadinessInputs {
    /// The answer of the readiness probe; `is_open`: whether the port of the endpoints accepts requests.
    pub(super) fn probe(&self, is_open: bool) -> ReadinessProbe {
        let health = self.views.borrow().health.clone();
        let held_by_another = self.must_hold.as_ref().is_some_and(|holds| !*holds.borrow());
        let elsewhere = held_by_another
            .then_some("the store cannot be shared, and this replica does not hold the Lease");
        ReadinessProbe {
            synced: health.synced,
            failing: health.failing.map(|(since, why)| (since.to_string(), why)),
            leads: *self.leads.borrow(),
            forbidden_namespaces: health.forbidden_namespaces,
            barred: if is_open { elsewhere } else { Some("the port is not open yet") },
            outdated_schemas: self.schemas.as_ref().and_then(|schemas| schemas.borrow().problem()),
        }
    }
}
