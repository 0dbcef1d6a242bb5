//! The users of one tenant: conflicts of usernames and subjects, and the password of each.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    identity_forms::IdentityForms,
    members::{ParsedObjects, TenantContext, TenantGroup},
    used_names::UsedNames,
};
use crate::{
    api::{ConditionReason, ConditionType, IdentitySpec, OidcUser},
    identity::parse_stored_password,
    model::{
        Account, ClientId, Installation, InvitationDelivery, ObjectKey, PasswordState,
        StoredPassword, Subject, Timestamp, UserInvitation,
    },
    registry::{
        InvitationOutcome, InvitationState, ObjectOutcome, ReservedNames, UserNames, UserOutcome,
        Verdict,
        invitation::invitation_condition,
        precedence::Precedence,
        secrets::{EntryReference, parse_secret_entry},
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

/// A user who can sign in here, with a password or with a passkey alone.
#[derive(Debug)]
pub(super) struct LocalUser {
    pub(super) key: ObjectKey,
    /// `metadata.creationTimestamp`; `None` in `dev`.
    pub(super) created: Option<Timestamp>,
    /// How the person can sign in here.
    pub(super) sign_in: LocalSignIn,
    /// Whether the user is accepted. One that is not restricts providers all the same.
    pub(super) accepted: bool,
}

/// How a user can sign in at the tenant itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocalSignIn {
    /// With the password of a Secret.
    SecretPassword,
    /// With a password that the person chooses.
    ChosenPassword,
    /// With a passkey alone.
    Passkey,
}

/// The users of a group, validated together.
#[derive(Debug)]
pub(super) struct ValidatedUsers {
    pub(super) served: Vec<ServedAccount>,
    pub(super) verdicts: Vec<Arc<Verdict>>,
    /// The users with passwords, accepted or not, if the tenant has providers too.
    pub(super) local: Vec<LocalUser>,
    /// The names of users who are not served.
    pub(super) reserved: ReservedNames,
}

/// Validates the users of a group together. A `sub` that equals one of `client_ids` is rejected.
pub(super) fn validate_users(
    ParsedUsers(mut users): ParsedUsers<'_>,
    (group, host): (&TenantGroup<'_>, TenantContext<'_>),
    client_ids: &HashSet<ClientId>,
    installation: &Installation,
) -> ValidatedUsers {
    users.sort_by_cached_key(|(user, _)| {
        Precedence::of(user.created(), user.member.key, installation)
    });
    let mut taken = UsedNames::new(client_ids);
    let forms = IdentityForms::of(group, users.iter().map(|(user, _)| &user.raw));
    let providers = group.provider_names();
    let (mut served, mut verdicts) = (Vec::new(), Vec::with_capacity(users.len()));
    let (mut local, mut reserved) = (Vec::new(), ReservedNames::default());
    for (user, mut found) in users {
        let key = user.member.key;
        user.refuse_unknown_fields(&mut found.problems);
        host.report(&mut found.problems, &group.id);
        if let Some((username, subject)) = &found.claims {
            taken.take(&mut found.problems, key, username, subject);
        }
        let identities = forms.identities_of(&user.raw, &mut found.problems);
        taken.take_identities(&mut found.problems, key, &identities);
        if group.tenant.is_some() {
            check_identity_providers(&mut found.problems, &user, &providers);
        }
        let refused = found.problems.refused();
        let mut checked = found.checked.filter(|_| !refused);
        if let Some(checked) = &mut checked {
            checked.identities = identities.clone().into();
            taken.warn_of_shared_name(&mut found.problems, key, checked);
        }
        let outcome = UserOutcome {
            subject: checked.as_ref().map(|user| user.subject.clone()),
            invitation: checked.as_ref().and_then(|user| invitation_outcome(user, host)),
            served: checked.is_some() && host.serves(),
        };
        if let Some(invitation) = &outcome.invitation {
            warn_of_unusable_invitation(&mut found.problems, invitation.state);
        }
        let password = password(&user, &mut found.problems);
        if !providers.is_empty() {
            local.extend(local_person(&user, host, checked.is_some()));
        }
        if let Some(checked) = &mut checked {
            set_password_state(checked, (&user, host), password.as_ref());
        }
        if let Some(checked) = checked.filter(|_| outcome.served) {
            served.push((Arc::new(checked), password));
        } else {
            let names = validate::names_of_user(&user.raw, key);
            reserved.reserve_user(key, UserNames { identities, ..names });
        }
        verdicts.push(user.verdict(found.problems, ObjectOutcome::User(outcome)));
    }
    ValidatedUsers { served, verdicts, local, reserved }
}

/// Returns true if a person can choose the password.
fn chooses_password(user: &ParsedObjects<'_, OidcUser>, host: TenantContext<'_>) -> bool {
    user.raw.spec.password_secret_ref.is_none() && has_passwords(host)
}

/// The user as a source of people: one who is enabled and can have a password, or be invited to set up a passkey.
fn local_person(
    user: &ParsedObjects<'_, OidcUser>,
    host: TenantContext<'_>,
    accepted: bool,
) -> Option<LocalUser> {
    let spec = &user.raw.spec;
    let sign_in = if spec.password_secret_ref.is_some() {
        LocalSignIn::SecretPassword
    } else if has_passwords(host) {
        LocalSignIn::ChosenPassword
    } else if invites_to_passkey(&user.raw, host) {
        LocalSignIn::Passkey
    } else {
        return None;
    };
    let is_enabled = !spec.disabled.unwrap_or_default();
    is_enabled.then(|| LocalUser {
        key: user.member.key.clone(),
        created: user.created(),
        sign_in,
        accepted,
    })
}

/// Records where the password of an account is.
fn set_password_state(
    account: &mut Account,
    (user, host): (&ParsedObjects<'_, OidcUser>, TenantContext<'_>),
    password: Option<&StoredPassword>,
) {
    if password.is_some() {
        account.password = PasswordState::Readable;
    } else if chooses_password(user, host) {
        account.password = PasswordState::SelfChosen;
    }
}

/// Returns true if people of the tenant can choose a password.
fn has_passwords(host: TenantContext<'_>) -> bool {
    host.accepted().is_some_and(|it| it.tenant.authenticators.has_passwords())
}

/// Returns true if a user without a password can be invited to sign in with a passkey alone. A user whom a provider
/// knows signs in there.
fn invites_to_passkey(user: &OidcUser, host: TenantContext<'_>) -> bool {
    let authenticators = host.accepted().map(|it| it.tenant.authenticators);
    authenticators.is_some_and(|it| it.invites_to_passkeys() && user.spec.identities.is_empty())
}

/// The invitation of a user, and whether it can be used as far as manifests decide.
fn invitation_outcome(user: &Account, host: TenantContext<'_>) -> Option<Box<InvitationOutcome>> {
    let (invitation, tenant) = (user.invitation.clone()?, &host.accepted()?.tenant);
    let address = user.email().filter(|_| tenant.mail.is_some()).map(str::to_owned);
    let mail_to = address.filter(|_| invitation.delivery != Some(InvitationDelivery::Secret));
    let has_no_secret = user.password == PasswordState::Absent;
    let chooses = has_no_secret && tenant.authenticators.has_passwords();
    let chooses_passkey = has_no_secret && tenant.authenticators.admits_by_passkey(user);
    let wants_mail = invitation.delivery == Some(InvitationDelivery::Mail);
    let state = if user.disabled {
        InvitationState::UserDisabled
    } else if !chooses && tenant.authenticators.required().is_none() && !chooses_passkey {
        // Otherwise the invitation is for the authenticator.
        if user.password == PasswordState::Absent {
            InvitationState::PasswordsDisabled
        } else {
            InvitationState::PasswordInSecret
        }
    } else if !host.serves() {
        InvitationState::NotServed
    } else if !tenant.authenticators.are_kept {
        InvitationState::StoreNotDurable
    } else if wants_mail && mail_to.is_none() {
        InvitationState::MailUnavailable
    } else {
        InvitationState::Open
    };
    let invited = UserInvitation {
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
        let (_, reason, message) = invitation_condition(state);
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

/// Reads the stored password, if the user names one. Without it the user cannot sign in, and sessions and grants
/// wait for it.
fn password(
    user: &ParsedObjects<'_, OidcUser>,
    problems: &mut ProblemList,
) -> Option<StoredPassword> {
    let reference = EntryReference {
        object: user.member.key,
        reference: user.raw.spec.password_secret_ref.as_ref()?,
        default_entry: DEFAULT_ENTRY,
        field: "spec.passwordSecretRef",
    };
    let found = parse_secret_entry(user.member.secret, reference, parse_stored_password);
    found.map_err(|problem| problems.append([problem])).ok()
}
