//! The cookie by which a browser is known that people have signed in with: sealed, so that the server
//! keeps nothing, and nobody can make one up.

use super::{CookiePurpose, EndpointError, Request};
use crate::{
    http::AppState,
    keys::SealPurpose,
    protocol::{
        known_browser::KnownBrowser,
        records::{decode, encode},
    },
};

/// The browser that sent the request; a new one, if it is not known.
pub(crate) fn load(app: &AppState, request: &Request) -> Result<KnownBrowser, EndpointError> {
    let Some(cookie) = request.cookie(CookiePurpose::KnownBrowser) else {
        return Ok(KnownBrowser::new(app.entropy.id()));
    };
    let plain = request.sealer()?.open(SealPurpose::Cookie, &request.tenant.tenant.id, cookie);
    let known = plain.and_then(|plain| decode(&plain).ok());
    Ok(known.unwrap_or_else(|| KnownBrowser::new(app.entropy.id())))
}

/// The value of its cookie.
pub(crate) fn seal(
    app: &AppState,
    request: &Request,
    device: &KnownBrowser,
) -> Result<String, EndpointError> {
    let (tenant, plain) = (&request.tenant.tenant.id, encode(device));
    Ok(request.sealer()?.seal(SealPurpose::Cookie, tenant, &plain, &*app.entropy, request.now))
}
