//! The requests of devices (RFC 8628) in the store, until the person has typed the code.

use std::time::Duration;

use super::cross_device::{cross_device_record, device_key, load_cross_device};
use crate::{
    accounts::{AccountContext, AccountError},
    model::Client,
    protocol::{
        cross_device::MAX_WAITING_TIME,
        device::UserCode,
        records::{CrossDeviceAnswer, CrossDeviceAuthorization, DeviceCode},
    },
    store::RecordKind,
};

/// How often another user code is drawn if the store has one already.
const MAX_DRAWS: usize = 4;

/// The codes of a new request.
#[derive(Debug)]
pub(crate) struct NewDeviceCodes {
    /// The sealed device code.
    pub(crate) device_code: String,
    /// The code that the user types (RFC 8628 §3.2).
    pub(crate) user_code: UserCode,
}

/// Takes a request of a device from the quotas of its client and address, or returns how long to wait.
pub(crate) fn admit_device_request(
    context: AccountContext<'_>,
    client: &Client,
) -> Result<(), Duration> {
    let untrusted_from = client.is_untrusted().then_some(context.origin.address);
    let of_client = (context.tenant_id(), &client.id);
    context.services.cross_device_limits.admit_request(of_client, untrusted_from, context.now)
}

/// Stores the request of a device. `query`: its validated authorization request.
pub(crate) async fn begin_device_authorization(
    context: AccountContext<'_>,
    client: &Client,
    query: String,
) -> Result<NewDeviceCodes, AccountError> {
    let authorization = CrossDeviceAuthorization {
        grant_id: context.services.entropy.id_at(context.now),
        client: client.id.clone(),
        client_object: client.object.clone(),
        query,
        address: context.origin.address.to_string(),
        requested_at: context.now,
        expires_at: context.now.plus(MAX_WAITING_TIME),
        answer: CrossDeviceAnswer::Pending,
        backchannel: None,
    };
    for _ in 0..MAX_DRAWS {
        let mut random = [0; 8];
        context.services.entropy.fill(&mut random);
        let user_code = UserCode::of_random(u64::from_le_bytes(random));
        let device_code = context.seal(&DeviceCode {
            grant_id: authorization.grant_id.clone(),
            user_code: user_code.letters().to_owned(),
            client: client.id.clone(),
            expires_at: authorization.expires_at,
        })?;
        let key = device_key(context, user_code.letters());
        let record = cross_device_record(key, &authorization);
        if context.insert(record).await? {
            return Ok(NewDeviceCodes { device_code, user_code });
        }
    }
    Err(AccountError::DuplicateId(RecordKind::DeviceAuthorization))
}

/// Takes an attempt at a user code from the budgets of address and browser (a hash of its cookie), or returns how
/// long to wait.
pub(crate) fn admit_user_code(
    context: AccountContext<'_>,
    browser: &[u8; 32],
) -> Result<(), Duration> {
    let source = (context.origin.address, browser);
    context.services.cross_device_limits.admit_code(context.tenant_id(), source, context.now)
}

/// Finds the request of a device that waits for an answer. A right code does not count as an attempt.
pub(crate) async fn find_waiting_device(
    context: AccountContext<'_>,
    user_code: &UserCode,
    browser: &[u8; 32],
) -> Result<Option<CrossDeviceAuthorization>, AccountError> {
    let found = load_cross_device(context, &device_key(context, user_code.letters())).await?;
    let found = found.filter(|it| it.is_waiting(context.now));
    if found.is_some() {
        let source = (context.origin.address, browser);
        context.services.cross_device_limits.code_was_right(context.tenant_id(), source);
    }
    Ok(found)
}
