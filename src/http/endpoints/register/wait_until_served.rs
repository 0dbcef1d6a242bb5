//! Waits until a write is served by this replica, so a response does not describe metadata that is
//! not in effect yet.

use std::{sync::Arc, time::Duration};

use crate::{
    http::{AppState, Request},
    model::{Client, ObjectKey},
    protocol::registration::client_metadata,
    registry::{RegistrationService, ServedTenant},
};

/// Limit for a write to return through the watch.
const SERVED_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of registered clients of the tenant.
pub(super) fn registered_clients(app: &AppState, request: &Request) -> usize {
    now_served(app, request)
        .and_then(|tenant| tenant.registration.as_ref().map(RegistrationService::registered))
        .unwrap_or_default()
}

/// Whether a registered client still exists.
pub(super) fn has_client(app: &AppState, request: &Request, object: &ObjectKey) -> bool {
    let tenant = now_served(app, request);
    tenant.is_some_and(|tenant| tenant.clients().any(|client| client.object == *object))
}

/// Waits until the client is served with this metadata, and with a secret if it has one.
pub(super) async fn wait_until_served(
    app: &AppState,
    request: &Request,
    expected: &Client,
) -> Option<Arc<Client>> {
    let wanted = client_metadata(expected);
    until(app, || {
        let client = Arc::clone(now_served(app, request)?.declared_client(expected.id.as_str())?);
        (client_metadata(&client) == wanted).then_some(client)
    })
    .await
}

/// Waits until the client is no longer served; returns whether that happened in time.
pub(super) async fn wait_until_removed(app: &AppState, request: &Request, client: &Client) -> bool {
    let absent = || match now_served(app, request)?.declared_client(client.id.as_str()) {
        None => Some(()),
        Some(_) => None,
    };
    until(app, absent).await.is_some()
}

fn now_served(app: &AppState, request: &Request) -> Option<Arc<ServedTenant>> {
    app.registry.snapshot().tenant(&request.tenant.tenant.id).cloned()
}

async fn until<T>(app: &AppState, found: impl Fn() -> Option<T>) -> Option<T> {
    // Subscribes first, so a snapshot between the check and the wait is not missed.
    let mut changes = app.registry.changes();
    let waiting = async {
        loop {
            if let Some(found) = found() {
                return Some(found);
            }
            changes.changed().await.ok()?;
        }
    };
    tokio::time::timeout(SERVED_TIMEOUT, waiting).await.ok().flatten()
}
