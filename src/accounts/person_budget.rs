//! The budget of an identity provider for new people, since its operator can invent any number of them
//! (docs/design/state.md#new-people).

use std::time::Duration;

use super::{AccountContext, AccountError};
use crate::{
    identity::{RecordMaker, record_units},
    model::Subject,
    store::Record,
};

/// How long a KiB of a new person counts. The record lives longer: the budget limits the pace at which people are
/// added.
const COUNTED_TIME: Duration = Duration::from_hours(1);

/// Takes the record of a new person from the budget of the provider before it is written. A declared user takes
/// nothing.
///
/// # Errors
///
/// [`AccountError::TooManyRecords`] if the provider's new people have used up its budget.
pub(super) fn take_new_person(
    context: AccountContext<'_>,
    (subject, provider): (&Subject, &str),
    record: &Record,
) -> Result<(), AccountError> {
    if context.tenant.account_by_subject(subject).is_some() {
        return Ok(());
    }
    let maker = (context.tenant_id(), RecordMaker::NewPeople(provider));
    let cost = (COUNTED_TIME, record_units(record.value.len()));
    let taken = context.services.person_budget.take_units(maker, cost, context.now);
    taken.map_err(|wait| context.refused_record(record.key.kind, wait))
}
