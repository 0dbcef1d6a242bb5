//! The budget of a tenant for the people of its identity providers, since the operator of a provider can invent any
//! number of them (docs/design/state.md#new-people).

use std::time::Duration;

use super::{AccountContext, AccountError};
use crate::{
    identity::{RecordMaker, record_units},
    model::Subject,
    store::{Record, VersionedRecord},
};

/// How long a new KiB counts. The record lives longer: the budget limits the pace at which people are added.
const COUNTED_TIME: Duration = Duration::from_hours(1);

/// Takes the growth of a person's record from the budget of the tenant before it is written. A record that is no longer
/// than the stored one takes nothing, and neither does a declared user.
///
/// # Errors
///
/// [`AccountError::TooManyRecords`] if the tenant's new people have used up its budget.
pub(super) fn take_growth(
    context: AccountContext<'_>,
    subject: &Subject,
    (new, stored): (&Record, Option<&VersionedRecord>),
) -> Result<(), AccountError> {
    if context.tenant.account_by_subject(subject).is_some() {
        return Ok(());
    }
    let before = stored.map_or(0, |stored| record_units(stored.record.value.len()));
    let growth = record_units(new.value.len()).saturating_sub(before);
    if growth == 0 {
        return Ok(());
    }
    let maker = (context.tenant_id(), RecordMaker::NewPeople);
    let cost = (COUNTED_TIME, growth);
    let taken = context.services.person_budget.take_units(maker, cost, context.now);
    taken.map_err(|wait| context.refused_record(new.key.kind, wait))
}
