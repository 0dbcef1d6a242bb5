//! Seeing what was written come into force on this replica: an answer tells nothing that is not
//! served yet.

use std::{sync::Arc, time::Duration};

use crate::{
    http::{AppState, Request},
    model::Client,
    protocol::registration::metadata,
    registry::{RegistrationService, ServedTenant},
};

/// How long a write may take to come back by the watch.
const SERVED_TIMEOUT: Duration = Duration::from_secs(5);

/// How many clients of the tenant have registered by now.
pub(super) fn registered(app: &AppState, request: &Request) -> usize {
    now_served(app, request)
        .and_then(|tenant| tenant.registration.as_ref().map(RegistrationService::registered))
        .unwrap_or_default()
}

/// Waits until a client is served with this metadata, and with a secret if it has one.
pub(super) async fn served(
    app: &AppState,
    request: &Request,
    expected: &Client,
) -> Option<Arc<Client>> {
    let wanted = metadata(expected);
    until(app, || {
        let client = Arc::clone(now_served(app, request)?.client(expected.id.as_str())?);
        (metadata(&client) == wanted).then_some(client)
    })
    .await
}

/// Waits until a client is served no more; whether that came about.
pub(super) async fn gone(app: &AppState, request: &Request, client: &Client) -> bool {
    let absent = || match now_served(app, request)?.client(client.id.as_str()) {
        None => Some(()),
        Some(_) => None,
    };
    until(app, absent).await.is_some()
}

fn now_served(app: &AppState, request: &Request) -> Option<Arc<ServedTenant>> {
    app.registry.snapshot().tenant(&request.tenant.tenant.id).cloned()
}

async fn until<T>(app: &AppState, found: impl Fn() -> Option<T>) -> Option<T> {
    // Subscribed first: a snapshot between looking and waiting is not missed.
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
