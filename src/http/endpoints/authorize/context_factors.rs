//! The second factors of an authorization: of the session's person, and those that are required.

use super::AuthorizationContext;
use crate::{
    accounts::{passkeys::load_passkeys, totp::load_totp},
    http::EndpointError,
    model::RequiredFactor,
    protocol::{account_page::may_change, authentication::AuthenticationMethod, records::Session},
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
        (self.has_app, self.has_passkey) = match &self.session {
            Some(active) if matters => {
                let (context, account) = (self.accounts(), &active.account);
                let has_app = load_totp(context, account).await?.is_some();
                (has_app, !load_passkeys(context, account).await?.is_empty())
            }
            _ => (false, false),
        };
        Ok(())
    }

    /// Whether the session's person has a second factor.
    const fn has_second_factor(&self) -> bool {
        self.has_app || self.has_passkey
    }

    /// The methods that the second factors of the session's person prove.
    pub(super) fn second_factor(&self) -> Vec<AuthenticationMethod> {
        let app = AuthenticationMethod::of_second_factor().into_iter().filter(|_| self.has_app);
        let passkey = AuthenticationMethod::of_passkey().into_iter().filter(|_| self.has_passkey);
        app.chain(passkey).collect()
    }

    /// Whether the factor has to be proved again: for changes on the account page.
    pub(super) fn wants_second_factor(&self) -> bool {
        let confirms =
            self.interaction.is_for_account_page() && self.authorization.max_age.is_some();
        let proved = |session: &Session| {
            may_change(&session.authentication, self.has_second_factor(), self.request.now)
        };
        confirms && self.has_second_factor() && !self.session_record().is_some_and(proved)
    }
}
