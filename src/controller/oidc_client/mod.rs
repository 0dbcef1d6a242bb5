//! Reconciles an `OidcClient`: creates, updates, renames and deletes its Secret, and deletes unused
//! registered clients.

mod applied;
mod plan;
mod shape;

use crate::{
    model::{
        AuditEvent, AuditRecord, AuditText, AuditedClient, ClientDeletion, ObjectRef, Timestamp,
    },
    registry::{ClientOutcome, Verdict},
    source::WriteError,
};

use super::{
    ControllerContext, ReconcileError, action::Action, observed::ObservedState,
    secret_writes::apply_due_writes,
};

/// Reconciles the Secret with the client's credentials: creates, updates or deletes it.
pub async fn reconcile_client_secret(
    context: &ControllerContext,
    observed: &ObservedState,
    verdict: &Verdict,
    outcome: &ClientOutcome,
) -> Result<Action, ReconcileError> {
    if let Some(at) = outcome.unused_until {
        return unused(context, observed, verdict, outcome, at).await;
    }
    keep(context, observed, verdict, outcome).await
}

/// Deletes a registered client that was not used within the tenant's `unusedLifetime`. See
/// docs/design/serving.md#dynamic-registration.
async fn unused(
    context: &ControllerContext,
    observed: &ObservedState,
    verdict: &Verdict,
    outcome: &ClientOutcome,
    at: Timestamp,
) -> Result<Action, ReconcileError> {
    if at > context.clock.now() {
        return Ok(match keep(context, observed, verdict, outcome).await? {
            Action::Nothing(None) => Action::Nothing(Some(at)),
            acted => acted,
        });
    }
    let key = &verdict.object.key;
    let version = observed.state(&verdict.object).and_then(|it| it.version);
    let done = context.source.delete_client(key, version).await;
    match done {
        Ok(()) | Err(WriteError::NotFound) => {
            report_deletion(context, observed, verdict);
            Ok(Action::Wrote)
        }
        Err(error) => Err(ReconcileError::Write {
            what: format!("delete unused OidcClient {:?}", key.name),
            error,
        }),
    }
}

/// Reports the deletion of an unused client.
fn report_deletion(context: &ControllerContext, observed: &ObservedState, verdict: &Verdict) {
    let key = &verdict.object.key;
    let served = observed.snapshot.tenants().find_map(|tenant| {
        let mut clients = tenant.clients();
        clients.find(|client| client.object == *key).map(|client| (&tenant.tenant.id, client))
    });
    let (tenant, id) = served.map(|(tenant, client)| (tenant, client.id.as_str())).unzip();
    let event = AuditEvent::ClientDeleted {
        client: AuditedClient {
            client: AuditText::new(key.to_string()),
            client_id: AuditText::new(id.unwrap_or_default()),
        },
        by: ClientDeletion::Unused,
    };
    context.audit.record(&AuditRecord { tenant, origin: None, event });
}

async fn keep(
    context: &ControllerContext,
    observed: &ObservedState,
    verdict: &Verdict,
    outcome: &ClientOutcome,
) -> Result<Action, ReconcileError> {
    let client = plan::ObservedClient::read(observed, verdict, outcome);
    apply_due_writes(context, plan::plan_client(&client, context.entropy.as_ref())).await
}

/// Deletes the Secrets of a deleted client.
pub async fn delete_secrets_of_client(
    context: &ControllerContext,
    observed: &ObservedState,
    client: &ObjectRef,
) -> Result<Action, ReconcileError> {
    apply_due_writes(context, plan::plan_orphan_deletions(observed, client)).await
}
