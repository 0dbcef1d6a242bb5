//! The form of a page that asks for a passkey.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::AuthorizationContext;
use crate::{
    accounts::factors::{
        passkey_challenge::sign_in_challenge,
        passkeys::{StoredPasskey, uses_passkeys},
    },
    http::{
        EndpointError,
        pages::{PasskeyPrompt, PromptedFactor, credential_ids, passkey_script},
    },
    protocol::{
        authentication::SignInWay,
        authorize::{SignInReason, can_reach_levels},
        webauthn::RelyingParty,
    },
};

/// The form of the sign-in page, where the tenant has people who can sign in with a passkey alone, and that
/// reaches the required level.
pub(super) fn sign_in_prompt<'a>(
    authorization: &'a AuthorizationContext<'_>,
    reason: SignInReason,
    autofill: bool,
) -> Result<Option<PasskeyPrompt<'a>>, EndpointError> {
    let raises = || {
        let sufficient = authorization.sufficient_levels();
        can_reach_levels(&authorization.authorization, sufficient, &SignInWay::by_passkey())
    };
    if !authorization.request.tenant.has_people_with_passkeys()
        || (reason == SignInReason::HigherLevel && !raises())
    {
        return Ok(None);
    }
    let prompt = new_prompt(authorization)?;
    Ok(prompt.map(|prompt| PasskeyPrompt { autofill, ..prompt }))
}

/// The form of the page for the second factor of a person with these passkeys. `sign_in`: the sealed sign-in
/// that waits for it; `None` in a session.
pub(super) fn second_factor_prompt<'a>(
    authorization: &'a AuthorizationContext<'_>,
    passkeys: &[StoredPasskey],
    sign_in: Option<&'a str>,
) -> Result<Option<PasskeyPrompt<'a>>, EndpointError> {
    if passkeys.is_empty() {
        return Ok(None);
    }
    let ids = passkeys.iter().map(|it| &*it.passkey.credential_id);
    let (credentials, second_factor) = (credential_ids(ids), Some(PromptedFactor { sign_in }));
    let prompt = new_prompt(authorization)?;
    Ok(prompt.map(|prompt| PasskeyPrompt { credentials, second_factor, ..prompt }))
}

/// A form with a new challenge, for any passkey.
fn new_prompt<'a>(
    authorization: &'a AuthorizationContext<'_>,
) -> Result<Option<PasskeyPrompt<'a>>, EndpointError> {
    let (context, tenant) = (authorization.accounts(), &authorization.request.tenant.tenant);
    let relying_party = RelyingParty::of(&tenant.issuer).filter(|_| uses_passkeys(context));
    let browser = authorization.interaction.browser();
    let Some((relying_party, browser)) = relying_party.zip(browser) else { return Ok(None) };
    let challenge = sign_in_challenge(context, browser);
    Ok(Some(PasskeyPrompt {
        rp_id: relying_party.id,
        challenge: URL_SAFE_NO_PAD.encode(challenge.challenge),
        sealed: context.seal(&challenge)?,
        credentials: String::new(),
        autofill: false,
        second_factor: None,
        script: passkey_script(tenant),
    }))
}
