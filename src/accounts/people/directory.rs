//! The accounts of a tenant at a sign-in: read from the snapshot, with the passwords that people chose from
//! the store.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use crate::{
    accounts::{
        AccountContext, AccountError,
        passwords::chosen_passwords::{load_no_password, load_password},
    },
    identity::{AccountLookup, choose_decoy, decoy_index},
    model::{Account, CredentialMark, PasswordState, StoredPassword, Subject},
};

/// The accounts for one attempt to sign in. The store is asked at most once, for unknown and for known names.
#[derive(Debug)]
pub(crate) struct SignInAccounts<'a> {
    context: AccountContext<'a>,
    failure: OnceLock<AccountError>,
    chosen_password: OnceLock<CredentialMark>,
}

impl<'a> SignInAccounts<'a> {
    /// The accounts of the context's tenant.
    pub(crate) fn new(context: AccountContext<'a>) -> Self {
        Self { context, failure: OnceLock::new(), chosen_password: OnceLock::new() }
    }

    /// The mark of the password that the attempt was compared with, if the person chose it.
    ///
    /// # Errors
    ///
    /// The failure of the store, if the attempt could not be checked because of it.
    pub(crate) fn into_chosen_password(self) -> Result<Option<CredentialMark>, AccountError> {
        match self.failure.into_inner() {
            Some(failure) => Err(failure),
            None => Ok(self.chosen_password.into_inner()),
        }
    }

    /// The value, or `None` with a failure that is kept.
    fn keep_failure<T: Default>(&self, result: Result<T, AccountError>) -> T {
        result.unwrap_or_else(|error| {
            let _ = self.failure.set(error);
            T::default()
        })
    }
}

#[async_trait]
impl AccountLookup for SignInAccounts<'_> {
    async fn by_username(&self, username: &str) -> Option<Arc<Account>> {
        self.context.tenant.account_by_username(username).cloned()
    }

    async fn by_verified_email(&self, email: &str) -> Option<Arc<Account>> {
        self.context.tenant.account_by_email(email).cloned()
    }

    async fn by_subject(&self, subject: &Subject) -> Option<Arc<Account>> {
        self.context.tenant.account_by_subject(subject).cloned()
    }

    async fn password(&self, subject: &Subject) -> Option<StoredPassword> {
        if let Some(password) = self.context.tenant.password(subject) {
            return Some(password.clone());
        }
        let account = self.context.tenant.account_by_subject(subject)?;
        let chosen = load_password(self.context, account).await;
        let chosen = self.keep_failure(chosen)?;
        if let Some(mark) = chosen.credential_mark(self.context, subject) {
            let _ = self.chosen_password.set(mark);
        }
        Some(chosen.stored())
    }

    async fn decoy(&self, username: &str) -> Option<StoredPassword> {
        let tenant = self.context.tenant;
        if !tenant.tenant.authenticators.has_passwords() {
            return choose_decoy(tenant.passwords(), username);
        }
        let named = tenant.account_by_username(username);
        let named = named.or_else(|| tenant.account_by_email(username));
        if named.is_none_or(|account| account.password != PasswordState::SelfChosen) {
            self.keep_failure(load_no_password(self.context, username).await);
        }
        // Passwords that users chose have the default cost.
        let accounts = tenant.accounts();
        let account = &accounts[decoy_index(accounts.len(), username)?];
        tenant.password(&account.subject).cloned()
    }
}
