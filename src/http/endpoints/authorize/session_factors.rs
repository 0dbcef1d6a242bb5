//! The authenticators of the person of a session, as far as the next step depends on them.

use crate::{
    accounts::{
        AccountContext, AccountError,
        factors::{passkeys::load_passkeys, required_factors::proof_for_changes, totp::load_totp},
    },
    model::Account,
    protocol::{account_change::AccountChangeProof, authentication::AuthenticationMethod},
};

/// The authenticators of a session's person.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::http::endpoints) struct SessionFactors {
    /// Whether the person has an authenticator app.
    has_app: bool,
    /// Whether the person has a passkey.
    has_passkey: bool,
    /// The proof that a change on the account page needs.
    pub(super) proof_for_changes: AccountChangeProof,
}

impl SessionFactors {
    /// Loads the authenticators of a person.
    pub(super) async fn load(
        context: AccountContext<'_>,
        account: &Account,
    ) -> Result<Self, AccountError> {
        let has_app = load_totp(context, account).await?.is_some();
        let passkeys = load_passkeys(context, account).await?;
        let proof_for_changes = proof_for_changes(has_app, &passkeys);
        Ok(Self { has_app, has_passkey: !passkeys.is_empty(), proof_for_changes })
    }

    /// The methods that they prove.
    pub(super) fn methods(self) -> Vec<AuthenticationMethod> {
        let app = AuthenticationMethod::of_second_factor().into_iter().filter(|_| self.has_app);
        let passkey = AuthenticationMethod::of_passkey().into_iter().filter(|_| self.has_passkey);
        app.chain(passkey).collect()
    }
}
