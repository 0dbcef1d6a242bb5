//! The permissions that users have granted to clients, in the store.

use std::collections::HashMap;

use crate::{
    accounts::{AccountContext, AccountError, context::RecordChange, revocation::endings},
    model::{Account, Client, Subject},
    protocol::{
        authorize::AuthorizationRequest,
        consent, marks,
        records::{AccountMarks, Consent, decode_record, encode_record},
    },
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// The permissions that a user granted to a client before.
pub(crate) async fn load_consent(
    context: AccountContext<'_>,
    account: &Account,
    client: &Client,
) -> Result<Option<Consent>, AccountError> {
    let stored = context.get(&key(context, &account.subject, client)).await?;
    let marks = endings::current_marks(context, account);
    let Some(stored) = stored else { return Ok(None) };
    let Some(consent) = read(&stored, marks) else { return Ok(None) };
    if marks::consent_needs_new_marks(consent.marks, marks) {
        // After a restore. The next person with the subject does not inherit it.
        let adopted = Consent { marks: Some(marks), ..consent.clone() };
        let record = Record { value: encode_record(&adopted).into(), ..stored.record };
        // A conflict is fine: the concurrent request wrote the present marks.
        context.compare_and_swap(stored.version, record).await?;
    }
    Ok(Some(consent))
}

/// Stores the permissions that a user granted for a request, in addition to earlier permissions. Nothing is stored for
/// a client that asks each time ([`consent::is_needed`]).
pub(crate) async fn store_consent(
    context: AccountContext<'_>,
    account: &Account,
    request: &AuthorizationRequest,
) -> Result<(), AccountError> {
    // A request with authorization details asks each time, and access for one of them does not last (RFC 9396).
    if request.client.is_described_by_document() || !request.resources.details.is_empty() {
        return Ok(());
    }
    let (subject, marks) = (&account.subject, endings::current_marks(context, account));
    let key = key(context, subject, &request.client);
    let stored = context.get(&key).await?;
    let extended = |stored: Option<&VersionedRecord>| {
        let earlier = stored.and_then(|stored| read(stored, marks));
        let permissions = &request.requested_permissions;
        let consent = consent::extend_consent(earlier.as_ref(), permissions, marks, context.now);
        let record = Record {
            key: key.clone(),
            value: encode_record(&consent).into(),
            expires_at: consent.given_at.plus(consent::CONSENT_TTL),
            owners: vec![IndexEntry::new(IndexKind::User, subject.as_str())],
            due_at: None,
        };
        Ok(RecordChange::Write(record, ()))
    };
    context.update(&key, stored, extended).await
}

/// The accepted consents of a user, by the ids of their records.
pub(super) async fn load_consents(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<HashMap<String, Consent>, AccountError> {
    let marks = endings::current_marks(context, account);
    let owner = IndexEntry::new(IndexKind::User, account.subject.as_str());
    let store = &context.services.store;
    let found = store.list(RecordKind::Consent, context.tenant_id(), &owner, context.now).await?;
    let counted = |stored: VersionedRecord| {
        let consent = read(&stored, marks)?;
        Some((stored.record.key.id, consent))
    };
    Ok(found.into_iter().filter_map(counted).collect())
}

/// Forgets what a user granted to a client. Returns true if there was something. A consent of another
/// person with the subject is left.
pub(super) async fn forget_consent(
    context: AccountContext<'_>,
    account: &Account,
    client: &Client,
) -> Result<bool, AccountError> {
    let key = key(context, &account.subject, client);
    let stored = context.get(&key).await?;
    let marks = endings::current_marks(context, account);
    if stored.and_then(|stored| read(&stored, marks)).is_none() {
        return Ok(false);
    }
    Ok(context.take(&key).await?.is_some())
}

/// The consent of a record, if it is this user's.
fn read(stored: &VersionedRecord, now: AccountMarks) -> Option<Consent> {
    let consent: Consent = decode_record(&stored.record.value).ok()?;
    marks::consent_counts(&consent, now).then_some(consent)
}

fn key(context: AccountContext<'_>, subject: &Subject, client: &Client) -> RecordKey {
    context.key(RecordKind::Consent, consent::consent_record_id(subject, &client.object))
}
