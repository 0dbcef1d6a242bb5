//! The sources of people of one tenant, the oldest first. Applications merge accounts by e-mail address and
//! by the names of groups, so a younger source may not speak for the people of an older one.

use std::{collections::HashMap, sync::Arc};

use super::users::{LocalPerson, ServedAccount};
use crate::{
    api::ConditionReason,
    model::{AccountSource, ManagedKind, ObjectKey, SubjectStrategy, Timestamp},
    protocol::identity_provider::{
        GroupMapping, IdentityProvider, ProviderSource, TENANT_PLACEHOLDER,
    },
    registry::{
        ObjectOutcome, UserOutcome, ValidationProblem, Verdict, validate::ProviderFindings,
    },
};

const USERNAME_PREFIX: &str = "spec.claimMappings.username.prefix";
const GROUPS: &str = "spec.claimMappings.groups";
const EMAIL_DOMAINS: &str = "spec.emailDomains";

/// The accepted sources so far.
#[derive(Debug)]
pub(super) struct AcceptedSources<'a> {
    /// The oldest user with a password.
    local: Option<&'a LocalPerson>,
    providers: Vec<AcceptedProvider>,
}

#[derive(Debug)]
struct AcceptedProvider {
    claims: SourceClaims,
    created: Option<Timestamp>,
}

/// A provider with the names that it may give.
#[derive(Debug)]
struct SourceClaims {
    provider: IdentityProvider,
    /// The beginnings of the groups that it may name without listing them.
    groups: Vec<String>,
    /// The names under which it makes subjects, each with the authority that says who its people are; `None`
    /// for a directory, which no name stands for.
    subjects: Vec<(String, Option<String>)>,
}

impl SourceClaims {
    fn of(provider: &IdentityProvider) -> Self {
        Self {
            groups: open_groups(&provider.mappings.groups),
            subjects: subject_names(provider),
            provider: provider.clone(),
        }
    }
}

impl<'a> AcceptedSources<'a> {
    /// No providers yet.
    pub(super) fn of_users(local: &'a [LocalPerson]) -> Self {
        Self { local: local.iter().min_by_key(|person| person.created), providers: Vec::new() }
    }

    /// Refuses a provider that could speak for the people of an older source.
    pub(super) fn check(&self, found: &mut ProviderFindings, created: Option<Timestamp>) {
        let Some(checked) = &found.checked else { return };
        let mut refused = Vec::new();
        if let Some(older) = self.older(created) {
            let own = unbounded_claims(checked).into_iter().map(|(field, remedy)| {
                (field, format!("the tenant has an older source of people, {older}; {remedy}"))
            });
            refused.extend(own);
        }
        let claims = SourceClaims::of(checked);
        let others = self.providers.iter().flat_map(|older| conflicts(&older.claims, &claims));
        refused.extend(others);
        for (field, message) in refused {
            found.problems.refuse(ConditionReason::AmbiguousSource, field, message);
        }
    }

    /// Adds a provider, unless it is refused. Providers come by age.
    pub(super) fn add(&mut self, found: &ProviderFindings, created: Option<Timestamp>) {
        if let Some(checked) = found.checked.as_ref().filter(|_| !found.problems.refused()) {
            self.providers.push(AcceptedProvider { claims: SourceClaims::of(checked), created });
        }
    }

    /// The oldest source, if one is older than a provider. A user of the same age goes first.
    fn older(&self, created: Option<Timestamp>) -> Option<String> {
        let local = self.local.filter(|person| person.created <= created);
        let provider = self.providers.first();
        let provider =
            provider.map(|it| format!("IdentityProvider \"{}\"", it.claims.provider.object));
        provider.or_else(|| Some(format!("OidcUser \"{}\" with a password", local?.key)))
    }

    /// Refuses users with passwords for whom an older provider could speak.
    pub(super) fn refuse_younger_users(
        &self,
        local: &[LocalPerson],
        verdicts: &mut [Arc<Verdict>],
        served: &mut Vec<ServedAccount>,
    ) {
        let is_open = |it: &&AcceptedProvider| !unbounded_claims(&it.claims.provider).is_empty();
        let Some(open) = self.providers.iter().find(is_open) else { return };
        let younger = local.iter().filter(|person| person.created > open.created);
        let refused: HashMap<&ObjectKey, ValidationProblem> =
            younger.map(|person| (&person.key, speaks_for_users(&open.claims.provider))).collect();
        let users = verdicts.iter_mut().filter(|it| it.object.is(ManagedKind::OidcUser));
        for verdict in users {
            if let Some(problem) = refused.get(&verdict.object.key) {
                let verdict = Arc::make_mut(verdict);
                // Those of `Accepted` go first.
                verdict.problems.insert(0, problem.clone());
                let outcome = UserOutcome { subject: None, served: false };
                verdict.outcome = ObjectOutcome::User(outcome);
            }
        }
        served.retain(|(account, _)| match &account.source {
            AccountSource::Resource(key) => !refused.contains_key(key),
            AccountSource::Provider(_) | AccountSource::Declared { .. } => true,
        });
    }
}

fn speaks_for_users(provider: &IdentityProvider) -> ValidationProblem {
    let fields: Vec<&str> =
        unbounded_claims(provider).into_iter().map(|(field, _)| field).collect();
    let message = format!(
        "IdentityProvider \"{}\" is older and could give its people the name, address and groups of this user; limit its {}, or remove passwordSecretRef",
        provider.object,
        fields.join(", ")
    );
    let field = "spec.passwordSecretRef";
    ValidationProblem::accepted(ConditionReason::AmbiguousSource, field, message)
}

