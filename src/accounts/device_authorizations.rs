//! The requests of devices (RFC 8628) in the store, from the device's request to the answer of the person.

use std::time::Duration;

use super::{AccountContext, AccountError, context::RecordChange, grants, record_limits};
use crate::{
    model::{Client, Timestamp},
    protocol::{
        device::{DEVICE_CODE_LIFETIME, UserCode},
        records::{
            DeviceAnswer, DeviceAuthorization, DeviceCode, Grant, RequestingDevice, decode_record,
            encode_record,
        },
        session::CLOCK_SKEW,
    },
    store::{Record, RecordKey, RecordKind, VersionedRecord},
};

/// How often another user code is drawn if the store has one already.
const MAX_DRAWS: usize = 4;

/// The codes of a new request.
#[derive(Debug)]
pub(crate) struct NewDeviceCodes {
    /// The sealed device code.
    pub(crate) device_code: String,
    /// The code that the person types.
    pub(crate) user_code: UserCode,
}

/// Takes a request of a device from the quotas of its client and address, or returns how long to wait.
pub(crate) fn admit_device_request(
    context: AccountContext<'_>,
    client: &Client,
) -> Result<(), Duration> {
    let strange = client.is_public() || client.is_unverified();
    let public_from = strange.then_some(context.origin.address);
    let of_client = (context.tenant_id(), &client.id);
    context.services.device_limits.admit_request(of_client, public_from, context.now)
}

/// Stores the request of a device. `query`: its validated authorization request.
pub(crate) async fn begin_device_authorization(
    context: AccountContext<'_>,
    client: &Client,
    query: String,
) -> Result<NewDeviceCodes, AccountError> {
    let authorization = DeviceAuthorization {
        grant_id: context.services.entropy.id_at(context.now),
        client: client.id.clone(),
        client_object: client.object.clone(),
        query,
        address: context.origin.address.to_string(),
        requested_at: context.now,
        expires_at: context.now.plus(DEVICE_CODE_LIFETIME),
        answer: DeviceAnswer::Pending,
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
        let record = record(key(context, user_code.letters()), &authorization);
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
    context.services.device_limits.admit_code(context.tenant_id(), source, context.now)
}

/// Finds the request of a device that waits for an answer. A right code does not count as an attempt.
pub(crate) async fn find_waiting_device(
    context: AccountContext<'_>,
    user_code: &UserCode,
    browser: &[u8; 32],
) -> Result<Option<DeviceAuthorization>, AccountError> {
    let found = load_device_authorization(context, user_code.letters()).await?;
    let found = found.filter(|it| is_waiting(it, context.now));
    if found.is_some() {
        let source = (context.origin.address, browser);
        context.services.device_limits.code_was_right(context.tenant_id(), source);
    }
    Ok(found)
}

/// Loads the request of a device, by the letters of its user code.
pub(crate) async fn load_device_authorization(
    context: AccountContext<'_>,
    letters: &str,
) -> Result<Option<DeviceAuthorization>, AccountError> {
    let stored = context.get(&key(context, letters)).await?;
    Ok(stored.as_ref().and_then(decode))
}

/// Stores the answer of the person. Returns `false` if the request has expired or was answered before: of two
/// answers one counts.
pub(crate) async fn answer_device(
    context: AccountContext<'_>,
    device: &RequestingDevice,
    answer: DeviceAnswer,
) -> Result<bool, AccountError> {
    let key = key(context, &device.user_code);
    let stored = context.get(&key).await?;
    let answered = |stored: Option<&VersionedRecord>| {
        let waiting = stored.and_then(decode).filter(|it| {
            // A user code that was issued again belongs to another device.
            it.grant_id == device.grant_id && is_waiting(it, context.now)
        });
        Ok(match waiting {
            Some(waiting) => {
                let answered = DeviceAuthorization { answer: answer.clone(), ..waiting };
                RecordChange::Write(record(key.clone(), &answered), true)
            }
            None => RecordChange::Keep(false),
        })
    };
    context.update(&key, stored, answered).await
}

/// Stores the grant that a person allows a device, and the answer. Returns `false` if the request has expired or was
/// answered before.
pub(crate) async fn allow_device(
    context: AccountContext<'_>,
    device: &RequestingDevice,
    grant: &Grant,
) -> Result<bool, AccountError> {
    let stored = (device.grant_id.as_str(), grant);
    let until = device.requested_at.plus(DEVICE_CODE_LIFETIME);
    if !grants::insert_grant(context, stored, until).await? {
        return Ok(false);
    }
    let allowed = answer_device(context, device, DeviceAnswer::Allowed).await?;
    if allowed {
        record_limits::limit_grants(context, stored).await;
    } else {
        grants::revoke_grant(context, &device.grant_id).await?;
    }
    Ok(allowed)
}

/// Returns false if a device polls too early.
pub(super) fn admit_poll(context: AccountContext<'_>, code: &DeviceCode) -> bool {
    context.services.device_limits.admit_poll(&code.grant_id, context.now)
}

fn is_waiting(authorization: &DeviceAuthorization, now: Timestamp) -> bool {
    authorization.answer == DeviceAnswer::Pending && now < authorization.expires_at
}

fn key(context: AccountContext<'_>, letters: &str) -> RecordKey {
    context.key(RecordKind::DeviceAuthorization, letters)
}

fn record(key: RecordKey, authorization: &DeviceAuthorization) -> Record {
    Record {
        key,
        value: encode_record(authorization).into(),
        expires_at: authorization.expires_at.plus(CLOCK_SKEW),
        owners: Vec::new(),
        due_at: None,
    }
}

fn decode(stored: &VersionedRecord) -> Option<DeviceAuthorization> {
    decode_record(&stored.record.value).ok()
}
