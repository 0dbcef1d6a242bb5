//! The pages for users: sign-in, consent, sign-out, errors and landing pages. Templates and the
//! style sheet are in `templates/pages/`. Scripts are separate files, loaded only by pages that need
//! them. No page has an inline script or style, and branding is data, never markup.
//!
//! Must not: make decisions, read cookies, or show a user other than the handler's.

mod account;
mod assets;
mod authenticator_app;
mod authorization_details;
mod choose_password;
mod color;
mod consent;
mod device;
mod error;
mod forgotten_password;
mod form_post;
mod frame;
mod front_channel;
mod landing;
mod missing_factor;
mod onward;
mod passkeys;
mod permissions;
mod qr_code;
mod recovery_codes;
mod refused;
mod second_factor;
mod sign_in;
mod signed_out;
mod theme;

pub use account::{
    AccountPage, AccountPagePart, ApplicationEntry, ApplicationTile, AuthenticatorEntry,
    PagePosition, SessionEntry, WaitingRequestEntry, account_page,
};
pub use assets::{StaticAsset, static_asset};
pub use authenticator_app::{AuthenticatorAppPage, authenticator_app_page};
pub use choose_password::{ChoosePasswordPage, choose_password_page};
pub use consent::{ConsentPage, consent_page};
pub use device::{CrossDeviceOutcome, DevicePage, device_page, device_result};
pub use error::{ErrorPage, RetryLink, error_page, oauth_error_page};
pub use forgotten_password::{ForgottenPasswordPage, forgotten_password_page};
pub use form_post::form_post;
pub use frame::{AccountView, ClientView};
pub use front_channel::{AfterSignOut, check_session, frontchannel_logout_page};
pub use landing::base_root;
pub use missing_factor::{MissingFactorPage, missing_factor_page};
pub use onward::provider_redirect;
pub use passkeys::{
    PasskeyEntry, PasskeyPage, PasskeyPrompt, PasskeySetupPage, PromptedFactor, credential_ids,
    passkey_page, passkey_script, passkey_setup_page, proposed_passkey_name,
};
pub use recovery_codes::{RecoveryCodesPage, recovery_codes_page};
pub use refused::{RefusedEntryPage, refused_entry_page};
pub use second_factor::{SecondFactorPage, second_factor_page};
pub use sign_in::{ProviderButton, SignInFields, SignInPage, sign_in_page};
pub use signed_out::{
    LogoutConfirmPage, cancelled_sign_in_page, logout_confirm_page, signed_out_page,
    still_signed_in_page,
};
pub use theme::theme_css;

#[cfg(test)]
mod tests;
