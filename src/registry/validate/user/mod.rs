//! Converts an `OidcUser` to a validated user, except for the password.

mod claims;
mod invitation;
mod names;
mod subject;
#[cfg(test)]
mod tests;
mod time;

pub use names::names_of_user;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{ProblemList, limits, name, object_name, secret_ref, visible_text};
use crate::{
    api,
    model::{
        Account, AccountSource, DeclaredIdentity, ObjectKey, PasswordState, Subject,
        normalize_username,
    },
};

/// The result of validating a user.
#[derive(Clone, Debug)]
pub struct UserFindings {
    /// The account, if it can be accepted; username and subject may still be in
    /// conflict.
    pub checked: Option<Account>,
    /// The normalised username and the subject that it claims, even if the object is invalid. So an
    /// invalid edit does not pass them on to another user.
    pub claims: Option<(String, Subject)>,
    /// The problems and warnings that were found.
    pub problems: ProblemList,
}

/// Validates a user. `dev`: no API server has validated the object, or given it a UID.
pub fn validate_user(raw: &api::OidcUser, key: &ObjectKey, dev: bool) -> UserFindings {
    let mut problems = ProblemList::default();
    let spec = &raw.spec;
    name(&mut problems, key);
    object_name(&mut problems, "spec.tenantRef.name", &spec.tenant_ref.name);
    let tenant = spec.tenant_ref.of(key);
    let username = username(&mut problems, &spec.username);
    let subject = subject::check_subject(&mut problems, &tenant, spec);
    if let Some(reference) = &spec.password_secret_ref {
        secret_ref(&mut problems, "spec.passwordSecretRef", reference);
    }
    let claims = claims::check_user_claims(&mut problems, spec);
    groups(&mut problems, &spec.groups);
    identities(&mut problems, &spec.identities);
    let sign_out_before =
        time::check_time(&mut problems, "spec.signOutBefore", spec.sign_out_before.as_ref());
    let reset = spec.reset_authenticators_before.as_ref();
    let reset_authenticators_before =
        time::check_time(&mut problems, "spec.resetAuthenticatorsBefore", reset);
    let invitation = invitation::check_invitation(&mut problems, spec.invitation.as_ref());
    limits(&mut problems, raw, dev);
    let claimed = username.zip(subject);
    let checked =
        claimed.clone().filter(|_| !problems.refused()).map(|(username, subject)| Account {
            source: AccountSource::Resource(key.clone()),
            username,
            subject,
            claims,
            groups: spec.groups.clone(),
            disabled: spec.disabled.unwrap_or_default(),
            mark: super::object_mark(&raw.metadata, key, dev),
            generation: generation(&raw.metadata, dev),
            password: match spec.password_secret_ref {
                // The Secret is read after the object has been validated.
                Some(_) => PasswordState::Unreadable,
                None => PasswordState::Absent,
            },
            sign_out_before,
            reset_authenticators_before,
            identities: spec
                .identities
                .iter()
                .map(|identity| DeclaredIdentity {
                    provider: identity.provider.clone(),
                    subject: identity.subject.clone(),
                })
                .collect(),
            invitation,
        });
    UserFindings { checked, claims: claimed, problems }
}

/// The generation of the object, which changes with its spec. It is 0 in `dev`, because only an API server counts
/// generations.
fn generation(metadata: &ObjectMeta, dev: bool) -> u64 {
    let generation = metadata.generation.filter(|_| !dev);
    generation.and_then(|generation| u64::try_from(generation).ok()).unwrap_or_default()
}

fn username(problems: &mut ProblemList, written: &str) -> Option<String> {
    let before = problems.len();
    if written.is_empty() || written.chars().count() > 256 {
        problems.invalid("spec.username", "must have 1 to 256 characters");
    }
    visible_text(problems, "spec.username", written);
    if written.trim() != written {
        problems.invalid("spec.username", "must not have leading or trailing white space");
    }
    (problems.len() == before).then(|| normalize_username(written))
}

fn identities(problems: &mut ProblemList, written: &[api::IdentitySpec]) {
    for (index, identity) in written.iter().enumerate() {
        let field = format!("spec.identities[{index}]");
        object_name(problems, &format!("{field}.provider"), &identity.provider);
        visible_text(problems, &format!("{field}.subject"), &identity.subject);
        // The store has one record of a user's claims for each provider.
        let earlier = written[..index].iter().position(|it| it.provider == identity.provider);
        if let Some(earlier) = earlier {
            let message = format!(
                "is a second person of the provider {:?}, as spec.identities[{earlier}]; a user has one account at each provider, so remove one of them, or declare another OidcUser",
                identity.provider
            );
            problems.invalid(field, message);
        }
    }
}

fn groups(problems: &mut ProblemList, written: &[String]) {
    for (index, group) in written.iter().enumerate() {
        visible_text(problems, &format!("spec.groups[{index}]"), group);
    }
}
