//! Client authentication by assertions of other issuers.

use std::{borrow::Cow, sync::Arc};

use super::client_jws_error::ClientJwsError;
use crate::{
    accounts::{AccountContext, AccountError, RequestError},
    keys::{JwsError, PublicKeys, SignedAssertion},
    model::{
        Client, ClusterTokenError, FederatedCredential, FederatedIssuer, SERVICE_ACCOUNT_PREFIX,
        Secret, TokenValidation,
    },
    protocol::{
        client_auth::{
            self, AssertionForm, ClientAuthError, Credentials, FederatedAssertion,
            PendingFederatedAssertion,
        },
        error::OAuthError,
    },
    registry::ServedTenant,
};

/// Maximum number of key sets that verify one assertion. The credentials of an issuer share one, and a
/// second is there after the issuer's keys were fetched again.
const MAX_KEY_SETS: usize = 3;

/// The client of a request. The request names it, or it is the only client of the tenant's namespace that trusts
/// exactly the identity in the assertion. For a ServiceAccount of the cluster, the ServiceAccount's own namespace
/// takes the place of the tenant's. `None` if no client has the ID in the request.
pub(super) fn identify_client<'a>(
    tenant: &'a ServedTenant,
    credentials: &Credentials,
    cluster: Option<&str>,
) -> Result<Option<Cow<'a, Arc<Client>>>, ClientAuthError> {
    if let Some(id) = &credentials.client_id {
        return Ok(tenant.client(id));
    }
    let assertion = credentials.federated();
    let trusting = assertion.and_then(|assertion| {
        let (clients, subject) = (&tenant.federated_clients, assertion.subject());
        let of_account = || clients.only_client_of_service_account(subject);
        let only = match assertion.issuer()? {
            issuer if cluster == Some(issuer) => of_account(),
            // The issuer of the cluster may have changed just now.
            issuer => clients.only_client(issuer, subject).or_else(of_account),
        };
        tenant.client(only?.as_str())
    });
    // An application that signs its own assertions with a wrong `iss` learns what is wrong.
    let itself = || assertion.and_then(|assertion| tenant.client(assertion.subject()));
    match trusting.or_else(itself) {
        Some(client) => Ok(Some(client)),
        None => {
            let identity = assertion.map(FederatedAssertion::identity).unwrap_or_default();
            let why = format!(
                "without client_id: no client in the tenant's namespace, or more than one, trusts {identity} exactly"
            );
            Err(ClientAuthError::refused(client_auth::unproven_assertion(false, &why), false))
        }
    }
}

/// Verifies signature and claims for each credential of the client that the assertion may be for.
/// One has to accept it. The same assertion is accepted again until it expires.
pub(super) async fn verify_federated(
    context: AccountContext<'_>,
    pending: PendingFederatedAssertion<'_>,
    (names_client, cluster): (bool, Option<&str>),
) -> Result<(), RequestError<OAuthError>> {
    let PendingFederatedAssertion { client, jws, assertion } = pending;
    let mut refused = None;
    let cluster = current_cluster(context, pending, cluster).await;
    let cluster = cluster.as_deref();
    let mut unverified = unmatched(context, pending, cluster).await;
    if may_be_of_cluster(context, assertion, cluster) {
        let error = client_auth::unproven_assertion(names_client, &unverified);
        return Err(RequestError::Refused(error));
    }
    let signed = SignedAssertion {
        jws: jws.expose(),
        algorithm: assertion.jwt.algorithm,
        kid: assertion.jwt.kid.as_deref(),
        is_svid: assertion.form == AssertionForm::JwtSpiffe,
    };
    let mut verifier = AssertionVerifier { context, signed, verified: Vec::new() };
    for (index, credential) in client_auth::matching_credentials(client, assertion, cluster) {
        let of = CredentialKeys { client, index, credential };
        if let Err(error) = verifier.verify_signature(of).await? {
            unverified = error.to_string();
            continue;
        }
        if let Err(error) = client_auth::check_federated_claims(credential, assertion, context.now)
        {
            refused = Some(error);
            continue;
        }
        match review(context, credential, jws).await {
            Ok(true) => return Ok(()),
            Ok(false) => refused = Some(client_auth::refused_by_token_review()),
            Err(error) => unverified = error.to_string(),
        }
    }
    let unproven = || client_auth::unproven_assertion(names_client, &unverified);
    Err(RequestError::Refused(refused.unwrap_or_else(unproven)))
}

/// The issuer of the cluster. If the assertion is about a ServiceAccount of the client and of another issuer,
/// the API server is asked whether its issuer has changed.
async fn current_cluster(
    context: AccountContext<'_>,
    PendingFederatedAssertion { client, assertion, .. }: PendingFederatedAssertion<'_>,
    cluster: Option<&str>,
) -> Option<Arc<str>> {
    let known = cluster?;
    let is_other = assertion.issuer().is_some_and(|issuer| issuer != known);
    if is_other && is_about_account(client, assertion) {
        let renewed = context.services.cluster_tokens.keys(context.now, true).await;
        return renewed.ok().map(|keys| keys.issuer).or_else(|| Some(known.into()));
    }
    Some(known.into())
}

/// Returns true if the issuer of the cluster is unknown, and an assertion is about a ServiceAccount. It may be of the
/// cluster then, whose tokens no `issuer` in a manifest accepts.
fn may_be_of_cluster(
    context: AccountContext<'_>,
    assertion: FederatedAssertion<'_>,
    cluster: Option<&str>,
) -> bool {
    cluster.is_none()
        && context.services.cluster_tokens.has_cluster()
        && assertion.subject().starts_with(SERVICE_ACCOUNT_PREFIX)
}

