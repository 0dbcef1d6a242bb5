//! Plans the writes for the Secret of an invitation. The ledger makes the links, which are sealed.

use k8s_openapi::{ByteString, api::core::v1::Secret};

use super::super::{
    observed::ObservedState,
    secret_writes::{PlannedWrite, SecretWrite},
};
use crate::{
    api::{CachedSecret, SecretState, invitation_secret, owner},
    keys::KeyEntries,
    model::{InvitationLedger, ObjectKey, ObjectRef, UserInvitation},
    registry::InvitationState,
};

/// The entry with the link.
const URL_ENTRY: &str = "url";

/// The writes that are due, and the state of the invitation without them.
pub(super) struct InvitationPlan {
    pub(super) writes: Vec<PlannedWrite>,
    pub(super) state: InvitationState,
}

/// Plans the Secret with the link of an invitation that can be used. `user` has its UID, if it has one.
pub(super) fn plan_link(
    observed: &ObservedState,
    (user, uid): (&ObjectRef, Option<&str>),
    invited: &UserInvitation,
    ledger: &dyn InvitationLedger,
) -> InvitationPlan {
    let key = invitation_secret(&user.key);
    let state = |state| InvitationPlan { writes: Vec::new(), state };
    let before = match observed.secret(&key) {
        None => None,
        // A Secret that is being deleted is created again afterwards.
        Some(SecretState::Loaded(secret)) if secret.is_deleting() => {
            return state(InvitationState::Pending);
        }
        Some(SecretState::Loaded(secret)) if owner::is_owner(user, secret) => Some(secret),
        Some(SecretState::Loaded(_)) => return state(InvitationState::NotOwned),
        Some(SecretState::Unreadable(_)) => return state(InvitationState::Pending),
    };
    if before.is_some_and(|secret| has_link(secret, invited, ledger)) {
        return state(InvitationState::Ready);
    }
    let Some(link) = ledger.new_link(invited) else { return state(InvitationState::Pending) };
    let owner = owner::owner_annotation(user.kind.as_str(), &user.key.name);
    let mut secret = before.map_or_else(
        || Secret {
            metadata: owner::owned_metadata(&key, &owner),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        },
        |secret| secret.to_secret(&key),
    );
    owner::set_owner_reference(&mut secret.metadata, user, uid);
    secret.data = Some(KeyEntries::from([(URL_ENTRY.to_owned(), ByteString(link.into_bytes()))]));
    let secret = Box::new(secret);
    let write =
        if before.is_some() { SecretWrite::Replace(secret) } else { SecretWrite::Create(secret) };
    InvitationPlan { writes: vec![write.into()], state: InvitationState::Pending }
}

fn has_link(
    secret: &CachedSecret,
    invited: &UserInvitation,
    ledger: &dyn InvitationLedger,
) -> bool {
    let link = secret.entry(URL_ENTRY).and_then(|bytes| std::str::from_utf8(bytes).ok());
    link.is_some_and(|link| ledger.is_link(invited, link))
}

/// Deletes the Secrets of a user who has no invitation that can be used.
pub(super) fn plan_removal(observed: &ObservedState, user: &ObjectRef) -> Vec<PlannedWrite> {
    let there = observed.owned(user).filter(|(_, secret)| !secret.is_deleting());
    there.map(|(key, secret)| deletion(key, secret)).collect()
}

fn deletion(key: &ObjectKey, secret: &CachedSecret) -> PlannedWrite {
    let version = secret.version().unwrap_or_default().to_owned();
    SecretWrite::Delete(key.clone(), version).into()
}
