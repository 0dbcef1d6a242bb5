//! Client authentication (RFC 6749 §2.3, OIDC Core §9). A request uses one method, which must be
//! the one registered for the client. The registration decides how credentials are judged, never
//! their own header.

mod assertion;
mod credentials;

pub use assertion::{ASSERTION_TYPE, AcceptedAudiences, ReplayKey, check_claims, used_before};
pub use credentials::{ClientReference, Credentials, credentials};

use std::sync::Arc;

use aws_lc_rs::constant_time;

use credentials::ClientProof;

use super::{
    error::{ErrorCode, OAuthError},
    jwt::UnverifiedJwt,
};
use crate::model::{AssertionPolicy, Client, ClientAuthentication, Secret, SecretTransport};

/// The description for every failed authentication, so that it does not reveal whether the client
/// exists.
const AUTHENTICATION_FAILED: &str = "Client authentication failed.";

/// The result of checking credentials.
#[derive(Clone, Copy, Debug)]
pub enum CredentialsCheck<'a> {
    /// The client is authenticated.
    Authenticated(&'a Arc<Client>),
    /// Signature and claims of the client's assertion are still to be verified.
    Assertion(PendingAssertion<'a>),
}

/// A client assertion that the registered method allows, not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct PendingAssertion<'a> {
    /// The client.
    pub client: &'a Arc<Client>,
    /// The key that must have signed it.
    pub key: ClientVerificationKey<'a>,
    /// The policy that the client registered.
    pub policy: AssertionPolicy,
    /// The assertion.
    pub jws: &'a Secret<String>,
    /// Its parsed contents.
    pub jwt: &'a UnverifiedJwt,
}

/// The key that verifies what a client signs.
#[derive(Clone, Copy, Debug)]
pub enum ClientVerificationKey<'a> {
    /// One of the client secrets.
    Secrets(&'a [Secret<String>]),
    /// One of the public keys that the client registered.
    PublicKeys(&'a Client),
}

/// A failed client authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthError {
    /// The OAuth error.
    pub error: OAuthError,
    /// Whether the client used the `Authorization` header, so that the response needs a challenge
    /// (§5.2).
    pub challenge: bool,
}

/// Returns an error whose description the client may see.
fn refused(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, text)
}

/// Returns the error for an assertion whose signature could not be verified. The response is the
/// same as for an unknown client.
pub fn not_signed(why: &str) -> OAuthError {
    refused(AUTHENTICATION_FAILED).because(why)
}

/// Rule: the client is known, uses its registered method, and its secret is right or its assertion
/// has an allowed algorithm. The exact reason of a failure is only logged; the response is always
/// the same.
pub fn check<'a>(
    client: Option<&'a Arc<Client>>,
    credentials: &'a Credentials,
) -> Result<CredentialsCheck<'a>, ClientAuthError> {
    let why = match client {
        None => "unknown client",
        Some(client) => match judge(client, &credentials.proof) {
            Ok(checked) => return Ok(checked),
            Err(why) => why,
        },
    };
    Err(ClientAuthError {
        error: not_signed(why),
        challenge: credentials.proof.transport() == Some(SecretTransport::Header),
    })
}

fn judge<'a>(
    client: &'a Arc<Client>,
    proof: &'a ClientProof,
) -> Result<CredentialsCheck<'a>, &'static str> {
    use ClientAuthentication as Registered;
    match (&client.authentication, proof) {
        (Registered::None, ClientProof::None) => Ok(CredentialsCheck::Authenticated(client)),
        (
            Registered::Secret { transport, secrets },
            ClientProof::Secret { transport: used, secrets: given },
        ) if transport == used => {
            let authenticated = CredentialsCheck::Authenticated(client);
            matches(secrets, given).then_some(authenticated).ok_or("wrong secret")
        }
        (Registered::SecretJwt { secrets, policy }, ClientProof::Assertion { jws, jwt }) => {
            let key = ClientVerificationKey::Secrets(secrets);
            pending(PendingAssertion { client, key, policy: *policy, jws, jwt })
        }
        (Registered::PrivateKeyJwt { policy }, ClientProof::Assertion { jws, jwt }) => {
            let key = ClientVerificationKey::PublicKeys(client);
            pending(PendingAssertion { client, key, policy: *policy, jws, jwt })
        }
        _ => Err("not its registered method"),
    }
}

/// Checks the algorithm of an assertion.
fn pending(assertion: PendingAssertion<'_>) -> Result<CredentialsCheck<'_>, &'static str> {
    let method = &assertion.client.authentication;
    let allowed = assertion::check_algorithm(method, assertion.jwt.algorithm);
    allowed.then_some(CredentialsCheck::Assertion(assertion)).ok_or("not its registered algorithm")
}

/// Compares the given secrets with every secret of the client, each in constant time.
fn matches(registered: &[Secret<String>], given: &[Secret<String>]) -> bool {
    let pairs = registered
        .iter()
        .flat_map(|own| given.iter().map(move |given| (own.expose(), given.expose())));
    pairs.fold(false, |found, (own, given)| {
        let same = constant_time::verify_slices_are_equal(own.as_bytes(), given.as_bytes());
        found | same.is_ok()
    })
}

#[cfg(test)]
mod tests;
