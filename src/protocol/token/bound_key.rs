//! The key that the access token of a response is bound to (RFC 8705 §3, RFC 9449 §5).

use super::{
    UserGrant,
    sender::{missing_certificate_error, missing_proof_error},
};
use crate::{
    model::{Client, ResourceServer, TokenBinding},
    protocol::{
        dpop::invalid_dpop_proof,
        error::{ErrorCode, OAuthError},
        records::SenderBinding,
        sender_keys::{BoundKey, SenderKeys},
    },
};

/// Selects the key that the access token of a response is bound to. The resource server's requirement comes first,
/// then the client's registration, then the DPoP key of a proof. `is_bound`: whether the grant or the exchanged
/// token is bound, so that the token has to be bound too. Without a key it is refused, also if its grant type has not
/// checked the keys.
pub fn select_bound_key(
    client: &Client,
    server: Option<&ResourceServer>,
    keys: SenderKeys<'_>,
    is_bound: bool,
) -> Result<Option<BoundKey>, OAuthError> {
    let binds_to_certificate = client.details.tls_client_certificate_bound_access_tokens;
    let dpop = || keys.dpop.map(|key| BoundKey::Dpop(key.to_owned()));
    let certificate = || keys.certificate.map(|hash| BoundKey::Certificate(hash.to_owned()));
    let other = |registered: &str| {
        let text = format!(
            "Tokens for this resource are not bound as {registered} of the client says; request them with another client."
        );
        OAuthError::new(ErrorCode::InvalidTarget, text)
    };
    match server.map(|server| server.token_binding) {
        Some(TokenBinding::Dpop) if binds_to_certificate => {
            Err(other("tls_client_certificate_bound_access_tokens"))
        }
        Some(TokenBinding::MutualTls) if client.details.dpop_bound_access_tokens => {
            Err(other("dpop_bound_access_tokens"))
        }
        Some(TokenBinding::Dpop) => dpop().map(Some).ok_or_else(|| {
            invalid_dpop_proof(
                "Tokens for this resource are bound to a key; send a DPoP proof in the header 'DPoP'.",
            )
        }),
        Some(TokenBinding::MutualTls) => {
            let needed = || missing_certificate_error("Tokens for this resource are");
            certificate().map(Some).ok_or_else(needed)
        }
        Some(TokenBinding::Bearer) | None if binds_to_certificate => {
            let needed = || missing_certificate_error("The tokens of this client are");
            certificate().map(Some).ok_or_else(needed)
        }
        Some(TokenBinding::Bearer) | None => {
            let of_grant = || certificate().filter(|_| is_bound);
            match dpop().or_else(of_grant) {
                None if is_bound => Err(missing_proof_error()),
                key => Ok(key),
            }
        }
    }
}

/// Binds the grant of a public client to the certificate of its access token, if only the resource server requires
/// certificates. Refresh tokens of public clients are bound to the certificate too (RFC 8705 §4). An exchanged
/// token is of another grant, which stays as it is.
pub fn bind_public_grant(granted: &mut UserGrant, client: &Client, key: Option<&BoundKey>) {
    let is_own = granted.subject_token.is_none();
    if let Some(BoundKey::Certificate(hash)) = key
        && client.is_public()
        && is_own
        && granted.grant.binding.is_none()
    {
        granted.grant.binding = Some(SenderBinding::Certificate(hash.clone()));
    }
}
