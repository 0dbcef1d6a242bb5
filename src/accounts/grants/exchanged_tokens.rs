//! Access tokens that a client got by token exchange (RFC 8693): they belong to the grant of another client.

use super::grant_validity;
use crate::{
    accounts::{AccountContext, AccountError, tokens::revoked_tokens::is_revoked_token},
    model::Account,
    protocol::{records::Grant, token_holder::TokenHolder},
};

/// Returns true if the holder of an access token of a grant may use it, after the grant was checked. A client that
/// got it by exchange has to be there, as the same object, and to let the person in, and the token itself must not be
/// revoked. `jti`: of the token.
pub(in crate::accounts) async fn is_exchanged_token_usable(
    context: AccountContext<'_>,
    (holder, jti): (&TokenHolder, Option<&str>),
    (grant, account): (&Grant, &Account),
) -> Result<bool, AccountError> {
    // The grant was checked with its client, by ID and object.
    if holder.client == grant.client {
        return Ok(true);
    }
    let client = context.tenant.client(holder.client.as_str());
    let Some(client) = client.filter(|client| holder.is(client)) else { return Ok(false) };
    if is_revoked_token(context, jti).await? {
        return Ok(false);
    }
    Ok(grant_validity::check_access_to_client(context, &client, (grant, account)).is_ok())
}
