//! Authorization codes on the wire: sealed, or a sealed reference to a record.

use super::record_limits;
use crate::{
    accounts::{AccountContext, AccountError},
    keys::Sealer,
    protocol::{
        records::{AuthorizationCode, SealedCode, decode_record, encode_record},
        session::CLOCK_SKEW,
    },
    store::{IndexEntry, IndexKind, Record, RecordKind},
};

/// Longest code that is sent whole: longer URLs fail in some software.
const MAX_CODE_LEN: usize = 2 * 1024;

/// Encrypts an authorization code into the value that the client gets. A code that is too long for a URL is stored, and
/// the value refers to it.
pub(crate) async fn seal_code(
    context: AccountContext<'_>,
    code: AuthorizationCode,
) -> Result<String, AccountError> {
    let whole = SealedCode::Whole(Box::new(code));
    let encoded = encode_record(&whole);
    if let SealedCode::Whole(code) = whole
        && Sealer::sealed_len(encoded.len()) > MAX_CODE_LEN
    {
        // The reference is sealed, so its id need not be unguessable.
        let id = context.services.entropy.id_at(context.now);
        let sealed = context.seal(&SealedCode::Stored(id.clone()))?;
        store(context, id, &code).await?;
        return Ok(sealed);
    }
    context.seal_encoded::<SealedCode>(&encoded)
}

/// Opens a code; `None` if this tenant did not issue it, or its record has expired.
pub(crate) async fn open_code(
    context: AccountContext<'_>,
    sealed: &str,
) -> Result<Option<AuthorizationCode>, AccountError> {
    match context.open(sealed)? {
        None => Ok(None),
        Some(SealedCode::Whole(code)) => Ok(Some(*code)),
        Some(SealedCode::Stored(id)) => {
            let stored = context.get(&context.key(RecordKind::CodeDetail, id)).await?;
            Ok(stored.and_then(|stored| decode_record(&stored.record.value).ok()))
        }
    }
}

/// Stores a code that is too long for a URL, as a record with this id. Its user has signed in.
async fn store(
    context: AccountContext<'_>,
    id: String,
    code: &AuthorizationCode,
) -> Result<(), AccountError> {
    let subject = &code.grant.authentication.subject;
    record_limits::limit_pending(context, RecordKind::CodeDetail, subject).await?;
    let record = Record {
        key: context.key(RecordKind::CodeDetail, id),
        value: encode_record(code).into(),
        expires_at: code.expires_at.plus(CLOCK_SKEW),
        owners: vec![IndexEntry::new(IndexKind::User, subject.as_str())],
        due_at: None,
    };
    let inserted = context.insert(record).await?;
    inserted.then_some(()).ok_or(AccountError::DuplicateId(RecordKind::CodeDetail))
}
