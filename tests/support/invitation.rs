//! Links of invitations, as the controller writes them to Secrets.

use std::sync::Arc;

use lanyard::{
    accounts::StoredInvitations,
    model::{Clock, InvitationLedger as _, ManagedKind, ObjectKey, ObjectRef, UserInvitation},
    registry::ObjectOutcome,
};

use super::app::TestApp;

/// The invitations in the store of a server.
pub fn ledger(app: &TestApp) -> StoredInvitations {
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    StoredInvitations::new(&app.app.accounts, app.app.registry.clone(), &clock)
}

/// An invited user of the namespace `default`, as the controller sees it.
pub fn invited_user(app: &TestApp, name: &str) -> UserInvitation {
    let snapshot = app.app.registry.snapshot();
    let user = ObjectRef::new(ManagedKind::OidcUser, ObjectKey::new("default", name));
    let verdict = snapshot.verdicts().get(&user).expect("a verdict");
    let ObjectOutcome::User(user) = &verdict.outcome else { panic!("a user") };
    user.invitation.as_ref().expect("an invitation").invited.clone()
}

/// A new link of a user's invitation.
pub fn invitation_link(app: &TestApp, name: &str) -> String {
    ledger(app).new_link(&invited_user(app, name)).expect("there are sealing keys")
}
