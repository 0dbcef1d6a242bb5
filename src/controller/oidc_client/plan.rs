//! Plans the writes for a client's Secret. Pure: randomness is an argument.

use k8s_openapi::ByteString;

use crate::{
    api::{CachedObject, CachedSecret, ConditionType, EventReason, OidcClient, SecretState, owner},
    model::{Entropy, ObjectKey, ObjectRef},
    registry::{ClientOutcome, ClientSecretPlan, Verdict},
    source::EventRecord,
};

use super::{
    super::{
        observed::ObservedState,
        secret_writes::{PlannedWrite, SecretWrite},
    },
    shape::{DesiredClientSecret, written_client_secret},
};

/// A client and its Secrets.
#[derive(Debug)]
pub struct ObservedClient<'a> {
    state: &'a ObservedState,
    client: &'a ObjectRef,
    outcome: &'a ClientOutcome,
    accepted: bool,
    uid: Option<String>,
    /// Whether the status names the Secret that the client needs.
    had_secret: bool,
}

impl<'a> ObservedClient<'a> {
    /// Collects what the observed state contains about the client.
    pub fn read(
        observed: &'a ObservedState,
        verdict: &'a Verdict,
        outcome: &'a ClientOutcome,
    ) -> Self {
        let client = &verdict.object;
        let object = observed.view.objects.managed.get::<OidcClient>(&client.key);
        Self {
            state: observed,
            client,
            outcome,
            accepted: verdict.holds(ConditionType::Accepted),
            uid: object.and_then(CachedObject::uid),
            had_secret: object.is_some_and(|object| object.status_facts().names_secret),
        }
    }

    /// Secrets owned by the client, except the one of this name.
    fn others(&self, name: &str) -> impl Iterator<Item = (&ObjectKey, &CachedSecret)> {
        self.state.owned(self.client).filter(move |(key, _)| *key.name != *name)
    }
}

/// Plans the writes that give a client the Secret it needs. A client that is not accepted keeps
/// what it has, so that an invalid edit does not delete its client secret.
pub fn plan_client(observed: &ObservedClient<'_>, entropy: &dyn Entropy) -> Vec<PlannedWrite> {
    let (Some(values), true) = (observed.outcome.secret_values(), observed.accepted) else {
        return Vec::new();
    };
    match &observed.outcome.secret {
        ClientSecretPlan::None => remove(observed, ""),
        ClientSecretPlan::Referenced(key) => remove(observed, &key.name),
        ClientSecretPlan::Generated(desired) => {
            let uid = observed.uid.as_deref();
            let desired =
                DesiredClientSecret { client: observed.client, uid, secret: desired, values };
            ensure_secret(observed, &desired, entropy)
        }
    }
}

/// Creates or updates the Secret.
fn ensure_secret(
    observed: &ObservedClient<'_>,
    desired: &DesiredClientSecret<'_>,
    entropy: &dyn Entropy,
) -> Vec<PlannedWrite> {
    let signs = desired.secret.shape.signs;
    let new_client_secret = || {
        let secret = if signs { entropy.mac_key() } else { entropy.token() };
        ByteString(secret.into_bytes())
    };
    let name = &*desired.secret.key.name;
    match observed.state.secret(desired.key()) {
        None => {
            // A renamed Secret keeps the client secret, which applications use.
            let moved = observed
                .others(name)
                .find_map(|(key, secret)| written_client_secret(&secret.to_secret(key)));
            let again = moved.is_none() && observed.had_secret;
            let secret =
                desired.shape(&desired.new_secret(), || moved.unwrap_or_else(new_client_secret));
            vec![PlannedWrite {
                write: SecretWrite::Create(Box::new(secret)),
                notices: again
                    .then(|| secret_recreated_event(observed, desired, "was deleted"))
                    .into_iter()
                    .collect(),
            }]
        }
        Some(SecretState::Loaded(before)) => {
            // A foreign Secret is reported by the condition. A Secret that is being deleted is
            // created again afterwards.
            if !owner::is_owner(observed.client, before) || before.is_deleting() {
                return Vec::new();
            }
            let mut was_missing = false;
            let before = before.to_secret(desired.key());
            let secret = desired.shape(&before, || {
                was_missing = true;
                new_client_secret()
            });
            if secret == before {
                return remove(observed, name);
            }
            vec![PlannedWrite {
                write: SecretWrite::Replace(Box::new(secret)),
                notices: was_missing
                    .then(|| secret_recreated_event(observed, desired, "had no client secret"))
                    .into_iter()
                    .collect(),
            }]
        }
        Some(SecretState::Unreadable(_)) => Vec::new(),
    }
}

/// Deletes the client's other Secrets, once the client is served with the new one.
fn remove(observed: &ObservedClient<'_>, but: &str) -> Vec<PlannedWrite> {
    if !observed.outcome.served {
        return Vec::new();
    }
    deletions(observed.others(but))
}

/// Deletes all Secrets of a deleted client.
pub fn plan_orphan_deletions(observed: &ObservedState, client: &ObjectRef) -> Vec<PlannedWrite> {
    deletions(observed.owned(client))
}

fn deletions<'a>(
    secrets: impl Iterator<Item = (&'a ObjectKey, &'a CachedSecret)>,
) -> Vec<PlannedWrite> {
    secrets
        .filter(|(_, secret)| !secret.is_deleting())
        .map(|(key, secret)| {
            let version = secret.version().unwrap_or_default().to_owned();
            SecretWrite::Delete(key.clone(), version).into()
        })
        .collect()
}

fn secret_recreated_event(
    observed: &ObservedClient<'_>,
    desired: &DesiredClientSecret<'_>,
    what: &str,
) -> EventRecord {
    EventRecord {
        object: observed.client.clone(),
        reason: EventReason::SecretRecreated,
        message: format!(
            "Secret {:?} {what}; created a new client secret. Restart applications that do not watch the Secret",
            desired.secret.key.name
        ),
    }
}
