//! Client authentication by assertions of other issuers.

use std::sync::Arc;

use super::{AccountContext, client_jws_error::ClientJwsError};
use crate::{
    keys::{JwsError, PublicKeys, SignedAssertion},
    model::{Client, FederatedCredential},
    protocol::{
        client_auth::{
            self, AssertionForm, ClientAuthError, Credentials, FederatedAssertion,
            PendingFederatedAssertion,
        },
        error::OAuthError,
    },
    registry::ServedTenant,
};

/// The client that a request is from: the one that it names, or else the only one that trusts the
/// identity in the assertion. `None` if no client has the ID in the request.
pub(super) fn client_of<'a>(
    tenant: &'a ServedTenant,
    credentials: &Credentials,
) -> Result<Option<&'a Arc<Client>>, ClientAuthError> {
    if let Some(id) = &credentials.client_id {
        return Ok(tenant.client(id));
    }
    let assertion = credentials.federated();
    let trusting = assertion.and_then(|assertion| {
        let only =
            tenant.federated_clients.only_client(assertion.issuer()?, assertion.subject())?;
        tenant.client(only.as_str())
    });
    // An application that signs its own assertions with a wrong `iss` learns what is wrong.
    let itself = || assertion.and_then(|assertion| tenant.client(assertion.subject()));
    match trusting.or_else(itself) {
        Some(client) => Ok(Some(client)),
        None => {
            let identity = assertion.map(FederatedAssertion::identity).unwrap_or_default();
            let why = format!("no client, or more than one, trusts {identity} exactly");
            Err(ClientAuthError::refused(client_auth::unproven_assertion(false, &why), false))
        }
    }
}

/// Verifies signature and claims for each credential of the client that the assertion may be for.
/// One has to accept it. The same assertion is accepted again until it expires.
pub(super) async fn verify_federated(
    context: AccountContext<'_>,
    pending: PendingFederatedAssertion<'_>,
    names_client: bool,
) -> Result<(), OAuthError> {
    let PendingFederatedAssertion { client, jws, assertion } = pending;
    let mut refused = None;
    let mut unverified = format!("no federated credential has {}", assertion.identity());
    for (index, credential) in client_auth::matching_credentials(client, assertion) {
        let of = CredentialKeys { client, index, credential };
        if let Err(error) = verify_signature(context, of, (jws.expose(), assertion)).await {
            unverified = error.to_string();
            continue;
        }
        match client_auth::check_federated_claims(credential, assertion, context.now) {
            Ok(()) => return Ok(()),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| client_auth::unproven_assertion(names_client, &unverified)))
}

/// The credential whose keys verify an assertion.
#[derive(Clone, Copy)]
struct CredentialKeys<'a> {
    client: &'a Client,
    index: usize,
    credential: &'a FederatedCredential,
}

async fn verify_signature(
    context: AccountContext<'_>,
    CredentialKeys { client, index, credential }: CredentialKeys<'_>,
    (jws, assertion): (&str, FederatedAssertion<'_>),
) -> Result<(), ClientJwsError> {
    let signed = SignedAssertion {
        jws,
        algorithm: assertion.jwt.algorithm,
        kid: assertion.jwt.kid.as_deref(),
        is_svid: assertion.form == AssertionForm::JwtSpiffe,
    };
    let verified = &context.services.verified_signature_cache;
    let verify = |keys: &Arc<PublicKeys>| verified.verify(keys, signed);
    if let Some(keys) = context.tenant.federated_clients.keys(client, index) {
        return Ok(verify(keys)?);
    }
    let (cache, fetch) =
        (&context.services.federated_issuers, context.federated_issuer_client(client));
    let of = (context.tenant_id(), &*credential.issuer);
    let keys = cache.keys(&fetch, of, context.now, false).await?;
    match verify(&keys) {
        Err(JwsError::UnknownKey) => {
            // The issuer may have rotated its keys.
            let keys = cache.keys(&fetch, of, context.now, true).await?;
            Ok(verify(&keys)?)
        }
        verified => Ok(verified?),
    }
}
