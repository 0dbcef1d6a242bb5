//! Signing for a request's tenant.

use std::sync::Arc;

use super::{App, Failure, Request};
use crate::{
    keys::{JwtType, SigningKey},
    protocol::claims::Claims,
};

/// The key that signs for the request's tenant.
pub(super) fn signing_key(request: &Request) -> Result<&Arc<SigningKey>, Failure> {
    let key = request.tenant.signing_key(request.now);
    key.ok_or_else(|| Failure::Unavailable("the tenant has no key".to_owned()))
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
