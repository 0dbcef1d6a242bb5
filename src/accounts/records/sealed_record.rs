//! Records that are sealed for their purpose and a tenant.

use crate::{
    keys::Sealer,
    model::{Entropy, TenantId, Timestamp},
    protocol::records::{SealedRecord, decode_record, encode_record},
};

/// Encodes and seals a record.
pub(in crate::accounts) fn seal_record<T: SealedRecord>(
    sealer: &Sealer,
    tenant: &TenantId,
    record: &T,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> String {
    sealer.seal(T::PURPOSE, tenant, &encode_record(record), entropy, now)
}

/// Opens and decodes a sealed record; `None` if it was not sealed for its purpose and this tenant.
pub(in crate::accounts) fn open_record<T: SealedRecord>(
    sealer: &Sealer,
    tenant: &TenantId,
    sealed: &str,
) -> Option<T> {
    decode_record(&sealer.open(T::PURPOSE, tenant, sealed)?).ok()
}
