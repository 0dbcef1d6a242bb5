//! The labels of security events.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use super::label_values::LabelValues;
use crate::model::{AUDIT_EVENTS, AuditOutcome};

/// The outcomes of security events.
pub(super) const AUDIT_OUTCOMES: LabelValues = &[
    ("success", "The event is something that was done."),
    ("failure", "The event is something that was refused or failed."),
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantAuditEvent {
    pub tenant: Arc<str>,
    pub event: &'static str,
    pub outcome: AuditOutcome,
}

impl EncodeLabelValue for AuditOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

/// The labels of every security event of a tenant.
pub(super) fn audit_labels(tenant: &Arc<str>) -> impl Iterator<Item = TenantAuditEvent> {
    AUDIT_EVENTS.iter().flat_map(move |(event, outcomes)| {
        outcomes.iter().map(move |&outcome| TenantAuditEvent {
            tenant: Arc::clone(tenant),
            event,
            outcome,
        })
    })
}
