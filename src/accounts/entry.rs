//! Counts entries that access rules refuse (docs/access.md).

use super::AccountContext;
use crate::{
    model::Client,
    protocol::access::{EntryRefusal, RefusalCause, RefusedEntry},
    telemetry::RefusedEntryReason,
};

/// Counts a refused use of a client.
pub(crate) fn count_refused_entry(
    context: AccountContext<'_>,
    client: &Client,
    refusal: &EntryRefusal,
) {
    let reason = match refusal {
        EntryRefusal::HigherLevel { .. } => RefusedEntryReason::Level,
        EntryRefusal::Refused(RefusedEntry { cause, .. }) => match cause {
            RefusalCause::Provider => RefusedEntryReason::Provider,
            RefusalCause::Group => RefusedEntryReason::Group,
            RefusalCause::Rule(_) => RefusedEntryReason::Rule,
            RefusalCause::FailedRule(..) => RefusedEntryReason::FailedRule,
        },
    };
    context.services.metrics.entry_refused(context.tenant_id(), &client.object, reason);
}
