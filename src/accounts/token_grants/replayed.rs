//! Codes and refresh tokens that were used before.

use crate::{
    accounts::{
        AccountContext, AccountError,
        grants::grant_validity,
        tokens::{refresh_replays, token_events},
    },
    model::Client,
    protocol::token::{CredentialKind, ReplayedCredential},
};

/// Revokes the grant of a credential that was used before, and reports it once.
pub(super) async fn revoke_replayed(
    context: AccountContext<'_>,
    client: &Client,
    replayed: &ReplayedCredential,
) -> Result<(), AccountError> {
    let Some(grant) = grant_validity::revoke_grant(context, &replayed.grant_id).await? else {
        return Ok(());
    };
    context.audit(token_events::replayed_event(client, &grant, replayed.kind));
    if replayed.kind == CredentialKind::RefreshToken
        && let Err(error) = refresh_replays::count_replay(context, client).await
    {
        tracing::warn!(client = %client.object, %error, "could not count a superseded refresh token for the client's Event");
    }
    Ok(())
}