/// Returns true if an assertion has the subject of a ServiceAccount of the client.
fn is_about_account(client: &Client, assertion: FederatedAssertion<'_>) -> bool {
    client.federated_credentials.iter().any(|it| {
        matches!(it.issuer, FederatedIssuer::Cluster { .. })
            && it.subject.matches(assertion.subject())
    })
}

/// The reason for a refusal if no credential fits.
async fn unmatched(
    context: AccountContext<'_>,
    PendingFederatedAssertion { client, assertion, .. }: PendingFederatedAssertion<'_>,
    cluster: Option<&str>,
) -> String {
    if cluster.is_none()
        && is_about_account(client, assertion)
        && let Err(error) = context.services.cluster_tokens.keys(context.now, false).await
    {
        return error.to_string();
    }
    if may_be_of_cluster(context, assertion, cluster) {
        let error = context.services.cluster_tokens.keys(context.now, false).await.err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        return format!(
            "{} may be of this cluster, whose issuer is not known yet ({error})",
            assertion.identity()
        );
    }
    if cluster.is_some() && assertion.issuer() == cluster {
        return format!(
            "{} are of this cluster, but no serviceAccountRef of the client names that ServiceAccount; `issuer` cannot be used for this cluster",
            assertion.identity()
        );
    }
    format!("no federated credential has {}", assertion.identity())
}

/// Asks the API server about a token, if its credential wants that.
async fn review(
    context: AccountContext<'_>,
    credential: &FederatedCredential,
    jws: &Secret<String>,
) -> Result<bool, ClusterTokenError> {
    let FederatedIssuer::Cluster { validation: TokenValidation::TokenReview } = credential.issuer
    else {
        return Ok(true);
    };
    context.services.cluster_tokens.review(jws, &credential.audience, context.now).await
}

/// The credential whose keys verify an assertion.
#[derive(Clone, Copy)]
struct CredentialKeys<'a> {
    client: &'a Client,
    index: usize,
    credential: &'a FederatedCredential,
}

/// Verifies the signature of one assertion by a few keys only. A wrong assertion must cost little, even at a client
/// with many credentials and keys.
struct AssertionVerifier<'a> {
    context: AccountContext<'a>,
    signed: SignedAssertion<'a>,
    /// The key sets that were tried.
    verified: Vec<(Arc<PublicKeys>, Result<(), JwsError>)>,
}

impl AssertionVerifier<'_> {
    /// The outer error: a service failed. The inner error: the signature is not that of the credential.
    async fn verify_signature(
        &mut self,
        CredentialKeys { client, index, credential }: CredentialKeys<'_>,
    ) -> Result<Result<(), ClientJwsError>, AccountError> {
        let context = self.context;
        let FederatedIssuer::Named { issuer, .. } = &credential.issuer else {
            return self.verify_by_cluster().await;
        };
        if let Some(keys) = context.tenant.federated_clients.keys(client, index) {
            return self.verify_with(Arc::clone(keys)).await;
        }
        let (cache, fetch) =
            (&context.services.federated_issuers, context.federated_issuer_client(client));
        let of = (context.tenant_id(), &**issuer);
        let keys = match cache.keys(&fetch, of, context.now, false).await {
            Ok(keys) => keys,
            Err(error) => return Ok(Err(error.into())),
        };
        match self.verify_with(keys).await? {
            Err(ClientJwsError::Signature(JwsError::UnknownKey)) => {
                // The issuer may have rotated its keys.
                match cache.keys(&fetch, of, context.now, true).await {
                    Ok(keys) => self.verify_with(keys).await,
                    Err(error) => Ok(Err(error.into())),
                }
            }
            verified => Ok(verified),
        }
    }

    /// Verifies the signature by the keys of the cluster.
    async fn verify_by_cluster(&mut self) -> Result<Result<(), ClientJwsError>, AccountError> {
        let (cache, now) = (&self.context.services.cluster_tokens, self.context.now);
        let found = match cache.keys(now, false).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.into())),
        };
        match self.verify_with(found.keys).await? {
            Err(ClientJwsError::Signature(JwsError::UnknownKey)) => {
                // The cluster may have rotated its keys.
                match cache.keys(now, true).await {
                    Ok(found) => self.verify_with(found.keys).await,
                    Err(error) => Ok(Err(error.into())),
                }
            }
            verified => Ok(verified),
        }
    }

    /// Verifies the signature by keys, unless they were tried before.
    async fn verify_with(
        &mut self,
        keys: Arc<PublicKeys>,
    ) -> Result<Result<(), ClientJwsError>, AccountError> {
        let tried = self.verified.iter().find(|(tried, _)| Arc::ptr_eq(tried, &keys));
        if let Some((_, verified)) = tried {
            return Ok(verified.map_err(ClientJwsError::Signature));
        }
        if self.verified.len() == MAX_KEY_SETS {
            return Ok(Err(ClientJwsError::TooManyKeySets(MAX_KEY_SETS)));
        }
        let services = self.context.services;
        let cache = &services.verified_signature_cache;
        let verified = cache.verify(&services.signer, &keys, self.signed).await?;
        self.verified.push((keys, verified));
        Ok(verified.map_err(ClientJwsError::Signature))
    }
}
