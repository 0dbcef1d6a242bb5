//! One attempt to sign in with a password. The order of its steps prevents user enumeration.

use std::{sync::Arc, time::Duration};

use crate::model::{Account, Secret, TenantId, Timestamp, normalize_username};

use super::{
    AccountLookup, AttemptSource, LoginThrottle, PasswordQueueFull, PasswordVerifier,
    ThrottledAccount,
};

/// An attempt to sign in with a password, before anything was checked.
#[derive(Debug)]
pub struct PasswordSignIn<'a> {
    /// The tenant to sign in to.
    pub tenant: &'a TenantId,
    /// The user name as typed, or the e-mail address.
    pub username: &'a str,
    /// The password as typed, not trimmed.
    pub password: Secret<String>,
    /// The address and browser of the attempt.
    pub origin: AttemptSource<'a>,
    /// The current time, by the replica's clock.
    pub now: Timestamp,
}

/// The reason a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Unknown user, wrong password, no password, or disabled user. The response is the same in all
    /// cases.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// Too many attempts. The next attempt is allowed after this time.
    #[error("too many attempts; try again in {} seconds", .0.as_secs().max(1))]
    Wait(Duration),
    /// The queue is full, so nothing was checked.
    #[error(transparent)]
    Busy(#[from] PasswordQueueFull),
}

impl PasswordSignIn<'_> {
    /// Finds the account and verifies the password, subject to throttling.
    pub async fn perform(
        self,
        directory: &dyn AccountLookup,
        passwords: &PasswordVerifier,
        attempts: &LoginThrottle,
    ) -> Result<Arc<Account>, SignInError> {
        let Self { tenant, origin, now, .. } = self;
        let username = normalize_username(self.username);
        // Each spelling has separate counters, so that waiting does not reveal whose address it is.
        let account = match directory.by_username(&username).await {
            None if username.contains('@') => directory.by_verified_email(&username).await,
            found => found,
        };
        let throttled = ThrottledAccount { tenant, username: &username, exists: account.is_some() };
        let admission = attempts.admit(throttled, origin, now).map_err(SignInError::Wait)?;
        let own = match &account {
            Some(account) => directory.password(&account.subject).await,
            None => None,
        };
        let stored = (own, directory.decoy(&username).await);
        let from = (tenant, origin.address);
        match passwords.verify(from, account.as_deref(), stored, self.password).await {
            Ok(true) => {
                attempts.succeeded(&admission, now);
                account.ok_or(SignInError::Wrong)
            }
            Ok(false) => Err(SignInError::Wrong),
            Err(busy) => {
                attempts.withdraw(&admission);
                Err(busy.into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
