//! The condition `Reachable` of clients that ServiceAccounts authenticate: whether the API server gives the
//! keys of their tokens. The Lease holder asks; each replica asks for itself when it needs the keys.

use std::{collections::HashMap, convert::Infallible, future::pending, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{ControllerContext, observed::ObservedState};
use crate::{
    api::{ConditionReason, OidcClient},
    model::{ClusterTokenError, ClusterTokenState, ObjectKey},
    registry::{ClientFederation, ObjectOutcome, Verdict},
};

/// Interval between two questions to the API server.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long changes of the clients are collected.
const DEBOUNCE: Duration = Duration::from_secs(1);

/// Checks the keys of the cluster's tokens regularly, until the future is dropped.
pub(super) async fn watch_cluster_keys(context: &ControllerContext) -> Infallible {
    let Some(probe) = context.cluster_tokens.clone() else { return pending().await };
    let mut snapshots = context.registry.changes();
    loop {
        snapshots.mark_unchanged();
        let clients = federated_clients(context);
        if let Some(clients) = clients.filter(|clients| !clients.is_empty()) {
            let state = probe.state(context.clock.now()).await;
            let reasons = clients.into_iter().filter_map(|(key, federation)| {
                Some((key, federation_reason(&federation, &state)?))
            });
            context.federation.replace(reasons.collect());
        } else {
            context.federation.replace(HashMap::new());
        }
        let again = Instant::now() + INTERVAL;
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return pending().await;
                }
                sleep(DEBOUNCE).await;
            }
            () = sleep_until(again) => {}
        }
    }
}

/// The clients with federated credentials; `None` before the objects are known.
fn federated_clients(context: &ControllerContext) -> Option<Vec<(ObjectKey, ClientFederation)>> {
    let view = context.source.views().borrow().clone();
    let observed = ObservedState::new(view, context.registry.snapshot());
    if !observed.is_known() {
        return None;
    }
    let verdicts = observed.snapshot.verdicts().iter();
    let clients = verdicts.filter_map(|verdict| match &verdict.outcome {
        ObjectOutcome::Client(client) if !client.federation.is_empty() => {
            Some((verdict.object.key.clone(), client.federation.clone()))
        }
        _ => None,
    });
    Some(clients.collect())
}

/// The reason of the condition of a client; `None` without the condition.
fn federation_reason(
    federation: &ClientFederation,
    state: &ClusterTokenState,
) -> Option<ConditionReason> {
    let cluster = state.issuer.as_deref();
    if federation.issuers.iter().any(|issuer| cluster == Some(&**issuer)) {
        return Some(ConditionReason::ClusterIssuer);
    }
    federation.has_service_accounts.then_some(match &state.error {
        None => ConditionReason::Reachable,
        Some(ClusterTokenError::Forbidden(_)) => ConditionReason::ClusterKeysForbidden,
        Some(_) => ConditionReason::ClusterKeysUnavailable,
    })
}

/// The reason of the condition `Reachable` for a client's verdict. It is the conclusion. Before the first
/// conclusion it is the reason in the status.
pub(super) fn client_reachable_reason(
    context: &ControllerContext,
    observed: &ObservedState,
    verdict: &Verdict,
) -> Option<ConditionReason> {
    let ObjectOutcome::Client(client) = &verdict.outcome else { return None };
    if context.cluster_tokens.is_none() || client.federation.is_empty() {
        return None;
    }
    let key = &verdict.object.key;
    let cached = observed.view.objects.managed.get::<OidcClient>(key);
    let shown = || cached.and_then(|cached| cached.status_facts().reachable);
    let may_be_shown = |reason: &ConditionReason| {
        client.federation.has_service_accounts || *reason == ConditionReason::ClusterIssuer
    };
    context.federation.reason(key).or_else(|| shown().filter(may_be_shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_follows_from_the_issuers_and_the_keys() {
        let state =
            |error| ClusterTokenState { issuer: Some("https://cluster.test".into()), error };
        let federation = |has_service_accounts, issuers: &[&str]| ClientFederation {
            has_service_accounts,
            issuers: issuers.iter().map(|it| (*it).into()).collect(),
        };
        let late = || Some(ClusterTokenError::Unavailable("late".to_owned()));
        let forbidden = || Some(ClusterTokenError::Forbidden("read"));
        for (has_service_accounts, issuers, error, expected) in [
            (true, &["https://ci.test"][..], None, Some(ConditionReason::Reachable)),
            (true, &[], late(), Some(ConditionReason::ClusterKeysUnavailable)),
            (true, &[], forbidden(), Some(ConditionReason::ClusterKeysForbidden)),
            (false, &["https://ci.test"], late(), None),
            (false, &["https://cluster.test"], late(), Some(ConditionReason::ClusterIssuer)),
            (true, &["https://cluster.test"], None, Some(ConditionReason::ClusterIssuer)),
        ] {
            let found =
                federation_reason(&federation(has_service_accounts, issuers), &state(error));
            assert_eq!(found, expected, "{issuers:?}");
        }
    }
}
