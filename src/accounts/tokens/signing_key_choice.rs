//! The choice of the key that signs a token: by the client, by the resource server, or the tenant's default.

use std::sync::Arc;

use crate::{
    accounts::{AccountContext, AccountError},
    keys::SigningKey,
    model::{Client, IdTokenAlgorithm, ResourceServer, SigningAlgorithm},
    protocol::token_hash::left_half_hash,
};

/// The tenant's current signing key.
pub(crate) fn signing_key(context: AccountContext<'_>) -> Result<&Arc<SigningKey>, AccountError> {
    let key = context.tenant.signing_key(context.store_now);
    key.ok_or(AccountError::NoSigningKey(None))
}

/// The tenant's signing key for an algorithm.
pub(crate) fn signing_key_of_algorithm(
    context: AccountContext<'_>,
    algorithm: SigningAlgorithm,
) -> Result<&Arc<SigningKey>, AccountError> {
    let key = context.tenant.signing_key_of(algorithm, context.store_now);
    key.ok_or(AccountError::NoSigningKey(Some(algorithm)))
}

/// The key of a client's ID tokens; `None` if the client registered `none`.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdTokenKey<'a>(pub(super) Option<&'a Arc<SigningKey>>);

impl<'a> IdTokenKey<'a> {
    /// The key for the client's `id_token_signed_response_alg`, or the tenant's default.
    pub(super) fn of(context: AccountContext<'a>, client: &Client) -> Result<Self, AccountError> {
        if client.id_token_signed_response_alg == Some(IdTokenAlgorithm::None) {
            return Ok(Self(None));
        }
        signing_key_for(context, client).map(|key| Self(Some(key)))
    }

    /// The value of `at_hash` or `c_hash`; `None` for unsigned tokens, which have no hash
    /// algorithm.
    pub(super) fn hash(self, text: &str) -> Option<String> {
        self.0.map(|key| left_half_hash(key.algorithm, text))
    }
}

/// Checks that the tenant has the keys that sign a client's tokens. `server`: that of the access token.
pub(crate) fn check_signing_keys(
    context: AccountContext<'_>,
    client: &Client,
    server: Option<&ResourceServer>,
) -> Result<(), AccountError> {
    access_token_key(context, client, server)?;
    IdTokenKey::of(context, client).map(drop)
}

/// The key of an access token: that of its resource server, or else of the tenant. Rule: for a client under a profile
/// of FAPI 2.0 only the algorithms that the profile allows sign (Security Profile §5.4.1).
pub(super) fn access_token_key<'a>(
    context: AccountContext<'a>,
    client: &Client,
    server: Option<&ResourceServer>,
) -> Result<&'a Arc<SigningKey>, AccountError> {
    let algorithm = server.and_then(|server| server.signing_alg);
    match algorithm.filter(|algorithm| client.fapi2.is_none() || algorithm.is_fapi2()) {
        Some(algorithm) => signing_key_of_algorithm(context, algorithm),
        None if client.fapi2.is_some() => signing_key_for(context, client),
        None => signing_key(context),
    }
}

/// The tenant's signing key for tokens and responses that are for a client.
pub(crate) fn signing_key_for<'a>(
    context: AccountContext<'a>,
    client: &Client,
) -> Result<&'a Arc<SigningKey>, AccountError> {
    let key = context.tenant.signing_key_for(client, context.store_now);
    key.ok_or(AccountError::NoSigningKey(None))
}
