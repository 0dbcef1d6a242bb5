//! The approval of a token exchange, once the person is known.

use serde_json::Value;

use super::{TokenRequest, refused_grant::refused_grant, token_grant::TokenGrant};
use crate::{
    accounts::{
        RequestError,
        grants::{exchanged_tokens, grant_validity},
    },
    model::{Account, ResourceServer},
    protocol::{
        error::OAuthError,
        records::Grant,
        token::{ExchangeParties, SubjectToken, allow_exchange, invalid_subject},
    },
};

/// Approves the exchange of a token of the person. Its holder may still use it, the person may use the client that
/// exchanges it, and a rule of the resource server allows the exchange. Returns the claim `act` of the new token.
pub(super) async fn approve_exchange<G: TokenGrant>(
    TokenRequest { context, client, .. }: TokenRequest<'_>,
    (subject, server): (&SubjectToken, &ResourceServer),
    (grant, account): (&Grant, &Account),
) -> Result<Option<Value>, RequestError<OAuthError>> {
    let held = (&subject.holder, subject.jti.as_deref());
    if !exchanged_tokens::is_exchanged_token_usable(context, held, (grant, account)).await? {
        let text =
            "The subject token has been revoked, or the person may no longer use its client.";
        return Err(invalid_subject(text).into());
    }
    if client.id != grant.client {
        grant_validity::check_access_to_client(context, client, (grant, account))
            .map_err(|refusal| refused_grant::<G>(&refusal))?;
    }
    let (tenant, servers) = (&context.tenant.tenant, &context.tenant.resource_servers);
    let parties = ExchangeParties { tenant, servers, client, account, grant };
    Ok(allow_exchange(server, subject, parties)?)
}
