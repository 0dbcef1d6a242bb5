//! The oldest of the records that a person holds, which go first where there are too many.

use crate::{
    accounts::{AccountContext, AccountError},
    store::{IndexEntry, IndexKind, RecordKind, VersionedRecord},
};

/// The records of a kind that a person holds.
pub(in crate::accounts) async fn records_of_person(
    context: AccountContext<'_>,
    kind: RecordKind,
    subject: &str,
) -> Result<Vec<VersionedRecord>, AccountError> {
    let owner = IndexEntry::new(IndexKind::User, subject);
    Ok(context.services.store.list(kind, context.tenant_id(), &owner, context.now).await?)
}

/// The oldest values beyond a maximum.
pub(in crate::accounts) fn oldest_beyond<A: Ord + Copy, T>(
    mut values: Vec<(A, T)>,
    most: usize,
) -> impl Iterator<Item = T> {
    values.sort_by_key(|(age, _)| *age);
    let ended = values.len().saturating_sub(most);
    values.into_iter().take(ended).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn the_oldest_go_first() {
        let at = |second| (Timestamp::from_secs(second), second);
        let values = vec![at(3), at(1), at(2)];
        assert_eq!(oldest_beyond(values.clone(), 1).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(oldest_beyond(values, 3).count(), 0);
    }
}
