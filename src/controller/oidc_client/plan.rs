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
    world: &'a ObservedState,
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
        world: &'a ObservedState,
        verdict: &'a Verdict,
        outcome: &'a ClientOutcome,
    ) -> Self {
        let client = &verdict.object;
        let object = world.view.objects.managed.get::<OidcClient>(&client.key);
        Self {
            world,
            client,
            outcome,
            accepted: verdict.holds(ConditionType::Accepted),
            uid: object.and_then(CachedObject::uid),
            had_secret: object.is_some_and(|object| object.status_facts().names_secret),
        }
    }

    /// Secrets owned by the client, except the one of this name.
    fn others(&self, name: &str) -> impl Iterator<Item = (&ObjectKey, &CachedSecret)> {
        self.world.owned(self.client).filter(move |(key, _)| *key.name != *name)
    }
}

/// Plans the writes that give a client the Secret it needs. A client that is not accepted keeps
/// what it has, so that an invalid edit does not delete its client secret.
pub fn plan_client(seen: &ObservedClient<'_>, entropy: &dyn Entropy) -> Vec<PlannedWrite> {
    let (Some(values), true) = (seen.outcome.secret_values(), seen.accepted) else {
        return Vec::new();
    };
    match &seen.outcome.secret {
        ClientSecretPlan::None => remove(seen, ""),
        ClientSecretPlan::Referenced(key) => remove(seen, &key.name),
        ClientSecretPlan::Generated(desired) => {
            let uid = seen.uid.as_deref();
            let want = DesiredClientSecret { client: seen.client, uid, desired, values };
            ensure_secret(seen, &want, entropy)
        }
    }
}

/// Creates or updates the Secret.
fn ensure_secret(
    seen: &ObservedClient<'_>,
    want: &DesiredClientSecret<'_>,
    entropy: &dyn Entropy,
) -> Vec<PlannedWrite> {
    let signs = want.desired.shape.signs;
    let fresh = || {
        let secret = if signs { entropy.mac_key() } else { entropy.token() };
        ByteString(secret.into_bytes())
    };
    let name = &*want.desired.key.name;
    match seen.world.secret(want.key()) {
        None => {
            // A renamed Secret keeps the client secret, which applications use.
            let moved = seen
                .others(name)
                .find_map(|(key, secret)| written_client_secret(&secret.to_secret(key)));
            let again = moved.is_none() && seen.had_secret;
            let secret = want.shape(&want.new_secret(), || moved.unwrap_or_else(fresh));
            vec![PlannedWrite {
                write: SecretWrite::Create(Box::new(secret)),
                notices: again
                    .then(|| secret_recreated_event(seen, want, "was deleted"))
                    .into_iter()
                    .collect(),
            }]
        }
        Some(SecretState::Loaded(before)) => {
            // A foreign Secret is reported by the condition. A Secret that is being deleted is
            // created again afterwards.
            if !owner::is_owner(seen.client, before) || before.is_deleting() {
                return Vec::new();
            }
            let mut was_missing = false;
            let before = before.to_secret(want.key());
            let secret = want.shape(&before, || {
                was_missing = true;
                fresh()
            });
            if secret == before {
                return remove(seen, name);
            }
            vec![PlannedWrite {
                write: SecretWrite::Replace(Box::new(secret)),
                notices: was_missing
                    .then(|| secret_recreated_event(seen, want, "had no client secret"))
                    .into_iter()
                    .collect(),
            }]
        }
        Some(SecretState::Unreadable(_)) => Vec::new(),
    }
}

/// Deletes the client's other Secrets, once the client is served with the new one.
fn remove(seen: &ObservedClient<'_>, but: &str) -> Vec<PlannedWrite> {
    if !seen.outcome.served {
        return Vec::new();
    }
    deletions(seen.others(but))
}

/// Deletes all Secrets of a deleted client.
pub fn plan_orphan_deletions(world: &ObservedState, client: &ObjectRef) -> Vec<PlannedWrite> {
    deletions(world.owned(client))
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
    seen: &ObservedClient<'_>,
    want: &DesiredClientSecret<'_>,
    what: &str,
) -> EventRecord {
    EventRecord {
        object: seen.client.clone(),
        reason: EventReason::SecretRecreated,
        message: format!(
            "Secret {:?} {what}; created a new client secret. Restart applications that do not watch the Secret",
            want.desired.key.name
        ),
    }
}
