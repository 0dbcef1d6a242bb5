//! One attempt to sign in with a password, start to end: the order of its steps is what keeps it
//! from telling who exists.

use std::{sync::Arc, time::Duration};

use crate::model::{Secret, TenantId, Timestamp, User};

use super::{
    AttemptSource, LoginThrottle, PasswordQueueFull, PasswordVerifier, ThrottledAccount,
    UserDirectory, normalize_username,
};

/// An attempt.
#[derive(Debug)]
pub struct PasswordSignIn<'a> {
    /// Where.
    pub tenant: &'a TenantId,
    /// As typed.
    pub username: &'a str,
    /// As typed.
    pub password: Secret<String>,
    /// From where.
    pub origin: AttemptSource<'a>,
    /// When.
    pub now: Timestamp,
}

/// Why nobody was signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// No such user, another password, no password at all, or disabled: the person is told the
    /// same in each case.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// Too many attempts; the next one counts after this long.
    #[error("too many attempts; try again in {} seconds", .0.as_secs().max(1))]
    Wait(Duration),
    /// Nothing was checked.
    #[error(transparent)]
    Busy(#[from] PasswordQueueFull),
}

impl PasswordSignIn<'_> {
    /// Finds the person and checks the password, within the limit on attempts.
    pub async fn decide(
        self,
        directory: &dyn UserDirectory,
        passwords: &PasswordVerifier,
        attempts: &LoginThrottle,
    ) -> Result<Arc<User>, SignInError> {
        let Self { tenant, origin, now, .. } = self;
        let username = normalize_username(self.username);
        let user = directory.by_username(&username).await;
        let account = ThrottledAccount { tenant, username: &username, exists: user.is_some() };
        let admission = attempts.admit(account, origin, now).map_err(SignInError::Wait)?;
        let decoy = directory.decoy(&username).await;
        match passwords.verify_or_decoy(user.as_deref(), decoy, self.password).await {
            Ok(true) => {
                attempts.succeeded(&admission, now);
                user.ok_or(SignInError::Wrong)
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
