//! The cookie of a known browser, with which users have signed in before. It is sealed, so the
//! server stores no state and the cookie cannot be forged. It is set when a sign-in is complete.

use crate::{
    http::{AppState, CookiePurpose, EndpointError, Reply, Request},
    model::Account,
    protocol::known_browser::KnownBrowser,
};

/// The known browser of the request, or a new one.
pub(super) fn load_known_browser(
    app: &AppState,
    request: &Request,
) -> Result<KnownBrowser, EndpointError> {
    let known = match request.cookie(CookiePurpose::KnownBrowser) {
        Some(cookie) => app.context(request).open(cookie)?,
        None => None,
    };
    Ok(known.unwrap_or_else(|| KnownBrowser::new(app.accounts.entropy.id())))
}

/// A sign-in that is complete, as far as the browser becomes known by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CompleteSignIn<'a> {
    /// The account that is signed in now.
    pub(super) account: &'a Account,
    /// The name that the user typed; `None` for a sign-in without a name, such as with a passkey.
    pub(super) typed_name: Option<&'a str>,
    /// Whether more than one factor was proved.
    pub(super) has_factors: bool,
}

/// Sets the cookie after a sign-in that is complete. A sign-in at a provider, without a name and a second
/// factor here, is not remembered.
pub(super) fn remember_browser(
    (app, request): (&AppState, &Request),
    sign_in: CompleteSignIn<'_>,
    reply: Reply,
) -> Result<Reply, EndpointError> {
    let CompleteSignIn { account, typed_name, has_factors } = sign_in;
    if typed_name.is_none() && !has_factors {
        return Ok(reply);
    }
    let context = app.context(request);
    let mut browser = load_known_browser(app, request)?;
    if let Some(typed) = typed_name {
        // The browser is known by what was typed too, which may be an e-mail address.
        browser = browser.used_by(typed, request.now).used_by(&account.username, request.now);
    }
    if has_factors {
        let new_id = app.accounts.entropy.id();
        browser = browser.with_factor_of(&account.subject, new_id, context.store_now);
    }
    Ok(reply.cookie(CookiePurpose::KnownBrowser, &context.seal(&browser)?))
}
