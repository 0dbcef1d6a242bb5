//! DPoP proofs of requests (RFC 9449): verified, and used up once across all replicas.

use std::iter;

use crate::{
    accounts::{
        AccountContext, RequestError,
        records::budgeted_records::{insert_within_budget, marker_record},
    },
    identity::RecordMaker,
    keys::PublicKeys,
    model::{Client, Endpoint, JwsAlgorithm},
    protocol::{
        dpop::{DpopProof, ProofTarget, UsedProof, check_proof_algorithm, invalid_dpop_proof},
        error::OAuthError,
        session::CLOCK_SKEW,
    },
    store::RecordKind,
};

/// The header `DPoP` of a request, and what it has to be for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedProof<'a> {
    /// The value of the header: a JWT (RFC 9449 §4.2) that is not verified yet.
    pub(crate) text: &'a str,
    /// The method of the request.
    pub(crate) method: &'a str,
    /// The endpoint that received it.
    pub(crate) endpoint: Endpoint,
}

/// A proof whose signature and claims are right.
#[derive(Debug)]
pub(crate) struct VerifiedProof {
    key: String,
    algorithm: JwsAlgorithm,
    /// `None` after it was used up by this request.
    unused: Option<UsedProof>,
}

impl VerifiedProof {
    /// The thumbprint of the key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The proof, if the client may make it with its algorithm.
    pub(crate) fn of_client(self, client: &Client) -> Result<Self, OAuthError> {
        check_proof_algorithm(client, self.algorithm).map(|()| self)
    }
}

/// Verifies a proof that is sent with this access token, if with one.
pub(crate) fn verify_proof(
    context: AccountContext<'_>,
    received: ReceivedProof<'_>,
    access_token: Option<&str>,
) -> Result<VerifiedProof, OAuthError> {
    let proof = DpopProof::read(received.text)?;
    let key = PublicKeys::of_header(&proof.jwk);
    key.verify(received.text, proof.jwt.algorithm, None).map_err(|error| {
        invalid_dpop_proof("The DPoP proof is not signed with the key that it contains.")
            .because(error.to_string())
    })?;
    let urls = endpoint_urls(context, received.endpoint, proof.jwt.text("htu"));
    let target = ProofTarget { method: received.method, urls: &urls, access_token };
    let used = proof.check_claims(target, context.now)?;
    let algorithm = proof.jwt.algorithm;
    Ok(VerifiedProof { key: proof.thumbprint, algorithm, unused: Some(used) })
}

/// Uses up a proof: once at all replicas, and once for this request. The client has
/// authenticated, or its grant is proven, and each maker has a budget. `makers`: the person of the grant, or the makers of
/// a client without one.
pub(crate) async fn use_proof<'m>(
    context: AccountContext<'_>,
    makers: impl IntoIterator<Item = RecordMaker<'m>>,
    proof: Option<&mut VerifiedProof>,
) -> Result<(), RequestError<OAuthError>> {
    let Some(used) = proof.and_then(|proof| proof.unused.take()) else { return Ok(()) };
    let key = context.key(RecordKind::DpopProof, used.id);
    let record = marker_record(key, used.expires_at.plus(CLOCK_SKEW));
    let budget = (&context.services.proof_budget, makers);
    let is_new = insert_within_budget(context, budget, record).await?;
    if is_new { Ok(()) } else { Err(reused_proof_error().into()) }
}

fn reused_proof_error() -> OAuthError {
    invalid_dpop_proof(
        "The DPoP proof was used before; make a new one, with another 'jti', for each request.",
    )
}

/// The URLs of an endpoint: below the issuer, inside the cluster, and where clients present certificates. Only the
/// first of them if it is the `htu` of the proof, as that of nearly all clients is.
fn endpoint_urls(
    context: AccountContext<'_>,
    endpoint: Endpoint,
    htu: Option<&str>,
) -> Vec<String> {
    let tenant = &context.tenant.tenant;
    let own = endpoint.url(&tenant.issuer);
    if htu == Some(own.as_str()) {
        return vec![own];
    }
    let path = endpoint.path().unwrap_or_default();
    let internal = tenant.other_urls().filter(|_| endpoint.is_internal());
    iter::once(own).chain(internal.map(|url| format!("{url}{path}"))).collect()
}
