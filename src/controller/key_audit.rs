//! The audit events of keys that the holder of the Lease made, rotated or removed.

use super::ControllerContext;
use crate::model::{AuditEvent, AuditRecord, AuditText, KeyChange, KeyUse, ObjectKey, TenantId};

/// Changes of keys, each with the ids of its keys.
pub(super) type KeyChanges = Vec<(KeyChange, Vec<String>)>;

/// Reports changes that were written to a Secret. The keys of the installation have no tenant.
pub(super) fn report_key_changes(
    context: &ControllerContext,
    tenant: Option<&TenantId>,
    (key_use, secret): (KeyUse, &ObjectKey),
    changes: KeyChanges,
) {
    for (change, keys) in changes {
        let event = AuditEvent::KeysChanged {
            key_use,
            change,
            keys: keys.into_iter().map(AuditText::new).collect(),
            secret: AuditText::new(secret.to_string()),
        };
        context.audit.record(&AuditRecord { tenant, origin: None, event });
    }
}
