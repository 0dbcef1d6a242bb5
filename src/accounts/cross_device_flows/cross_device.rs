//! Stored requests that a client makes on one device and a person answers on another. The person's answer and the
//! client's polls change them. `device_authorizations` and `backchannel_requests` store them.

use crate::{
    accounts::{
        AccountContext, AccountError, RequestError,
        context::RecordChange,
        detached_context::DetachedContext,
        grants::{grant_validity, record_limits},
        outbox::pings::queue_ping,
    },
    model::Client,
    protocol::{
        cross_device::MAX_WAITING_TIME,
        error::OAuthError,
        records::{
            CrossDeviceAnswer, CrossDeviceAuthorization, CrossDeviceRequest, Grant, GrantState,
            decode_record, encode_record,
        },
        session::CLOCK_SKEW,
        token::{PolledRequest, PollingCredential, slow_down},
    },
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// The key of a device's request, by the letters of its user code.
pub(in crate::accounts) fn device_key(context: AccountContext<'_>, letters: &str) -> RecordKey {
    context.key(RecordKind::DeviceAuthorization, letters)
}

/// The key of a request over the backchannel, by the id of its grant.
pub(in crate::accounts) fn backchannel_key(
    context: AccountContext<'_>,
    grant_id: &str,
) -> RecordKey {
    context.key(RecordKind::BackchannelAuthentication, grant_id)
}

fn cross_device_key(context: AccountContext<'_>, request: CrossDeviceRequest<'_>) -> RecordKey {
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
        expires_at: authorization.stored_until().plus(CLOCK_SKEW),
        owners: person
            .map(|it| IndexEntry::new(IndexKind::User, &it.subject))
            .into_iter()
            .collect(),
        due_at: None,
    }
}

/// Loads a request; `None` if its record no longer exists.
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
/// expired or was answered before. Only the first of two answers is accepted.
pub(crate) async fn answer_request(
    context: AccountContext<'_>,
    request: CrossDeviceRequest<'_>,
    answer: CrossDeviceAnswer,
) -> Result<bool, AccountError> {
    let (key, grant_id) = (cross_device_key(context, request), request.grant_id().to_owned());
    let (kind, detached) = (key.kind, DetachedContext::of(context));
    // A separate task: the handler of a request whose connection closes is dropped, and a notification with it.
    let answering =
        tokio::spawn(
            async move { store_answer(detached.context(), (&key, &grant_id), answer).await },
        );
    answering.await.unwrap_or(Err(AccountError::Conflict(kind)))
}

async fn store_answer(
    context: AccountContext<'_>,
    (key, grant_id): (&RecordKey, &str),
    answer: CrossDeviceAnswer,
) -> Result<bool, AccountError> {
    let stored = context.get(key).await?;
    let answered = |stored: Option<&VersionedRecord>| {
        let waiting = stored.and_then(decode_authorization).filter(|it| {
            // A user code that was issued again belongs to another device.
            it.grant_id == grant_id && it.is_waiting(context.now)
        });
        Ok(match waiting {
            Some(waiting) => {
                let answered = CrossDeviceAuthorization { answer, ..waiting };
                RecordChange::Write(cross_device_record(key.clone(), &answered), Some(answered))
            }
            None => RecordChange::Keep(None),
        })
    };
    let answered = context.update(key, stored, answered).await?;
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
    if !grant_validity::insert_grant(context, stored, until).await? {
        // An earlier attempt of the person may have broken off before the answer.
        let earlier = grant_validity::load_grant(context, request.grant_id()).await?;
        if !earlier.is_some_and(|it| is_same_permission(&it.grant, grant)) {
            return Ok(false);
        }
    }
    let allowed = answer_request(context, request, CrossDeviceAnswer::Allowed).await?;
    if allowed {
        record_limits::limit_grants(context, stored).await;
    } else if !is_allowed(context, request).await? {
        grant_validity::revoke_grant(context, request.grant_id()).await?;
    }
    Ok(allowed)
}

/// Whether a stored grant is the permission of the same person in the same session, which no client has used.
fn is_same_permission(stored: &Grant, given: &Grant) -> bool {
    stored.state == GrantState::PendingRedemption
        && stored.sid == given.sid
        && stored.authentication.subject == given.authentication.subject
}

/// Whether the person has allowed the request, for instance by a second press of the button.
async fn is_allowed(
    context: AccountContext<'_>,
    request: CrossDeviceRequest<'_>,
) -> Result<bool, AccountError> {
    let stored = load_cross_device(context, &cross_device_key(context, request)).await?;
    let own = stored.filter(|it| it.grant_id == request.grant_id());
    Ok(own.is_some_and(|it| it.answer == CrossDeviceAnswer::Allowed))
}

/// Checks the credential of a client that polls, and loads its request.
pub(in crate::accounts) async fn poll_request(
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
