//! Client authentication (RFC 6749 §2.3, OIDC Core §9). A request uses one method, which must be
//! the one registered for the client. The registration decides how credentials are checked, never
//! their own header.

mod assertion;
mod credentials;
mod federated;
mod federated_metadata;
mod refusal;

pub use assertion::{
    ASSERTION_TYPE, AcceptedAudiences, ReplayKey, check_assertion_claims, reused_assertion_error,
};
pub use credentials::{
    Credentials, has_grant_assertion, parse_credentials, parse_grant_assertion, sent_client_id,
};
pub use federated::{
    AssertionForm, FederatedAssertion, SPIFFE_ASSERTION_TYPE, check_federated_claims,
    matching_credentials,
};
pub use federated_metadata::FederatedIssuerMetadata;
pub use refusal::{
    not_the_registered_method, refused_by_token_review, throttled_client_error,
    too_many_assertions, unproven_assertion, unproven_client_error,
};

use std::{sync::Arc, time::Duration};

use aws_lc_rs::constant_time;

use credentials::ClientProof;
use refusal::{CredentialsRefusal, invalid_client_error};

use super::{
    error::{ErrorCode, OAuthError},
    jwt::UnverifiedJwt,
};
use crate::model::{AssertionPolicy, AuthMethod, Client, ClientAuthentication, Secret};

/// The result of checking credentials.
#[derive(Clone, Copy, Debug)]
pub enum CredentialsCheck<'a> {
    /// The secret is right, or the client is public and sent none. Nothing is left to verify.
    Authenticated(&'a Arc<Client>),
    /// Signature and claims of the client's assertion are still to be verified.
    Assertion(PendingAssertion<'a>),
    /// The client trusts identities of other issuers, and signature and claims of such an assertion
    /// are still to be verified.
    Federated(PendingFederatedAssertion<'a>),
    /// The certificate of the connection is still to be verified.
    Certificate(&'a Arc<Client>),
    /// The client did not register the assertion's method. The error says so
    /// ([`not_the_registered_method`]) if the client's secret has signed the
    /// assertion. The client is not authenticated.
    OtherMethod(PendingAssertion<'a>),
}

/// A client assertion that the registered method allows, not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct PendingAssertion<'a> {
    /// The client that the assertion is about.
    pub client: &'a Arc<Client>,
    /// The key that must have signed it.
    pub key: ClientVerificationKey<'a>,
    /// The policy that the client registered.
    pub policy: AssertionPolicy,
    /// The assertion as it was sent: a compact JWS.
    pub jws: &'a Secret<String>,
    /// The parsed contents of the assertion.
    pub jwt: &'a UnverifiedJwt,
}

/// An assertion of another issuer, not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct PendingFederatedAssertion<'a> {
    /// The client that it may authenticate.
    pub client: &'a Arc<Client>,
    /// The assertion as it was sent: a compact JWS.
    pub jws: &'a Secret<String>,
    /// The parsed contents of the assertion.
    pub assertion: FederatedAssertion<'a>,
}

/// The key that verifies what a client signs.
#[derive(Clone, Copy, Debug)]
pub enum ClientVerificationKey<'a> {
    /// One of the client secrets.
    Secrets(&'a [Secret<String>]),
    /// One of the public keys that the client registered.
    PublicKeys(&'a Client),
}

/// The error of a client authentication, with its kind for throttling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthError {
    /// The error of the response, most often `invalid_client`.
    pub error: OAuthError,
    /// Whether the client used the `Authorization` header, so that the response needs a challenge
    /// (RFC 6749 §5.2).
    pub challenge: bool,
    /// The kind of the failure.
    pub failure: ClientAuthFailure,
}

/// The kind of a failed client authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthFailure {
    /// The request is refused, even with a right secret.
    Refused,
    /// The secret is wrong, or the client is unknown: it may be a guess.
    WrongSecret,
    /// Too many wrong secrets came before. The secret was not checked; the caller has to wait.
    Throttled(Duration),
}

impl ClientAuthError {
    /// The error of an assertion that is a grant: the grant is invalid, not the client (RFC 7523 §3.1).
    #[must_use]
    pub fn of_grant(mut self) -> Self {
        if self.error.code == ErrorCode::InvalidClient {
            self.error.code = ErrorCode::InvalidGrant;
        }
        self
    }

    /// Returns the error of a request that is refused even with a right secret.
    pub const fn refused(error: OAuthError, challenge: bool) -> Self {
        Self { error, challenge, failure: ClientAuthFailure::Refused }
    }
}

/// Rule: the client is known, uses a method that it registered, and its secret is right or its assertion has an
/// allowed algorithm. The response is the same for every failure, so that it does not reveal whether the client
/// exists. Only a client with the right secret, or a public one, gets an error that names its registered method.
/// The exact reason is always logged.
pub fn check_credentials<'a>(
    client: Option<&'a Arc<Client>>,
    credentials: &'a Credentials,
) -> Result<CredentialsCheck<'a>, ClientAuthError> {
    let proof = &credentials.proof;
    let (error, is_wrong) = match client {
        None => (refusal::unknown_client(proof), true),
        Some(client) => match check_client_proof(client, proof) {
            Ok(checked) => return Ok(checked),
            Err(why) => (why.error(client, proof), matches!(why, CredentialsRefusal::WrongSecret)),
        },
    };
    let failure = if is_wrong && credentials.can_be_guessed() {
        ClientAuthFailure::WrongSecret
    } else {
        ClientAuthFailure::Refused
    };
    Err(ClientAuthError { error, challenge: credentials.challenge, failure })
}

