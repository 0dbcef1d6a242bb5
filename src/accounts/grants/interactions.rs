//! Interactions of signed-in users in the store, between a POST and the page that it redirects to.

use super::record_limits;
use crate::{
    accounts::{AccountContext, AccountError},
    protocol::{
        authorize::Interaction,
        records::{Session, decode_record, encode_record},
        session::CLOCK_SKEW,
    },
    store::{IndexEntry, IndexKind, Record, RecordKind},
};

/// Stores an interaction, which only its session can resume, and returns its id.
pub(crate) async fn save_interaction(
    context: AccountContext<'_>,
    interaction: &Interaction,
    session: &Session,
) -> Result<String, AccountError> {
    let id = context.services.entropy.id();
    let subject = &session.authentication.subject;
    record_limits::limit_pending(context, RecordKind::Interaction, subject).await?;
    let record = Record {
        key: context.key(RecordKind::Interaction, id.as_str()),
        value: encode_record(interaction).into(),
        expires_at: interaction.expires_at().plus(CLOCK_SKEW),
        owners: vec![
            IndexEntry::new(IndexKind::Session, session.sid.as_str()),
            IndexEntry::new(IndexKind::User, subject.as_str()),
        ],
        due_at: None,
    };
    if !context.insert(record).await? {
        return Err(AccountError::DuplicateId(RecordKind::Interaction));
    }
    Ok(id)
}

/// Loads an interaction; `None` if it is absent or of another format.
pub(crate) async fn load_interaction(
    context: AccountContext<'_>,
    id: &str,
) -> Result<Option<Interaction>, AccountError> {
    let stored = context.get(&context.key(RecordKind::Interaction, id)).await?;
    Ok(stored.and_then(|stored| decode_record(&stored.record.value).ok()))
}
