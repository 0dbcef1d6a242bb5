//! The DPoP proof of a request.

use crate::{
    accounts::tokens::dpop_proofs::ReceivedProof, http::Request, protocol::error::OAuthError,
};

/// The DPoP proof that was sent, with the request that it has to be for.
pub(super) fn received_proof(request: &Request) -> Result<Option<ReceivedProof<'_>>, OAuthError> {
    let (method, endpoint) = (request.method.as_str(), request.endpoint);
    Ok(request.dpop_proof()?.map(|text| ReceivedProof { text, method, endpoint }))
}
