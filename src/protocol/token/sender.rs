//! The key that a grant is bound to, at each token request (RFC 8705 §3, §4; RFC 9449 §5, §10). The key of the access
//! token is selected by `bound_key`.

use super::invalid_grant;
use crate::{
    model::Client,
    protocol::{
        dpop::invalid_dpop_proof,
        error::{ErrorCode, OAuthError},
        records::SenderBinding,
        sender_keys::{BoundKey, SenderKeys},
    },
};

/// The error for a request without the certificate that its tokens are bound to.
pub(super) fn missing_certificate_error(what: &str) -> OAuthError {
    let text = format!(
        "{what} bound to a certificate; send the request with it, to the address in 'mtls_endpoint_aliases' of the discovery document."
    );
    OAuthError::new(ErrorCode::InvalidRequest, text)
}

/// The error for a request without a proof of the key that its tokens are bound to.
pub(super) fn missing_proof_error() -> OAuthError {
    invalid_dpop_proof("The tokens are bound to a key; send a DPoP proof in the header 'DPoP'.")
}

/// Rule: a client that has to bind its tokens sends a proof (RFC 9449 §5.2) or a certificate (RFC 8705 §3.4).
pub fn check_proof_is_sent(client: &Client, keys: SenderKeys<'_>) -> Result<(), OAuthError> {
    let details = &client.details;
    if details.tls_client_certificate_bound_access_tokens && keys.certificate.is_none() {
        return Err(missing_certificate_error("The tokens of this client are"));
    }
    if details.dpop_bound_access_tokens && keys.dpop.is_none() {
        return Err(invalid_dpop_proof(
            "This client must send a DPoP proof in the header 'DPoP', because its tokens are bound to a key.",
        ));
    }
    Ok(())
}

/// Checks the keys of a request against the binding of the grant, and returns the binding for later requests. A
/// binding is never removed. A failure spends and revokes nothing, because a thief may have caused it.
pub(super) fn bind_sender(
    binding: Option<&SenderBinding>,
    client: &Client,
    keys: SenderKeys<'_>,
) -> Result<Option<SenderBinding>, OAuthError> {
    let by_certificate = match binding {
        None => client.details.tls_client_certificate_bound_access_tokens,
        Some(SenderBinding::DpopKey(_) | SenderBinding::AnyDpopKey) => false,
        Some(SenderBinding::Certificate(_) | SenderBinding::AnyCertificate) => true,
    };
    let sent = if by_certificate { keys.certificate } else { keys.dpop };
    let Some(sent) = sent else {
        return match binding {
            None => Ok(None),
            Some(_) if by_certificate => Err(missing_certificate_error("The tokens are")),
            Some(_) => Err(missing_proof_error()),
        };
    };
    match binding {
        Some(SenderBinding::DpopKey(bound)) if bound != sent => Err(invalid_grant(
            "The DPoP proof was made with a different key than the grant is bound to.",
        )),
        Some(SenderBinding::Certificate(bound)) if bound != sent => {
            Err(invalid_grant("The grant is bound to a different certificate."))
        }
        _ => Ok(Some(match (by_certificate, client.is_public()) {
            (false, true) => SenderBinding::DpopKey(sent.to_owned()),
            (false, false) => SenderBinding::AnyDpopKey,
            (true, true) => SenderBinding::Certificate(sent.to_owned()),
            (true, false) => SenderBinding::AnyCertificate,
        })),
    }
}

/// Checks the keys of a request that exchanges a token: the key of the token, or else that of its grant. So a bound
/// token is exchanged only by its holder, for a token that is bound too (RFC 9449 §7).
pub(super) fn check_subject_key(
    token: Option<&BoundKey>,
    grant: Option<&SenderBinding>,
    keys: SenderKeys<'_>,
) -> Result<(), OAuthError> {
    check_key_of("subject token", (token, grant), keys)
}

/// Checks the keys of a request that exchanges a token against the key of its actor token. It is a separate rule:
/// the key of the actor token never replaces that of the subject token or its grant.
pub(super) fn check_actor_key(
    token: Option<&BoundKey>,
    keys: SenderKeys<'_>,
) -> Result<(), OAuthError> {
    check_key_of("actor token", (token, None), keys)
}

/// Checks the keys of a request against the key of one of its tokens, or else that of the token's grant.
fn check_key_of(
    kind: &str,
    (token, grant): (Option<&BoundKey>, Option<&SenderBinding>),
    keys: SenderKeys<'_>,
) -> Result<(), OAuthError> {
    let (bound, by_certificate) = match (token, grant) {
        (Some(BoundKey::Dpop(bound)), _) | (None, Some(SenderBinding::DpopKey(bound))) => {
            (Some(bound), false)
        }
        (Some(BoundKey::Certificate(bound)), _)
        | (None, Some(SenderBinding::Certificate(bound))) => (Some(bound), true),
        (None, Some(SenderBinding::AnyDpopKey)) => (None, false),
        (None, Some(SenderBinding::AnyCertificate)) => (None, true),
        (None, None) => return Ok(()),
    };
    let sent = if by_certificate { keys.certificate } else { keys.dpop };
    let Some(sent) = sent else {
        return Err(if by_certificate {
            missing_certificate_error(&format!("The {kind} is"))
        } else {
            invalid_dpop_proof(format!(
                "The {kind} is bound to a key; send a DPoP proof of it in the header 'DPoP'."
            ))
        });
    };
    if bound.is_some_and(|bound| bound != sent) {
        let text = if by_certificate {
            format!("The {kind} is bound to a different certificate.")
        } else {
            format!("The DPoP proof was made with a different key than the {kind} is bound to.")
        };
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