fn check_client_proof<'a>(
    client: &'a Arc<Client>,
    proof: &'a ClientProof,
) -> Result<CredentialsCheck<'a>, CredentialsRefusal> {
    use ClientAuthentication as Registered;
    let pending = |key, policy, (jws, jwt)| PendingAssertion { client, key, policy, jws, jwt };
    match (&client.authentication, proof) {
        (Registered::None, ClientProof::None | ClientProof::Certificate) => {
            Ok(CredentialsCheck::Authenticated(client))
        }
        (
            Registered::TlsClientAuth { .. } | Registered::SelfSignedTls,
            ClientProof::Certificate,
        ) => Ok(CredentialsCheck::Certificate(client)),
        (Registered::None, ClientProof::Secret { .. }) => Err(CredentialsRefusal::PublicClient),
        (
            Registered::Secret { transport, secrets },
            ClientProof::Secret { transport: used, secrets: given },
        ) => {
            if !matches(secrets, given) {
                Err(CredentialsRefusal::WrongSecret)
            } else if transport.is_some_and(|registered| registered != *used) {
                Err(CredentialsRefusal::OtherMethod)
            } else {
                Ok(CredentialsCheck::Authenticated(client))
            }
        }
        (Registered::SecretJwt { secrets, .. }, ClientProof::Secret { secrets: given, .. }) => {
            Err(if matches(secrets, given) {
                CredentialsRefusal::OtherMethod
            } else {
                CredentialsRefusal::WrongSecret
            })
        }
        (Registered::SecretJwt { secrets, policy }, ClientProof::Assertion { jws, jwt }) => {
            let key = ClientVerificationKey::Secrets(secrets);
            check_algorithm(pending(key, *policy, (jws, jwt)))
        }
        (Registered::PrivateKeyJwt { policy }, ClientProof::Assertion { jws, jwt }) => {
            let key = ClientVerificationKey::PublicKeys(client);
            check_algorithm(pending(key, *policy, (jws, jwt)))
        }
        (Registered::PrivateKeyJwt { policy }, ClientProof::Federated { form, jws, jwt }) => {
            if client.federated_credentials.is_empty() && *form == AssertionForm::JwtBearer {
                // The client signs its assertions itself, so the error says what is wrong with this one.
                let key = ClientVerificationKey::PublicKeys(client);
                return check_algorithm(pending(key, *policy, (jws, jwt)));
            }
            let assertion = FederatedAssertion { form: *form, jwt };
            let pending = PendingFederatedAssertion { client, jws, assertion };
            Ok(CredentialsCheck::Federated(pending))
        }
        (Registered::Secret { secrets, .. }, ClientProof::Assertion { jws, jwt })
            if jwt.algorithm.is_symmetric() =>
        {
            let key = ClientVerificationKey::Secrets(secrets);
            let assertion = pending(key, AssertionPolicy::default(), (jws, jwt));
            Ok(CredentialsCheck::OtherMethod(assertion))
        }
        (_, ClientProof::None | ClientProof::Certificate) => Err(CredentialsRefusal::NoCredentials),
        _ => Err(CredentialsRefusal::UnprovenMethod),
    }
}

/// Checks the algorithm of an assertion.
fn check_algorithm(
    assertion: PendingAssertion<'_>,
) -> Result<CredentialsCheck<'_>, CredentialsRefusal> {
    let PendingAssertion { client, jwt, .. } = assertion;
    let is_allowed = client.may_sign_with(jwt.algorithm);
    if is_allowed && assertion::check_assertion_algorithm(&client.authentication, jwt.algorithm) {
        return Ok(CredentialsCheck::Assertion(assertion));
    }
    Err(CredentialsRefusal::Algorithm(assertion.policy.signing_alg))
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
