//! Requests that a client makes on one device and a person answers on another, in the store: the answer of the person,
//! and the polls of the client. `device_authorizations` and `backchannel_requests` store them.

use super::{
    AccountContext, AccountError, RequestError, context::RecordChange, grants, pings::queue_ping,
    record_limits,
};
use crate::{
    model::Client,
    protocol::{
        cross_device::MAX_WAITING_TIME,
        error::OAuthError,
        records::{
            CrossDeviceAnswer, CrossDeviceAuthorization, CrossDeviceRequest, Grant, decode_record,
            encode_record,
        },
        session::CLOCK_SKEW,
        token::{PolledRequest, PollingCredential, slow_down},
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// The key of a device's request, by the letters of its user code.
pub(super) fn device_key(context: AccountContext<'_>, letters: &str) -> RecordKey {
    context.key(RecordKind::DeviceAuthorization, letters)
}

/// The key of a request over the backchannel, by the id of its grant.
pub(super) fn backchannel_key(context: AccountContext<'_>, grant_id: &str) -> RecordKey {
    context.key(RecordKind::BackchannelAuthentication, grant_id)
}

fn key_of(context: AccountContext<'_>, request: CrossDeviceRequest<'_>) -> RecordKey {
    match request {
        CrossDeviceRequest::Device(device) => device_key(context, &device.user_code),
        CrossDeviceRequest::Backchannel(request) => backchannel_key(context, &request.grant_id),
    }
}

/// The record of a request. One over the backchannel is listed by the person who is asked.
pub(super) fn cross_device_record(
    key: RecordKey,
    authorization: &CrossDeviceAuthorization,
) -> Record {
    let person = authorization.backchannel.as_ref();
    Record {
        key,
        value: encode_record(authorization).into(),
        expires_at: authorization.expires_at.plus(CLOCK_SKEW),
        owners: person
            .map(|it| IndexEntry::new(OwnerKind::User, &it.subject))
            .into_iter()
            .collect(),
        due_at: None,
    }
}

/// Loads a request; `None` if its record is gone.
pub(super) async fn load_cross_device(
    context: AccountContext<'_>,
    key: &RecordKey,
) -> Result<Option<CrossDeviceAuthorization>, AccountError> {
    Ok(context.get(key).await?.as_ref().and_then(decode_authorization))
}

pub(super) fn decode_authorization(stored: &VersionedRecord) -> Option<CrossDeviceAuthorization> {
    decode_record(&stored.record.value).ok()
}

/// Stores the answer of the person, and notifies a client that wants to know. Returns `false` if the request has
/// expired or was answered before: of two answers one counts.
pub(crate) async fn answer_request(
    context: AccountContext<'_>,
    request: CrossDeviceRequest<'_>,
    answer: CrossDeviceAnswer,
) -> Result<bool, AccountError> {
    let key = key_of(context, request);
    let stored = context.get(&key).await?;
    let answered = |stored: Option<&VersionedRecord>| {
        let waiting = stored.and_then(decode_authorization).filter(|it| {
            // A user code that was issued again belongs to another device.
            it.grant_id == request.grant_id() && it.is_waiting(context.now)
        });
        Ok(match waiting {
            Some(waiting) => {
                let answered = CrossDeviceAuthorization { answer, ..waiting };
                RecordChange::Write(cross_device_record(key.clone(), &answered), Some(answered))
            }
            None => RecordChange::Keep(None),
        })
    };
    let answered = context.update(&key, stored, answered).await?;
    if let Some(answered) = &answered {
        queue_ping(context, answered).await;
    }
    Ok(answered.is_some())
}

/// Stores the grant that a person allows, and the answer. Returns `false` if the request has expired or was answered
/// before.
pub(crate) async fn allow_request(
    context: AccountContext<'_>,
    request: CrossDeviceRequest<'_>,
    grant: &Grant,
) -> Result<bool, AccountError> {
    let stored = (request.grant_id(), grant);
    let until = request.requested_at().plus(MAX_WAITING_TIME);
    if !grants::insert_grant(context, stored, until).await? {
        return Ok(false);
    }
    let allowed = answer_request(context, request, CrossDeviceAnswer::Allowed).await?;
    if allowed {
        record_limits::limit_grants(context, stored).await;
    } else {
        grants::revoke_grant(context, request.grant_id()).await?;
    }
    Ok(allowed)
}

/// Checks the credential of a client that polls, and loads its request.
pub(super) async fn poll_request(
    context: AccountContext<'_>,
    (credential, key): (PollingCredential, &RecordKey),
    client: &Client,
) -> Result<PolledRequest, RequestError<OAuthError>> {
    credential.check(client, context.now)?;
    if !context.services.cross_device_limits.admit_poll(&credential.grant_id, context.now) {
        return Err(slow_down().into());
    }
    let authorization = load_cross_device(context, key).await?;
    Ok(PolledRequest { credential, authorization })
}
