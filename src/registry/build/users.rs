//! The users of one tenant: conflicts of usernames and subjects, and the password of each.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::members::{GroupMember, ParsedObjects, TenantContext, TenantGroup};
use crate::{
    api::{ConditionReason, ConditionType, IdentitySpec, OidcUser, SecretKeyRef},
    identity::parse_stored_password,
    model::{
        Account, ClientId, Installation, InvitationDelivery, InvitedUser, ObjectKey, PasswordState,
        StoredPassword, Subject, Timestamp,
    },
    registry::{
        InvitationOutcome, InvitationState, ObjectOutcome, UserOutcome, ValidationProblem, Verdict,
        invitation::judge_invitation,
        precedence::Precedence,
        secrets::{EntryReference, parsed_entry},
        validate::{self, ProblemList, UserFindings},
    },
};

/// Default entry of a password Secret.
const DEFAULT_ENTRY: &str = "password";

/// The users of a group, each validated alone.
pub(super) struct ParsedUsers<'a>(Vec<(ParsedObjects<'a, OidcUser>, UserFindings)>);

impl<'a> ParsedUsers<'a> {
    pub(super) fn of(group: &'a TenantGroup<'_>, installation: &Installation) -> Self {
        let users = group.users.iter().map(ParsedObjects::of).map(|user| {
            let found = validate::validate_user(&user.raw, user.member.key, installation.dev);
            (user, found)
        });
        Self(users.collect())
    }

    /// The subjects that the users claim.
    pub(super) fn subjects(&self) -> HashMap<Subject, &'a ObjectKey> {
        let subject = |found: &UserFindings| Some(found.claims.as_ref()?.1.clone());
        self.0.iter().filter_map(|(user, found)| Some((subject(found)?, user.member.key))).collect()
    }
}

/// A user who can have a password here.
#[derive(Debug)]
pub(super) struct LocalPerson {
    pub(super) key: ObjectKey,
    /// `metadata.creationTimestamp`; `None` in `dev`.
    pub(super) created: Option<Timestamp>,
    /// Whether the person can choose the password.
    pub(super) chooses_password: bool,
}

/// The users of a group, validated together.
#[derive(Debug)]
pub(super) struct JudgedUsers {
    pub(super) served: Vec<ServedAccount>,
    pub(super) verdicts: Vec<Arc<Verdict>>,
    /// The accepted users with passwords, if the tenant has providers too.
    pub(super) local: Vec<LocalPerson>,
}

/// Validates the users of a group together. A `sub` that equals one of `client_ids` is rejected.
pub(super) fn validate_users(
    ParsedUsers(mut users): ParsedUsers<'_>,
    (group, host): (&TenantGroup<'_>, TenantContext<'_>),
    client_ids: &HashSet<ClientId>,
    installation: &Installation,
) -> JudgedUsers {
    users.sort_by_cached_key(|(user, _)| {
        Precedence::of(user.created(), user.member.key, installation)
    });
    let mut taken = UsedNames::new(client_ids);
    let providers = group.provider_names();
    let (mut served, mut verdicts) = (Vec::new(), Vec::with_capacity(users.len()));
    let mut local = Vec::new();
    for (user, mut found) in users {
        user.refuse_unknown_fields(&mut found.problems);
        host.report(&mut found.problems, &group.id);
        if let Some((username, subject)) = &found.claims {
            taken.take(&mut found.problems, user.member.key, username, subject);
        }
        taken.take_identities(&mut found.problems, user.member.key, &user.raw.spec.identities);
        if group.tenant.is_some() {
            check_identity_providers(&mut found.problems, &user, &providers);
        }
        let refused = found.problems.refused();
        let mut checked = found.checked.filter(|_| !refused);
        let outcome = UserOutcome {
            subject: checked.as_ref().map(|user| user.subject.clone()),
            invitation: checked.as_ref().and_then(|user| invitation_outcome(user, host)),
            served: checked.is_some() && host.serves(),
        };
        if let Some(invitation) = &outcome.invitation {
            warn_of_unusable_invitation(&mut found.problems, invitation.state);
        }
        let reference = user.raw.spec.password_secret_ref.as_ref();
        let password = reference.and_then(|reference| {
            let found_password = password(user.member, reference);
            found_password.map_err(|problem| found.problems.append([problem])).ok()
        });
        let chooses = reference.is_none() && has_passwords(host);
        let can_have_one = reference.is_some() || chooses;
        let is_local = can_have_one && checked.as_ref().is_some_and(|it| !it.disabled);
        if is_local && !providers.is_empty() {
            local.push(LocalPerson {
                key: user.member.key.clone(),
                created: user.created(),
                chooses_password: chooses,
            });
        }
        if let Some(checked) = checked.as_mut().filter(|_| password.is_some()) {
            checked.password = PasswordState::Readable;
        }
        if let Some(checked) = checked.as_mut().filter(|_| chooses) {
            checked.password = PasswordState::SelfChosen;
        }
        if let Some(checked) = checked.filter(|_| outcome.served) {
            served.push((Arc::new(checked), password));
        }
        verdicts.push(user.verdict(found.problems, ObjectOutcome::User(outcome)));
    }
    JudgedUsers { served, verdicts, local }
}

/// Returns true if people of the tenant can choose a password.
fn has_passwords(host: TenantContext<'_>) -> bool {
    host.accepted().is_some_and(|it| it.tenant.authenticators.has_passwords())
}

