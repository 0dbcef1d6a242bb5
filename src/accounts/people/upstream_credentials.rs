//! The assertion by which a tenant authenticates at a provider.

use crate::{
    accounts::{
        AccountContext, AccountError,
        tokens::{
            signing_key_choice::{signing_key, signing_key_of_algorithm},
            token_issuer::sign_claims,
        },
    },
    keys::JwtType,
    model::{ClientAssertionAudience, Secret},
    protocol::{
        identity_provider::{OidcUpstream, UpstreamCredentials},
        upstream::{UpstreamMetadata, client_assertion_claims},
    },
};

/// An assertion for one request to the token endpoint of a provider; `None` if the tenant authenticates
/// in another way.
pub(in crate::accounts) async fn client_assertion(
    context: AccountContext<'_>,
    oidc: &OidcUpstream,
    metadata: &UpstreamMetadata,
) -> Result<Option<Secret<String>>, AccountError> {
    let UpstreamCredentials::PrivateKeyJwt { algorithm, audience } = &oidc.credentials else {
        return Ok(None);
    };
    let key = match algorithm {
        Some(algorithm) => signing_key_of_algorithm(context, *algorithm)?,
        None => signing_key(context)?,
    };
    let audience = match audience {
        ClientAssertionAudience::TokenEndpoint => &metadata.token_endpoint,
        ClientAssertionAudience::Issuer => &metadata.issuer,
    };
    let jti = context.services.entropy.token();
    let claims = client_assertion_claims(&oidc.client_id, audience, &jti, context.now);
    let signed = sign_claims(context.services, key, JwtType::ClientAssertion, &claims).await?;
    Ok(Some(Secret::new(signed)))
}
