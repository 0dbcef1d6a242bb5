//! The errors of client authentication, with their public and their logged texts.

use std::time::Duration;

use super::{AuthMethod, ClientAuthError, ClientAuthFailure, credentials::ClientProof};
use crate::{
    model::{Client, JwsAlgorithm, WireEnum},
    protocol::error::{ErrorCode, OAuthError},
};

/// The description for failed authentications, so that it does not reveal whether the client exists.
const AUTHENTICATION_FAILED: &str = "Client authentication failed.";
/// The same for requests without credentials.
const NO_CREDENTIALS: &str = "Client authentication failed: the request has no client credentials.";

/// The reason why the credentials of a known client are refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum CredentialsRefusal {
    /// A confidential client sent only its client ID.
    NoCredentials,
    /// The secret is not the client's.
    WrongSecret,
    /// The client has no secret, and the request has one.
    PublicClient,
    /// The secret is right, but the client registered another method.
    OtherMethod,
    /// The client registered another method, and nothing proves that it sent the request.
    UnprovenMethod,
    /// The client did not register the algorithm of the assertion, or its method does not allow it.
    Algorithm(Option<JwsAlgorithm>),
}

impl CredentialsRefusal {
    pub(super) fn error(self, client: &Client, proof: &ClientProof) -> OAuthError {
        let used = proof.method();
        match self {
            Self::NoCredentials if client.authentication.method().has_certificate() => {
                missing_credentials(proof).because("no client certificate")
            }
            Self::NoCredentials => missing_credentials(proof).because("no credentials"),
            Self::WrongSecret => unproven_client_error("wrong secret"),
            Self::PublicClient | Self::OtherMethod => {
                return not_the_registered_method(client, used);
            }
            Self::UnprovenMethod => unproven_client_error("the method is not the registered one"),
            Self::Algorithm(registered) => {
                let registered = registered.map_or("any of its method", JwsAlgorithm::name);
                let received = proof.algorithm().map_or("none", JwsAlgorithm::name);
                let error = unproven_client_error("the algorithm is not the registered one");
                return error.mismatch(client, received, registered);
            }
        }
        .mismatch(client, used.as_str(), &registered_methods(client))
    }
}

/// Returns the error for a client that used a method that it did not register, and proved itself by
/// its secret or has none.
pub fn not_the_registered_method(client: &Client, used: AuthMethod) -> OAuthError {
    let registered = registered_methods(client);
    let text = if client.is_public() {
        format!(
            "This client is public and has no client secret ({registered}); the request used {used}. Send only the client_id."
        )
    } else {
        format!("This client uses {registered}; the request used {used}.")
    };
    invalid_client_error(&text).mismatch(client, used.as_str(), &registered)
}

/// Returns the error for credentials of an unknown client.
pub(super) fn unknown_client(proof: &ClientProof) -> OAuthError {
    missing_credentials(proof).because("unknown client")
}

/// Returns the error for a request without credentials of its client. It is the same for a client that authenticates
/// with a certificate.
fn missing_credentials(proof: &ClientProof) -> OAuthError {
    let is_none = matches!(proof, ClientProof::None);
    invalid_client_error(if is_none { NO_CREDENTIALS } else { AUTHENTICATION_FAILED })
}

/// Returns an error whose description the client may see.
pub(super) fn invalid_client_error(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, text)
}

/// Returns the error for credentials that do not prove the client, such as an assertion with a wrong
/// signature. The response is the same as for an unknown client.
pub fn unproven_client_error(why: &str) -> OAuthError {
    invalid_client_error(AUTHENTICATION_FAILED).because(why)
}

/// Returns the error for an assertion of another issuer that proves nothing. It does not show whether a client
/// trusts the issuer and subject. A request that `names_client` needs no hint.
pub fn unproven_assertion(names_client: bool, why: &str) -> OAuthError {
    if names_client {
        return unproven_client_error(why);
    }
    invalid_client_error(
        "Client authentication failed. The request has no client_id; send the one of the client. It may be left out only if exactly one client in the tenant's namespace trusts the issuer and subject of the client assertion.",
    )
    .because(why)
}

/// Returns the error for a token of a ServiceAccount that the API server does not accept any more.
pub fn refused_by_token_review() -> OAuthError {
    invalid_client_error(
        "The API server does not accept the ServiceAccount token any more: its Pod or ServiceAccount is gone.",
    )
}

/// Returns the error for an attempt that came too soon after wrong ones.
pub fn throttled_client_error(wait: Duration) -> ClientAuthError {
    let text = format!(
        "Too many requests with wrong credentials. Try again in {} seconds.",
        wait.as_secs().max(1)
    );
    ClientAuthError {
        error: OAuthError::new(ErrorCode::TemporarilyUnavailable, text),
        challenge: false,
        failure: ClientAuthFailure::Throttled(wait),
    }
}

/// The error of a client that has more unexpired assertions than are remembered for it.
pub fn too_many_assertions(wait: Duration) -> ClientAuthError {
    let text = format!(
        "The client has too many unexpired assertions, which must be remembered until they expire. Try again in {} seconds, or create assertions that expire after a minute.",
        wait.as_secs().max(1)
    );
    ClientAuthError {
        error: OAuthError::new(ErrorCode::TemporarilyUnavailable, text),
        challenge: false,
        failure: ClientAuthFailure::Throttled(wait),
    }
}

fn registered_methods(client: &Client) -> String {
    let methods = client.authentication.methods();
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    names.join(" or ")
}