/// The invitation of a user, and whether it can be used as far as manifests decide.
fn invitation_outcome(user: &Account, host: TenantContext<'_>) -> Option<Box<InvitationOutcome>> {
    let (invitation, tenant) = (user.invitation.clone()?, &host.accepted()?.tenant);
    let address = user.email().filter(|_| tenant.mail.is_some()).map(str::to_owned);
    let mail_to = address.filter(|_| invitation.delivery != Some(InvitationDelivery::Secret));
    let wants_mail = invitation.delivery == Some(InvitationDelivery::Mail);
    let state = if user.disabled {
        InvitationState::UserDisabled
    } else if user.password != PasswordState::Absent {
        InvitationState::PasswordInSecret
    } else if !tenant.authenticators.has_passwords() {
        InvitationState::PasswordsDisabled
    } else if !host.serves() {
        InvitationState::NotServed
    } else if !tenant.authenticators.are_kept {
        InvitationState::StoreNotDurable
    } else if wants_mail && mail_to.is_none() {
        InvitationState::MailUnavailable
    } else {
        InvitationState::Open
    };
    let invited = InvitedUser {
        tenant: tenant.id.clone(),
        tenant_mark: tenant.mark,
        issuer: tenant.issuer.clone(),
        subject: user.subject.clone(),
        person: user.mark,
        invitation,
        mail_to,
    };
    Some(Box::new(InvitationOutcome { invited, state }))
}

/// Warns of an invitation that manifests make unusable.
fn warn_of_unusable_invitation(problems: &mut ProblemList, state: InvitationState) {
    if matches!(state, InvitationState::PasswordInSecret | InvitationState::PasswordsDisabled) {
        let (_, reason, message) = judge_invitation(state);
        problems.warn(reason, "spec.invitation", message);
    }
}

/// Reports providers in `identities` that the tenant does not have.
fn check_identity_providers(
    problems: &mut ProblemList,
    user: &ParsedObjects<'_, OidcUser>,
    known: &HashSet<&str>,
) {
    for (index, IdentitySpec { provider, .. }) in user.raw.spec.identities.iter().enumerate() {
        if !known.contains(provider.as_str()) {
            let message = format!(
                "IdentityProvider {provider:?} not found for Tenant \"{}\"; create it, or correct the name (the person cannot sign in by it until then)",
                user.raw.spec.tenant_ref.of(user.member.key)
            );
            let field = format!("spec.identities[{index}].provider");
            let condition = ConditionType::ResolvedRefs;
            problems.add(condition, ConditionReason::ProviderNotFound, field, message);
        }
    }
}

/// An account with its password, if it has one.
pub(super) type ServedAccount = (Arc<Account>, Option<StoredPassword>);

/// The usernames and subjects of the users validated so far, which are older.
struct UsedNames<'a> {
    usernames: HashMap<String, &'a ObjectKey>,
    subjects: HashMap<Subject, &'a ObjectKey>,
    /// By provider and identifier.
    identities: HashMap<(String, String), &'a ObjectKey>,
    client_ids: &'a HashSet<ClientId>,
}

impl<'a> UsedNames<'a> {
    fn new(client_ids: &'a HashSet<ClientId>) -> Self {
        Self {
            usernames: HashMap::new(),
            subjects: HashMap::new(),
            identities: HashMap::new(),
            client_ids,
        }
    }

    /// Claims username and subject for a user, or reports the conflict.
    fn take(
        &mut self,
        problems: &mut ProblemList,
        key: &'a ObjectKey,
        username: &str,
        subject: &Subject,
    ) {
        let before = problems.len();
        if let Some(holder) = self.usernames.get(username) {
            let message = format!(
                "username is already used by OidcUser \"{holder}\" (case is ignored); use a different one"
            );
            problems.refuse(ConditionReason::UsernameConflict, "spec.username", message);
        }
        if let Some(holder) = self.subjects.get(subject) {
            let message = format!(
                "subject \"{subject}\" is already used by OidcUser \"{holder}\"; use a different one"
            );
            problems.refuse(ConditionReason::SubjectConflict, "spec.subject", message);
        }
        if self.client_ids.contains(subject.as_str()) {
            // Otherwise a token that the client requests for itself could be mistaken for the
            // user's.
            let message = format!(
                "subject \"{subject}\" is the client ID of a client of this tenant; use a different one"
            );
            problems.refuse(ConditionReason::SubjectConflict, "spec.subject", message);
        }
        if problems.len() == before {
            self.usernames.insert(username.to_owned(), key);
            self.subjects.insert(subject.clone(), key);
        }
    }
}

impl<'a> UsedNames<'a> {
    /// Claims the people of providers for a user, or reports the conflict.
    fn take_identities(
        &mut self,
        problems: &mut ProblemList,
        key: &'a ObjectKey,
        identities: &[IdentitySpec],
    ) {
        for (index, IdentitySpec { provider, subject }) in identities.iter().enumerate() {
            let identity = (provider.clone(), subject.clone());
            let holder = *self.identities.entry(identity).or_insert(key);
            if holder != key {
                let message = format!(
                    "OidcUser \"{holder}\" names the person {subject:?} of the provider {provider:?} already; remove it from one of them"
                );
                let field = format!("spec.identities[{index}]");
                problems.refuse(ConditionReason::SubjectConflict, field, message);
            }
        }
    }
}

/// Reads the stored password. Without it the user cannot sign in, and sessions and grants wait for it.
fn password(
    member: &GroupMember<'_, OidcUser>,
    reference: &SecretKeyRef,
) -> Result<StoredPassword, ValidationProblem> {
    let reference = EntryReference {
        object: member.key,
        reference,
        default_entry: DEFAULT_ENTRY,
        field: "spec.passwordSecretRef",
    };
    parsed_entry(member.secret, reference, parse_stored_password)
}