/// The fields by which a provider could speak for people of other sources, and what to do.
fn unbounded_claims(provider: &IdentityProvider) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    if provider.mappings.email.is_some() && provider.email_domains.is_empty() {
        let remedy = "list the domains of this provider's e-mail addresses, or set claimMappings.email.claim to \"\"";
        found.push((EMAIL_DOMAINS, remedy));
    }
    // An expression makes names of its own.
    let username = &provider.mappings.username;
    if username.prefix.is_empty() && username.value.claim().is_some() {
        let remedy = "set a prefix, so that no username of one is a username of another";
        found.push((USERNAME_PREFIX, remedy));
    }
    if open_groups(&provider.mappings.groups).iter().any(String::is_empty) {
        let remedy = "set a prefix, or list the groups in include, so that no provider can name the groups of another";
        found.push((GROUPS, remedy));
    }
    found
}

fn open_groups(groups: &GroupMapping) -> Vec<String> {
    if groups.include.is_empty() {
        return vec![groups.prefix.clone()];
    }
    let patterns = groups.include.iter().filter_map(|pattern| pattern.split_once('*'));
    patterns.map(|(beginning, _)| format!("{}{beginning}", groups.prefix)).collect()
}

/// The fields by which a provider could speak for the people of an older one.
fn conflicts(old_claims: &SourceClaims, new_claims: &SourceClaims) -> Vec<(&'static str, String)> {
    let [older, younger] = [&old_claims.provider, &new_claims.provider];
    let mut found = Vec::new();
    let of = || format!("IdentityProvider \"{}\", which is older,", older.object);
    let [old, new] = [older, younger].map(|it| it.mappings.username.prefix.as_str());
    if overlap(old, new) {
        let message = format!(
            "{} has the prefix {old:?}, so usernames of one could be usernames of the other; choose another, and let neither begin with the other",
            of()
        );
        found.push((USERNAME_PREFIX, message));
    }
    let [old, new] = [old_claims, new_claims].map(|it| it.groups.as_slice());
    let shared = old.iter().find(|old| new.iter().any(|new| overlap(old, new)));
    if let Some(shared) = shared {
        let message = format!(
            "{} names all groups that begin with {shared:?}, which could be groups of both; choose another prefix, or list the groups in include",
            of()
        );
        found.push((GROUPS, message));
    }
    let gives_addresses = older.mappings.email.is_some() && younger.mappings.email.is_some();
    let domain = younger.email_domains.iter().find(|it| older.email_domains.contains(it));
    if let Some(domain) = domain.filter(|_| gives_addresses) {
        let message = format!(
            "{} has the domain {domain:?}; leave it to one of them, or set claimMappings.email.claim to \"\"",
            of()
        );
        found.push((EMAIL_DOMAINS, message));
    }
    if let Some(name) = shared_subjects(old_claims, new_claims) {
        let (field, remedy) = match younger.subject.strategy {
            SubjectStrategy::Dex => ("spec.subject.connectorId", "set that of its own connector"),
            SubjectStrategy::Computed | SubjectStrategy::Upstream => {
                ("spec.identityKey", "remove it, or choose another")
            }
        };
        let message = format!("{} makes its subjects by {name:?} too; {remedy}", of());
        found.push((field, message));
    }
    found
}

/// Whether texts with one beginning can have the other. An empty one is judged alone.
fn overlap(one: &str, other: &str) -> bool {
    !one.is_empty() && !other.is_empty() && (one.starts_with(other) || other.starts_with(one))
}

/// The name under which both make subjects, though their people are those of different authorities.
fn shared_subjects<'c>(older: &SourceClaims, younger: &'c SourceClaims) -> Option<&'c str> {
    let [old, new] = [older, younger].map(|it| &it.provider.subject);
    let is_dex = old.strategy == SubjectStrategy::Dex;
    if old.strategy != new.strategy
        || old.strategy == SubjectStrategy::Upstream
        || (!is_dex && old.claim != new.claim)
    {
        return None;
    }
    let differs = |(name, authority): &&(String, Option<String>)| {
        let mut same = older.subjects.iter().filter(|(other, _)| other == name);
        same.any(|(_, other)| other.is_none() || other != authority)
    };
    younger.subjects.iter().find(differs).map(|(name, _)| name.as_str())
}

fn subject_names(provider: &IdentityProvider) -> Vec<(String, Option<String>)> {
    let key = match provider.subject.strategy {
        SubjectStrategy::Dex => &provider.subject.connector_id,
        SubjectStrategy::Computed | SubjectStrategy::Upstream => &provider.identity_key,
    };
    match &provider.source {
        ProviderSource::Oidc(oidc) if !oidc.tenant_ids.is_empty() => {
            let of = |id: &String| {
                let with_id = |text: &str| text.replace(TENANT_PLACEHOLDER, id);
                (with_id(key), Some(with_id(&oidc.issuer)))
            };
            oidc.tenant_ids.iter().map(of).collect()
        }
        ProviderSource::Oidc(oidc) => vec![(key.clone(), Some(oidc.issuer.clone()))],
        ProviderSource::GitHub(github) => vec![(key.clone(), Some(github.host.clone()))],
        ProviderSource::Ldap(_) => vec![(key.clone(), None)],
    }
}
