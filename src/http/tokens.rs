//! Signing for a request's tenant.

use std::sync::Arc;

use super::{App, Failure, Request};
use crate::{
    keys::{JwtType, SigningKey},
    protocol::claims::Claims,
};

/// The key that signs for the request's tenant, with its default algorithm; while a new default is
/// only published yet, with the next one that signs.
pub(super) fn signing_key(request: &Request) -> Result<&Arc<SigningKey>, Failure> {
    let (tenant, now) = (&request.tenant, request.now);
    let keys = tenant.tenant.algorithms.iter();
    keys.filter_map(|algorithm| tenant.keys.signing_key(*algorithm, now))
        .next()
        .ok_or_else(|| Failure::Unavailable("no key of this tenant signs".to_owned()))
}

/// Signs claims.
pub(super) async fn sign(
    app: &App,
    request: &Request,
    typ: JwtType,
    claims: &Claims,
) -> Result<String, Failure> {
    let key = signing_key(request)?;
    let claims = serde_json::to_vec(claims).expect("claims serialise to memory");
    Ok(app.signer.sign(key, typ, claims).await?)
}
