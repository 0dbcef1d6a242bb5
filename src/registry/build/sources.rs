//! The sources of people of one tenant, the oldest first. Applications merge accounts by e-mail address and by the
//! names of groups. A younger source therefore may not speak for the people of an older one, and some properties
//! may belong to one provider only.

use std::{collections::HashMap, sync::Arc};

use super::{
    assignable_names::{AssignableNames, SourceProblem},
    users::{LocalSignIn, LocalUser, ServedAccount},
};
use crate::{
    api::ConditionReason,
    model::{AccountSource, ManagedKind, ObjectKey, Timestamp},
    registry::{
        ObjectOutcome, ReservedNames, UserNames, UserOutcome, ValidationProblem, Verdict,
        validate::ProviderFindings,
    },
};

/// The sources so far, accepted or not.
#[derive(Debug)]
pub(super) struct PeopleSources<'a> {
    /// The oldest user with a password.
    local: Option<&'a LocalUser>,
    providers: Vec<(AssignableNames, Option<Timestamp>)>,
}

impl<'a> PeopleSources<'a> {
    /// The sources without any provider: only the users who can sign in here.
    pub(super) fn of_users(local: &'a [LocalUser]) -> Self {
        Self { local: local.iter().min_by_key(|person| person.created), providers: Vec::new() }
    }

    /// Adds a provider, and refuses it if it could speak for the people of an older source. Providers are added
    /// oldest first. A refused provider also restricts younger ones: otherwise a mistake in it would let a younger
    /// provider speak for its people.
    pub(super) fn add(
        &mut self,
        object: &ObjectKey,
        found: &mut ProviderFindings,
        created: Option<Timestamp>,
    ) {
        let claims = AssignableNames::of(object, &found.naming, &found.problems);
        if found.checked.is_some() {
            for (reason, field, message) in self.problems_of(&claims, created) {
                found.problems.add_refusal(reason, field, message);
            }
        }
        self.providers.push((claims, created));
    }

    fn problems_of(&self, new: &AssignableNames, created: Option<Timestamp>) -> Vec<SourceProblem> {
        let older = self.older(created);
        let open = older.iter().flat_map(|older| {
            new.unbounded.iter().map(move |(field, remedy)| {
                let message =
                    format!("the tenant has an older source of people, {older}; {remedy}");
                (ConditionReason::AmbiguousSource, *field, message)
            })
        });
        let others = self.providers.iter().flat_map(|(older, _)| older.conflicts(new));
        open.chain(others).collect()
    }

    /// The oldest source, if one is older than a provider. A user of the same age goes first.
    fn older(&self, created: Option<Timestamp>) -> Option<String> {
        let local = self.local.filter(|person| person.created <= created);
        let provider = self.providers.first();
        let provider = provider.map(|(it, _)| format!("IdentityProvider \"{}\"", it.object));
        provider.or_else(|| Some(format!("OidcUser \"{}\" with a password", local?.key)))
    }

    /// Refuses users with passwords for whom an older provider could speak.
    pub(super) fn refuse_younger_users(
        &self,
        local: &[LocalUser],
        verdicts: &mut [Arc<Verdict>],
        (served, reserved): (&mut Vec<ServedAccount>, &mut ReservedNames),
    ) {
        let is_open = |(claims, _): &&(AssignableNames, _)| !claims.unbounded.is_empty();
        let Some((open, created)) = self.providers.iter().find(is_open) else { return };
        let younger = local.iter().filter(|it| it.accepted && it.created > *created);
        let refused: HashMap<&ObjectKey, ValidationProblem> =
            younger.map(|person| (&person.key, find_ambiguous_user_source(open, person))).collect();
        let users = verdicts.iter_mut().filter(|it| it.object.is(ManagedKind::OidcUser));
        for verdict in users {
            if let Some(problem) = refused.get(&verdict.object.key) {
                let verdict = Arc::make_mut(verdict);
                // Those of `Accepted` go first.
                verdict.problems.insert(0, problem.clone());
                let outcome = UserOutcome { subject: None, invitation: None, served: false };
                verdict.outcome = ObjectOutcome::User(outcome);
            }
        }
        served.retain(|(account, _)| match &account.source {
            AccountSource::Resource(key) if refused.contains_key(key) => {
                reserved.reserve_user(key, UserNames::of(account));
                false
            }
            AccountSource::Resource(_)
            | AccountSource::Provider(_)
            | AccountSource::Declared { .. } => true,
        });
    }
}

fn find_ambiguous_user_source(provider: &AssignableNames, person: &LocalUser) -> ValidationProblem {
    let fields: Vec<&str> = provider.unbounded.iter().map(|(field, _)| *field).collect();
    let (field, remedy) = match person.sign_in {
        LocalSignIn::ChosenPassword => {
            ("spec.tenantRef", "set authenticators.passwords of the Tenant to Disabled")
        }
        LocalSignIn::Passkey => {
            ("spec.tenantRef", "set authenticators.passkeys of the Tenant to Disabled")
        }
        LocalSignIn::SecretPassword => ("spec.passwordSecretRef", "remove passwordSecretRef"),
    };
    let message = format!(
        "IdentityProvider \"{}\" is older and could give its people the name, address and groups of this user; limit its {}, or {remedy}",
        provider.object,
        fields.join(", ")
    );
    ValidationProblem::accepted(ConditionReason::AmbiguousSource, field, message)
}
