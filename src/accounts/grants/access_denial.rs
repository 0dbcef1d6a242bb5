//! Counts uses of clients that access rules refuse (docs/access.md).

use crate::{
    accounts::AccountContext,
    model::{Client, ObjectKey},
    protocol::access::{AccessDenial, DeniedAccess, RefusalCause},
    telemetry::AccessDenialReason,
};

/// Counts a refused use of a client.
pub(crate) fn count_access_denial(
    context: AccountContext<'_>,
    client: &Client,
    refusal: &AccessDenial,
) {
    let reason = match refusal {
        AccessDenial::MissingFactor(_) => AccessDenialReason::Factor,
        AccessDenial::HigherLevel { .. } => AccessDenialReason::Level,
        AccessDenial::Refused(DeniedAccess { cause, .. }) => match cause {
            RefusalCause::Provider => AccessDenialReason::Provider,
            RefusalCause::Group => AccessDenialReason::Group,
            RefusalCause::Rule(_) => AccessDenialReason::Rule,
            RefusalCause::FailedRule(..) => AccessDenialReason::FailedRule,
        },
    };
    // Strangers choose the URLs of metadata documents, so all of them are one label.
    let documents = || ObjectKey::new("https:", "/");
    let object = client.is_described_by_document().then(documents);
    let object = object.as_ref().unwrap_or(&client.object);
    context.services.metrics.access_denied(context.tenant_id(), object, reason);
}
