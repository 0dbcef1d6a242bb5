//! The key that a grant's tokens are bound to, at each token request (RFC 9449 §5, §10).

use super::invalid_grant;
use crate::{
    model::Client,
    protocol::{
        dpop::invalid_dpop_proof,
        error::{ErrorCode, OAuthError},
        records::SenderBinding,
    },
};

/// Rule: a client that has to bind its tokens sends a proof (RFC 9449 §5.2).
pub fn check_proof_is_sent(client: &Client, key: Option<&str>) -> Result<(), OAuthError> {
    if key.is_some() || !client.details.dpop_bound_access_tokens {
        return Ok(());
    }
    Err(invalid_dpop_proof(
        "This client must send a DPoP proof in the header 'DPoP', because its tokens are bound to a key.",
    ))
}

/// Checks the key of a request (its thumbprint) against the binding of the grant, and returns the binding for
/// later requests. A binding is never removed. A failure spends and revokes nothing, because it may be that of
/// a thief.
pub(super) fn bind_sender(
    binding: Option<&SenderBinding>,
    client: &Client,
    key: Option<&str>,
) -> Result<Option<SenderBinding>, OAuthError> {
    match (binding, key) {
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(invalid_dpop_proof(
                "The tokens are bound to a key; send a DPoP proof in the header 'DPoP'.",
            ));
        }
        (Some(SenderBinding::DpopKey(bound)), Some(key)) if bound != key => {
            return Err(invalid_grant("The DPoP proof is of another key than that of the grant."));
        }
        (_, Some(_)) => {}
    }
    let of_client = |key: &str| {
        if client.is_public() {
            SenderBinding::DpopKey(key.to_owned())
        } else {
            SenderBinding::AnyDpopKey
        }
    };
    Ok(key.map(of_client))
}

/// Checks the key of a request (its thumbprint) that exchanges a token: the key of the token, or else that of its
/// grant. So a bound token is exchanged only by its holder, for one that is bound too (RFC 9449 §7).
pub(super) fn check_subject_key(
    token: Option<&str>,
    grant: Option<&SenderBinding>,
    key: Option<&str>,
) -> Result<(), OAuthError> {
    let bound = match (token, grant) {
        (Some(bound), _) => Some(bound),
        (None, Some(SenderBinding::DpopKey(bound))) => Some(bound.as_str()),
        (None, Some(SenderBinding::AnyDpopKey)) => None,
        (None, None) => return Ok(()),
    };
    let Some(key) = key else {
        return Err(invalid_dpop_proof(
            "The subject token is bound to a key; send a DPoP proof of it in the header 'DPoP'.",
        ));
    };
    if bound.is_some_and(|bound| bound != key) {
        let text = "The DPoP proof is of another key than that of the subject token.";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{ClientAuthentication, ClientDetails, fixtures};

    fn key(name: &str) -> SenderBinding {
        SenderBinding::DpopKey(name.to_owned())
    }

    #[test]
    fn a_binding_is_never_removed() {
        // RFC 9449 §5
        let confidential = fixtures::client();
        let public = Client { authentication: ClientAuthentication::None, ..fixtures::client() };
        let any = SenderBinding::AnyDpopKey;
        for (binding, client, sent, expected) in [
            (None, &public, None, Ok(None)),
            (None, &public, Some("one"), Ok(Some(key("one")))),
            (Some(key("one")), &public, Some("one"), Ok(Some(key("one")))),
            (Some(key("one")), &public, Some("two"), Err(ErrorCode::InvalidGrant)),
            (Some(key("one")), &public, None, Err(ErrorCode::InvalidDpopProof)),
            (None, &confidential, Some("one"), Ok(Some(any.clone()))),
            (Some(key("one")), &confidential, Some("one"), Ok(Some(any.clone()))),
            (Some(key("one")), &confidential, Some("two"), Err(ErrorCode::InvalidGrant)),
            (Some(any.clone()), &confidential, Some("two"), Ok(Some(any.clone()))),
            (Some(any.clone()), &confidential, None, Err(ErrorCode::InvalidDpopProof)),
            (Some(any.clone()), &public, Some("one"), Ok(Some(key("one")))),
        ] {
            let found = bind_sender(binding.as_ref(), client, sent).map_err(|error| error.code);
            assert_eq!(found, expected, "{binding:?} {sent:?}");
        }
    }

    #[test]
    fn a_bound_token_is_exchanged_with_its_key_only() {
        let (one, any) = (key("one"), SenderBinding::AnyDpopKey);
        for (token, grant, sent, expected) in [
            (None, None, None, Ok(())),
            (None, None, Some("two"), Ok(())),
            (Some("one"), None, Some("one"), Ok(())),
            (Some("one"), Some(&any), None, Err(ErrorCode::InvalidDpopProof)),
            (Some("one"), Some(&any), Some("two"), Err(ErrorCode::InvalidRequest)),
            (None, Some(&any), None, Err(ErrorCode::InvalidDpopProof)),
            (None, Some(&any), Some("two"), Ok(())),
            (None, Some(&one), None, Err(ErrorCode::InvalidDpopProof)),
            (None, Some(&one), Some("two"), Err(ErrorCode::InvalidRequest)),
            (None, Some(&one), Some("one"), Ok(())),
        ] {
            let found = check_subject_key(token, grant, sent).map_err(|error| error.code);
            assert_eq!(found, expected, "{token:?} {grant:?} {sent:?}");
        }
    }

    #[test]
    fn a_client_with_bound_tokens_sends_a_proof() {
        // RFC 9449 §5.2
        let details = ClientDetails { dpop_bound_access_tokens: true, ..ClientDetails::default() };
        let bound = Client { details: Arc::new(details), ..fixtures::client() };
        assert!(check_proof_is_sent(&bound, None).is_err());
        assert!(check_proof_is_sent(&bound, Some("one")).is_ok());
        assert!(check_proof_is_sent(&fixtures::client(), None).is_ok());
    }
}
