//! The second factors of an authorization: of the session's person, and those that are required.

use super::{AuthorizationContext, SessionFactors};
use crate::{
    accounts::factors::passkeys::StoredPasskey,
    http::EndpointError,
    model::RequiredFactor,
    protocol::{
        account_change::{AccountChangeProof, may_change_account},
        records::Session,
    },
};

impl AuthorizationContext<'_> {
    /// The factor that the tenant requires of everyone.
    pub(in crate::http::endpoints) fn required_factor(&self) -> Option<RequiredFactor> {
        self.request.tenant.tenant.authenticators.required()
    }

    /// Finds out whether the session's person has a second factor, if the next step can depend on it.
    pub(in crate::http::endpoints) async fn load_second_factor(
        &mut self,
    ) -> Result<(), EndpointError> {
        let has_levels = !self.request.tenant.tenant.acr_levels.is_empty();
        let matters = has_levels
            || self.required_factor().is_some()
            || self.interaction.is_for_account_page();
        self.factors = match &self.session {
            Some(active) if matters => {
                SessionFactors::load(self.accounts(), &active.account).await?
            }
            _ => SessionFactors::default(),
        };
        Ok(())
    }

    /// Whether the sign-in is one before a change on the account page.
    fn confirms_change(&self) -> bool {
        self.interaction.is_for_account_page() && self.authorization.max_age.is_some()
    }

    /// Whether the factor has to be proved again: for changes on the account page.
    pub(super) fn wants_second_factor(&self) -> bool {
        let proof = self.factors.proof_for_changes;
        let is_given = |session: &Session| {
            may_change_account(&session.authentication, proof, self.request.now)
        };
        self.confirms_change()
            && proof != AccountChangeProof::SignIn
            && !self.session_record().is_some_and(is_given)
    }

    /// Whether a person with these passkeys has to use one of them, or a recovery code, for a change on the account
    /// page. If so, a code of the app does not suffice.
    pub(in crate::http::endpoints) fn wants_passkey_for_change(
        &self,
        passkeys: &[StoredPasskey],
    ) -> bool {
        self.confirms_change() && passkeys.iter().any(StoredPasskey::is_usable)
    }
}
