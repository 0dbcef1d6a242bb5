//! Access tokens that were revoked alone, without a grant.

use crate::{
    accounts::{AccountContext, AccountError},
    store::{RecordKey, RecordKind},
};

/// Returns true if the token with this `jti` was revoked.
pub(in crate::accounts) async fn is_revoked_token(
    context: AccountContext<'_>,
    jti: Option<&str>,
) -> Result<bool, AccountError> {
    Ok(match jti {
        Some(jti) => context.get(&revoked_token_key(context, jti)).await?.is_some(),
        None => false,
    })
}

/// The key of the record of a revoked token.
pub(in crate::accounts) fn revoked_token_key(context: AccountContext<'_>, jti: &str) -> RecordKey {
    context.key(RecordKind::Revoked, jti)
}
