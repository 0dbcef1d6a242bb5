//! The cookie of a known browser, with which users have signed in before. It is sealed, so the
//! server stores no state and the cookie cannot be forged.

use super::{CookiePurpose, EndpointError, Request};
use crate::{
    http::AppState,
    keys::SealPurpose,
    protocol::{
        known_browser::KnownBrowser,
        records::{decode, encode},
    },
};

/// The known browser of the request, or a new one.
pub(crate) fn load(app: &AppState, request: &Request) -> Result<KnownBrowser, EndpointError> {
    let Some(cookie) = request.cookie(CookiePurpose::KnownBrowser) else {
        return Ok(KnownBrowser::new(app.accounts.entropy.id()));
    };
    let plain = request.sealer()?.open(SealPurpose::Cookie, &request.tenant.tenant.id, cookie);
    let known = plain.and_then(|plain| decode(&plain).ok());
    Ok(known.unwrap_or_else(|| KnownBrowser::new(app.accounts.entropy.id())))
}

/// The value of the cookie.
pub(crate) fn seal(
    app: &AppState,
    request: &Request,
    device: &KnownBrowser,
) -> Result<String, EndpointError> {
    let (tenant, plain) = (&request.tenant.tenant.id, encode(device));
    Ok(request.sealer()?.seal(
        SealPurpose::Cookie,
        tenant,
        &plain,
        &*app.accounts.entropy,
        request.now,
    ))
}
