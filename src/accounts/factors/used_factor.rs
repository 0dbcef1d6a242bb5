//! The factor by which a session has just begun, or was stepped up. It is looked up again once the session is
//! stored: the person may have removed it after its use, and the removal ends only the sessions that it finds.

use super::{
    passkeys::{has_passkey, load_passkeys},
    recovery_codes::recovery_codes_made_at,
    totp::load_totp,
};
use crate::{
    accounts::{AccountContext, AccountError},
    model::{Account, Timestamp},
};

/// A factor that a person has just used.
#[derive(Clone, Debug)]
pub(crate) enum UsedFactor {
    /// The passkey with this credential ID.
    Passkey(Vec<u8>),
    /// The authenticator app that was set up at this time.
    App(Timestamp),
    /// One of the recovery codes that were made at this time.
    RecoveryCode(Option<Timestamp>),
}

impl UsedFactor {
    /// Returns true if the person still has the factor.
    pub(crate) async fn is_present(
        &self,
        context: AccountContext<'_>,
        account: &Account,
    ) -> Result<bool, AccountError> {
        match self {
            Self::Passkey(credential_id) => has_passkey(context, account, credential_id).await,
            Self::App(enrolled_at) => {
                let app = load_totp(context, account).await?;
                Ok(app.is_some_and(|app| app.enrolled_at() == *enrolled_at))
            }
            Self::RecoveryCode(made_at) => {
                let present = recovery_codes_made_at(context, account).await?;
                // The removal of the last factor ends sessions before it deletes the codes.
                Ok(present.is_some()
                    && present == *made_at
                    && (load_totp(context, account).await?.is_some()
                        || !load_passkeys(context, account).await?.is_empty()))
            }
        }
    }
}
