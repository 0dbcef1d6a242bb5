//! The cookie of a known browser, with which users have signed in before. It is sealed, so the
//! server stores no state and the cookie cannot be forged.

use crate::{
    http::{AppState, CookiePurpose, EndpointError, Request},
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

/// The value of the cookie.
pub(super) fn seal_known_browser(
    app: &AppState,
    request: &Request,
    browser: &KnownBrowser,
) -> Result<String, EndpointError> {
    Ok(app.context(request).seal(browser)?)
}
