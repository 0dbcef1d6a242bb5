//! The cookie by which a browser is known that people have signed in with: sealed, so that the server
//! keeps nothing, and nobody can make one up.

use super::{App, CookiePurpose, Failure, Request};
use crate::{
    keys::Purpose,
    protocol::{
        device::Device,
        records::{decode, encode},
    },
};

/// The browser that sent the request; a new one, if it is not known.
pub(super) fn load(app: &App, request: &Request) -> Result<Device, Failure> {
    let Some(cookie) = request.cookie(CookiePurpose::Device) else {
        return Ok(Device::new(app.entropy.id()));
    };
    let plain = request.sealer()?.open(Purpose::Cookie, &request.tenant.tenant.id, cookie);
    let known = plain.and_then(|plain| decode(&plain).ok());
    Ok(known.unwrap_or_else(|| Device::new(app.entropy.id())))
}

/// The value of its cookie.
pub(super) fn seal(app: &App, request: &Request, device: &Device) -> Result<String, Failure> {
    let (tenant, plain) = (&request.tenant.tenant.id, encode(device));
    Ok(request.sealer()?.seal(Purpose::Cookie, tenant, &plain, &*app.entropy, request.now))
}
