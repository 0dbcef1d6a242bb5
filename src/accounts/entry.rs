//! Counts entries that access rules refuse (docs/access.md).

use super::AccountContext;
use crate::{
    model::{Client, ObjectKey},
    protocol::access::{AccessDenial, DeniedAccess, RefusalCause},
    telemetry::RefusedEntryReason,
};

/// Counts a refused use of a client.
pub(crate) fn count_refused_entry(
    context: AccountContext<'_>,
    client: &Client,
    refusal: &AccessDenial,
) {
    let reason = match refusal {
        AccessDenial::MissingFactor(_) => RefusedEntryReason::Factor,
        AccessDenial::HigherLevel { .. } => RefusedEntryReason::Level,
        AccessDenial::Refused(DeniedAccess { cause, .. }) => match cause {
            RefusalCause::Provider => RefusedEntryReason::Provider,
            RefusalCause::Group => RefusedEntryReason::Group,
            RefusalCause::Rule(_) => RefusedEntryReason::Rule,
            RefusalCause::FailedRule(..) => RefusedEntryReason::FailedRule,
        },
    };
    // Strangers choose the URLs of metadata documents, so all of them are one label.
    let documents = || ObjectKey::new("https:", "/");
    let object = client.is_described_by_document().then(documents);
    let object = object.as_ref().unwrap_or(&client.object);
    context.services.metrics.entry_refused(context.tenant_id(), object, reason);
}
