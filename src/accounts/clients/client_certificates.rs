//! Certificates by which clients authenticate (RFC 8705 §2).

use super::client_jws_error::ClientJwsError;
use crate::{
    accounts::AccountContext,
    keys::{CertificateError, ParsedCertificate, PublicKeys, verify_issued_certificate},
    model::{Client, ClientAuthentication, ClientCertificate},
    protocol::{client_auth::unproven_client_error, error::OAuthError},
};

/// The reason why the certificate of a connection does not authenticate a client.
#[derive(Debug, thiserror::Error)]
enum CertificateRefusal {
    #[error("no certificate")]
    Missing,
    #[error("the client has no certificate")]
    OtherMethod,
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Keys(#[from] ClientJwsError),
}

/// Verifies that the certificate of a connection is the client's. The response does not say why it is not.
pub(super) async fn verify_certificate(
    context: AccountContext<'_>,
    client: &Client,
    certificate: Option<&ClientCertificate>,
) -> Result<(), OAuthError> {
    let verified = verify_by_method(context, client, certificate).await;
    verified.map_err(|refusal| unproven_client_error(&refusal.to_string()))
}

async fn verify_by_method(
    context: AccountContext<'_>,
    client: &Client,
    certificate: Option<&ClientCertificate>,
) -> Result<(), CertificateRefusal> {
    let certificate = certificate.ok_or(CertificateRefusal::Missing)?;
    match &client.authentication {
        ClientAuthentication::TlsClientAuth { certificate: rule } => {
            let rule = rule.as_ref().ok_or(CertificateError::NoAuthorities)?;
            let authorities = context.tenant.client_authorities(client);
            let authorities = authorities.ok_or(CertificateError::NoAuthorities)?;
            Ok(verify_issued_certificate(certificate, (&rule.subject, authorities), context.now)?)
        }
        ClientAuthentication::SelfSignedTls => {
            let parsed = ParsedCertificate::read(certificate.der())?;
            parsed.check_validity(context.now)?;
            parsed.check_key()?;
            verify_registered_key(context, client, &parsed).await
        }
        _ => Err(CertificateRefusal::OtherMethod),
    }
}

/// Verifies that the client registered the key of its certificate.
async fn verify_registered_key(
    context: AccountContext<'_>,
    client: &Client,
    certificate: &ParsedCertificate<'_>,
) -> Result<(), CertificateRefusal> {
    let registered = |keys: &PublicKeys| {
        let is_known = keys.has_certificate(certificate);
        is_known.then_some(()).ok_or(CertificateRefusal::from(CertificateError::OtherKey))
    };
    if let Some(keys) = context.tenant.public_keys(client) {
        return registered(keys);
    }
    let cache = &context.services.jwks_cache;
    let fetch = context.client_keys_client(client);
    let keys = cache.of(&fetch, client, context.now).await.map_err(ClientJwsError::from)?;
    if registered(&keys).is_ok() {
        return Ok(());
    }
    // The client may have rotated its keys.
    let renewed = cache.renewed(&fetch, client, context.now).await.map_err(ClientJwsError::from)?;
    registered(&renewed)
}
