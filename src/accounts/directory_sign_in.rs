//! Sign-in with a directory: a name and a password from the tenant's own page, which the directory
//! judges. Attempts are limited before the directory is asked.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    AccountContext,
    upstream_sign_in::{UpstreamSignInError, admit_person},
};
use crate::{
    identity::{AttemptPermit, AttemptSource, LoginThrottle, ThrottledAccount},
    model::{Account, LdapSettings, Secret, normalize_username},
    protocol::identity_provider::IdentityProvider,
    upstream::ldap::{
        AccountRestriction, DirectoryPerson, LdapCredentials, LdapError, LdapRefusal,
    },
};

/// A name and a password for a directory.
#[derive(Debug)]
pub struct DirectorySignIn<'a> {
    /// The provider that the directory is.
    pub provider: &'a IdentityProvider,
    /// The directory.
    pub settings: &'a LdapSettings,
    /// The name as typed.
    pub username: &'a str,
    /// The password as typed.
    pub password: Secret<String>,
    /// The address and browser of the attempt.
    pub origin: AttemptSource<'a>,
}

/// The reason why a directory signed no person in.
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

/// The attempt that is counted for the entry that a directory found.
#[derive(Debug, Default)]
struct EntryAttempt(Mutex<Option<Result<AttemptPermit, Duration>>>);

impl EntryAttempt {
    fn get(&self) -> MutexGuard<'_, Option<Result<AttemptPermit, Duration>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts it; returns true if the password may be tried.
    fn admit(&self, admitted: Result<AttemptPermit, Duration>) -> bool {
        let may = admitted.is_ok();
        *self.get() = Some(admitted);
        may
    }

    fn permit(self) -> Result<Option<AttemptPermit>, Duration> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).transpose()
    }
}

impl DirectorySignIn<'_> {
    /// Asks the directory, and stores the person.
    pub async fn perform(
        self,
        context: AccountContext<'_>,
        attempts: &LoginThrottle,
    ) -> Result<Arc<Account>, DirectorySignInError> {
        let Self { provider, settings, origin, .. } = self;
        let now = context.now;
        let admit = |username: &str, exists| {
            let account = ThrottledAccount { tenant: context.tenant_id(), username, exists };
            attempts.admit(account, origin, now)
        };
        let typed = normalize_username(self.username);
        let permit = admit(&typed, false).map_err(DirectorySignInError::Wait)?;
        let entry = EntryAttempt::default();
        let credentials = LdapCredentials {
            username: self.username.trim(),
            password: &self.password,
            may_try: &|id| entry.admit(admit(&format!("{}\0{id}", provider.name()), true)),
        };
        let asked = context.services.directories.authenticate(settings, credentials, now).await;
        let of_entry = entry.permit().map_err(DirectorySignInError::Wait)?;
        let permits = || [Some(&permit), of_entry.as_ref()].into_iter().flatten();
        match asked {
            Ok(person) => {
                permits().for_each(|permit| attempts.succeeded(permit, now));
                let account = account_of(context, provider, person).await?;
                Ok(account)
            }
            Err(LdapError::Refused(refusal)) => {
                tracing::info!(provider = %provider.object, reason = %refusal, "a directory refused a sign-in");
                Err(match refusal {
                    LdapRefusal::Restricted(restriction) => {
                        DirectorySignInError::Restricted(restriction)
                    }
                    _ => DirectorySignInError::Wrong,
                })
            }
            Err(LdapError::Directory(fault)) => {
                permits().for_each(|permit| attempts.withdraw(permit));
                Err(UpstreamSignInError::Directory(fault).into())
            }
        }
    }
}

async fn account_of(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    person: DirectoryPerson,
) -> Result<Arc<Account>, UpstreamSignInError> {
    Ok(Arc::new(admit_person(context, provider, &person.claims).await?))
}
