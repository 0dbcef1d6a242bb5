//! The permissions that users have granted to clients, in the store.

use super::{AccountContext, AccountError, context::RecordChange};
use crate::{
    model::{Client, Subject},
    protocol::{
        authorize::AuthorizationRequest,
        consent,
        records::{Consent, decode, encode},
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// The permissions that a user granted to a client before.
pub(crate) async fn load(
    context: AccountContext<'_>,
    subject: &Subject,
    client: &Client,
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
    let key = key(context, subject, &request.client);
    let stored = context.get(&key).await?;
    let extended = |stored: Option<&VersionedRecord>| {
        let earlier: Option<Consent> = stored.and_then(|stored| decode(&stored.record.value).ok());
        let permissions = &request.requested_permissions;
        let consent = consent::extend_consent(earlier.as_ref(), permissions, context.now);
        let record = Record {
            key: key.clone(),
            value: encode(&consent).into(),
            expires_at: consent.given_at.plus(consent::CONSENT_TTL),
            owners: vec![IndexEntry::new(OwnerKind::User, subject.as_str())],
            due_at: None,
        };
        Ok(RecordChange::Write(record, ()))
    };
    context.update(&key, stored, extended).await
}

fn key(context: AccountContext<'_>, subject: &Subject, client: &Client) -> RecordKey {
    context.key(RecordKind::Consent, consent::record_id(subject, &client.object))
}
