//! The permissions that users have granted to clients, in the store.

use super::{AccountContext, AccountError};
use crate::{
    model::{ClientId, Subject},
    protocol::{
        authorize::AuthorizationRequest,
        consent,
        records::{Consent, decode, encode},
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind},
};

/// Maximum attempts of a write that conflicts with others.
const MAX_ATTEMPTS: usize = 3;

/// The permissions that a user granted to a client before.
pub(crate) async fn load(
    context: AccountContext<'_>,
    subject: &Subject,
    client: &ClientId,
) -> Result<Option<Consent>, AccountError> {
    let stored = context.get(&key(context, subject, client)).await?;
    Ok(stored.and_then(|stored| decode(&stored.record.value).ok()))
}

/// Stores the permissions that a user granted for a request, in addition to earlier ones.
pub(crate) async fn extend(
    context: AccountContext<'_>,
    subject: &Subject,
    request: &AuthorizationRequest,
) -> Result<(), AccountError> {
    let key = key(context, subject, &request.client.id);
    for _ in 0..MAX_ATTEMPTS {
        let stored = context.get(&key).await?;
        let earlier: Option<Consent> =
            stored.as_ref().and_then(|stored| decode(&stored.record.value).ok());
        let permissions = &request.requested_permissions;
        let consent = consent::extend_consent(earlier.as_ref(), permissions, context.now);
        let record = Record {
            key: key.clone(),
            value: encode(&consent).into(),
            expires_at: consent.given_at.plus(consent::CONSENT_TTL),
            owners: vec![IndexEntry::new(OwnerKind::User, subject.as_str())],
            due_at: None,
        };
        let written = match stored {
            Some(stored) => context.compare_and_swap(stored.version, record).await?,
            None => context.insert(record).await?,
        };
        if written {
            return Ok(());
        }
    }
    Err(AccountError::Conflict(RecordKind::Consent))
}

fn key(context: AccountContext<'_>, subject: &Subject, client: &ClientId) -> RecordKey {
    context.key(RecordKind::Consent, consent::record_id(subject, client))
}
