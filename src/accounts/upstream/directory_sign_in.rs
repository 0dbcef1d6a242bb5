//! Sign-in with a directory: a name and a password from the tenant's own page, which the directory
//! checks. Attempts are limited before the directory is asked.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::upstream_sign_in::{UpstreamSignInError, admit_person};
use crate::{
    accounts::{AccountContext, people::directory_caller::directory_caller},
    identity::{AttemptPermit, AttemptSource, LoginThrottle, ThrottledAccount},
    model::{Account, DeclaredIdentity, LdapSettings, Secret, Subject, normalize_username},
    protocol::identity_provider::{IdentityProvider, identity_of},
    upstream::ldap::{DirectoryPerson, LdapCredentials, LdapError, LdapRefusal, LdapUserEntry},
};

pub use crate::upstream::ldap::AccountRestriction;

/// A name and a password for a directory.
#[derive(Debug)]
pub struct DirectorySignIn<'a> {
    /// The provider that the directory is.
    pub provider: &'a IdentityProvider,
    /// `spec.ldap` of the provider, as validated.
    pub settings: &'a LdapSettings,
    /// The name as typed.
    pub username: &'a str,
    /// The password as typed.
    pub password: Secret<String>,
    /// The address and browser of the attempt.
    pub origin: AttemptSource<'a>,
}

/// The reason why a sign-in at a directory failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DirectorySignInError {
    /// Unknown name or wrong password. The response is the same in both cases.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// The password is right, but the account is restricted.
    #[error("{0}")]
    Restricted(AccountRestriction),
    /// Too many attempts. The next attempt is allowed after this time.
    #[error("too many attempts; try again in {} seconds", .0.as_secs().max(1))]
    Wait(Duration),
    /// The directory, its claims or the store cannot be used.
    #[error(transparent)]
    Upstream(#[from] UpstreamSignInError),
}

/// A sign-in that failed, with the person if the directory has one by the name.
#[derive(Clone, Debug)]
pub struct FailedDirectorySignIn {
    /// The reason of the failure, for the page and the audit line.
    pub error: DirectorySignInError,
    /// The person whose entry was found.
    pub person: Option<AttemptedPerson>,
}

/// The person of an attempt, for the audit log only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptedPerson {
    /// The claim `sub` here.
    pub subject: Subject,
    /// The username of the OidcUser who declares the person, or the name in the directory.
    pub username: String,
}

impl From<DirectorySignInError> for FailedDirectorySignIn {
    fn from(error: DirectorySignInError) -> Self {
        Self { error, person: None }
    }
}

/// The attempt for the entry that a directory found.
#[derive(Debug, Default)]
struct EntryAttempt(Mutex<FoundEntryAttempt>);

/// How the attempt is counted, and the person of the entry.
#[derive(Debug, Default)]
struct FoundEntryAttempt {
    admitted: Option<Result<AttemptPermit, Duration>>,
    person: Option<AttemptedPerson>,
}

impl EntryAttempt {
    fn get(&self) -> MutexGuard<'_, FoundEntryAttempt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts it; returns true if the password may be tried.
    fn admit(
        &self,
        admitted: Result<AttemptPermit, Duration>,
        person: Option<AttemptedPerson>,
    ) -> bool {
        let may = admitted.is_ok();
        *self.get() = FoundEntryAttempt { admitted: Some(admitted), person };
        may
    }

    fn into_found(self) -> FoundEntryAttempt {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DirectorySignIn<'_> {
    /// Asks the directory, and stores the person.
    pub async fn perform(
        self,
        context: AccountContext<'_>,
        attempts: &LoginThrottle,
    ) -> Result<Arc<Account>, FailedDirectorySignIn> {
        let Self { provider, settings, origin, .. } = self;
        let now = context.now;
        let admit = |username: &str, exists| {
            let account = ThrottledAccount { tenant: context.tenant_id(), username, exists };
            attempts.admit(account, origin, now)
        };
        let typed = normalize_username(self.username);
        let permit = admit(&typed, false).map_err(DirectorySignInError::Wait)?;
        let entry = EntryAttempt::default();
        let may_try = |found: LdapUserEntry<'_>| {
            let person = found.person.and_then(|it| attempted_person(context, provider, it));
            entry.admit(admit(&format!("{}\0{}", provider.name(), found.id), true), person)
        };
        let username = self.username.trim();
        let credentials = LdapCredentials { username, password: &self.password, may_try: &may_try };
        let caller = directory_caller(context);
        let directories = &context.services.directories;
        let asked = directories.authenticate(settings, credentials, &caller).await;
        let FoundEntryAttempt { admitted, person } = entry.into_found();
        let failed = |error| FailedDirectorySignIn { error, person: person.clone() };
        let of_entry = admitted.transpose();
        let of_entry = of_entry.map_err(|wait| failed(DirectorySignInError::Wait(wait)))?;
        let permits = || [Some(&permit), of_entry.as_ref()].into_iter().flatten();
        match asked {
            Ok(described) => {
                permits().for_each(|permit| attempts.succeeded(permit, now));
                let account = account_of(context, provider, described).await;
                account.map_err(|error| failed(error.into()))
            }
            Err(LdapError::Refused(refusal)) => {
                tracing::info!(provider = %provider.object, reason = %refusal, "a directory refused a sign-in");
                Err(failed(match refusal {
                    LdapRefusal::Restricted(restriction) => {
                        DirectorySignInError::Restricted(restriction)
                    }
                    _ => DirectorySignInError::Wrong,
                }))
            }
            Err(LdapError::Directory(fault)) => {
                permits().for_each(|permit| attempts.withdraw(permit));
                Err(failed(UpstreamSignInError::Directory(fault).into()))
            }
        }
    }
}

/// The person that an entry describes. The password is not proven.
fn attempted_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    person: &DirectoryPerson,
) -> Option<AttemptedPerson> {
    let identity = identity_of(provider, &person.claims).ok()?;
    let declared =
        DeclaredIdentity { provider: provider.name().to_owned(), subject: identity.identifier };
    Some(match context.tenant.account_by_identity(&declared) {
        Some(account) => {
            AttemptedPerson { subject: account.subject.clone(), username: account.username.clone() }
        }
        None => AttemptedPerson { subject: identity.subject, username: person.username.clone() },
    })
}

async fn account_of(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    person: DirectoryPerson,
) -> Result<Arc<Account>, UpstreamSignInError> {
    Ok(Arc::new(admit_person(context, provider, &person.claims).await?))
}
