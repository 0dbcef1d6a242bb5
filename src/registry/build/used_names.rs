//! The usernames, subjects and identities of the users of one tenant, which are unique.

use std::collections::{HashMap, HashSet};

use crate::{
    api::ConditionReason,
    model::{Account, ClientId, DeclaredIdentity, ObjectKey, Subject},
    registry::validate::ProblemList,
};

/// The names of the users validated so far, which are older.
pub(super) struct UsedNames<'a> {
    usernames: HashMap<String, &'a ObjectKey>,
    subjects: HashMap<Subject, &'a ObjectKey>,
    identities: HashMap<DeclaredIdentity, &'a ObjectKey>,
    /// The names that applications know, of accepted users.
    shown: HashMap<String, &'a ObjectKey>,
    client_ids: &'a HashSet<ClientId>,
}

impl<'a> UsedNames<'a> {
    pub(super) fn new(client_ids: &'a HashSet<ClientId>) -> Self {
        Self {
            usernames: HashMap::new(),
            subjects: HashMap::new(),
            identities: HashMap::new(),
            shown: HashMap::new(),
            client_ids,
        }
    }

    /// Claims username and subject for a user, or reports the conflict.
    pub(super) fn take(
        &mut self,
        problems: &mut ProblemList,
        key: &'a ObjectKey,
        username: &str,
        subject: &Subject,
    ) {
        let before = problems.len();
        if let Some(holder) = self.usernames.get(username) {
            let message = format!(
                "username is already used by OidcUser \"{holder}\" (case is ignored); it cannot be changed: delete this object, and create it with a different username"
            );
            problems.add_refusal(ConditionReason::UsernameConflict, "spec.username", message);
        }
        if let Some(holder) = self.subjects.get(subject) {
            let message = format!(
                "subject \"{subject}\" is already used by OidcUser \"{holder}\"; it cannot be changed: delete this object, and create it with a different subject"
            );
            problems.add_refusal(ConditionReason::SubjectConflict, "spec.subject", message);
        }
        if self.client_ids.contains(subject.as_str()) {
            // Otherwise a token that the client requests for itself could be mistaken for the
            // user's.
            let message = format!(
                "subject \"{subject}\" is the client ID of a client of this tenant; it cannot be changed: delete this object, and create it with a different subject"
            );
            problems.add_refusal(ConditionReason::SubjectConflict, "spec.subject", message);
        }
        if problems.len() == before {
            self.usernames.insert(username.to_owned(), key);
            self.subjects.insert(subject.clone(), key);
        }
    }

    /// Claims the people of providers for a user, or reports the conflict.
    pub(super) fn take_identities(
        &mut self,
        problems: &mut ProblemList,
        key: &'a ObjectKey,
        identities: &[DeclaredIdentity],
    ) {
        for (index, identity) in identities.iter().enumerate() {
            let holder = *self.identities.entry(identity.clone()).or_insert(key);
            if holder != key {
                let DeclaredIdentity { provider, subject } = identity;
                let message = format!(
                    "OidcUser \"{holder}\" names the person {subject:?} of the provider {provider:?} already; remove it from one of them"
                );
                let field = format!("spec.identities[{index}]");
                problems.add_refusal(ConditionReason::SubjectConflict, field, message);
            }
        }
    }

    /// Warns of a name that applications know another user by. Usernames are unique.
    pub(super) fn warn_of_shared_name(
        &mut self,
        problems: &mut ProblemList,
        key: &'a ObjectKey,
        user: &Account,
    ) {
        let preferred = user.preferred_username().unwrap_or_default();
        let own = [("spec.username", &user.username), ("spec.preferredUsername", &preferred)];
        for (field, name) in own {
            let holder = *self.shown.entry(name.clone()).or_insert(key);
            if holder != key {
                let message = format!(
                    "applications may take this user for OidcUser \"{holder}\", which has the name {name:?} too (username or preferredUsername, case is ignored); set another preferredUsername in one of them"
                );
                problems.warn(ConditionReason::PreferredUsernameShared, field, message);
            }
        }
    }
}
