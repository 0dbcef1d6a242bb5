//! Records that their makers have a budget for: clients, people and identity providers
//! (docs/design/state.md#budgets-of-records).

use std::time::Duration;

use bytes::Bytes;

use crate::{
    accounts::{AccountContext, AccountError},
    identity::{RecordBudget, RecordMaker, record_units},
    model::{Client, Timestamp},
    store::{Record, RecordKey, StoreError},
};

/// The maker of the records that a client's requests need.
pub(crate) fn record_maker(client: &Client) -> RecordMaker<'_> {
    if client.is_unverified() {
        // A host can have any number of documents, at any number of ports.
        let host = client.document_host.as_deref().map(without_port);
        RecordMaker::Unverified(host.unwrap_or(client.id.as_str()))
    } else {
        RecordMaker::Declared(&client.object)
    }
}

/// The makers of the records that a client's requests need, where all clients of metadata documents together are
/// bounded too.
pub(crate) fn record_makers(client: &Client) -> impl Iterator<Item = RecordMaker<'_>> {
    let all_documents = client.is_described_by_document().then_some(RecordMaker::Documents);
    // A client beyond its own budget takes nothing from the common one.
    std::iter::once(record_maker(client)).chain(all_documents)
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// A record without a value, which shows that its id was used.
pub(in crate::accounts) fn marker_record(key: RecordKey, expires_at: Timestamp) -> Record {
    Record { key, value: Bytes::new(), expires_at, owners: Vec::new(), due_at: None }
}

/// Stores a record within the budgets of its makers. Returns false if a record with its key exists. Nothing is taken
/// from the budgets for a record that is not written, so that repeated requests do not use them up.
///
/// # Errors
///
/// [`AccountError::TooManyRecords`] if too many of a maker's records have not expired. The store fails.
pub(in crate::accounts) async fn insert_within_budget<'m>(
    context: AccountContext<'_>,
    budget: (&RecordBudget, impl IntoIterator<Item = RecordMaker<'m>>),
    record: Record,
) -> Result<bool, AccountError> {
    let lifetime = record.expires_at.since(context.now);
    insert_counted(context, budget, (record, lifetime)).await
}

/// Stores a record whose share of the budget is held for `counted_time`, not for its lifetime.
///
/// # Errors
///
/// Returns the errors of [`insert_within_budget`].
pub(in crate::accounts) async fn insert_counted<'m>(
    context: AccountContext<'_>,
    (budget, makers): (&RecordBudget, impl IntoIterator<Item = RecordMaker<'m>>),
    (record, counted_time): (Record, Duration),
) -> Result<bool, AccountError> {
    let cost = (counted_time, record_units(record.key.id.len() + record.value.len()));
    let mut taken = Vec::new();
    let give_back = |taken: Vec<RecordMaker<'_>>| {
        for maker in taken {
            budget.give_back((context.tenant_id(), maker), cost);
        }
    };
    for maker in makers {
        if let Err(wait) = budget.take_units((context.tenant_id(), maker), cost, context.now) {
            give_back(taken);
            return Err(context.refused_record(record.key.kind, wait));
        }
        taken.push(maker);
    }
    let inserted = context.insert(record).await;
    // A store that does not answer may have written the record.
    if matches!(inserted, Ok(false) | Err(StoreError::NoSpace { .. } | StoreError::TooLarge(_))) {
        give_back(taken);
    }
    Ok(inserted?)
}
