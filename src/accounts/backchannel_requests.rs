//! Requests over the backchannel (OpenID Connect CIBA Core 1.0) in the store, until the person answers one.

use std::{sync::Arc, time::Duration};

use super::{
    AccountContext, AccountError,
    cross_device::{backchannel_key, cross_device_record, decode_authorization, load_cross_device},
    mail_notices::notify_of_request,
    oldest_records::records_of_person,
};
use crate::{
    model::{Account, Client, Subject},
    protocol::{
        backchannel::BackchannelParams,
        records::{
            AuthReqId, BackchannelDetails, CrossDeviceAnswer, CrossDeviceAuthorization,
            PingNotification,
        },
    },
    store::RecordKind,
};

pub(crate) use super::backchannel_people::{NamedPerson, find_named_person};

/// Maximum number of requests of one client that wait for a person at the same time.
const MAX_WAITING_OF_CLIENT: usize = 3;
/// Maximum number of requests that wait for a person at the same time.
const MAX_WAITING: usize = 20;

/// Takes a request from the quota of its client, or returns how long to wait. It counts before the person is looked
/// up, so that a client cannot try any number of names.
pub(crate) fn admit_backchannel_request(
    context: AccountContext<'_>,
    client: &Client,
) -> Result<(), Duration> {
    let of_client = (context.tenant_id(), &client.id);
    context.services.cross_device_limits.admit_request(of_client, None, context.now)
}

/// Takes a request to a person from the quota of its client, or returns how long to wait.
pub(crate) async fn admit_request_to_person(
    context: AccountContext<'_>,
    client: &Client,
    person: &Account,
) -> Result<Result<(), Duration>, AccountError> {
    let waiting = waiting_requests(context, &person.subject).await?;
    let of_client: Vec<_> = waiting.iter().filter(|it| it.is_of(client)).collect();
    let next_end = |requests: &[&CrossDeviceAuthorization]| {
        let ends = requests.iter().map(|it| it.expires_at.since(context.now));
        ends.min().unwrap_or_default()
    };
    if of_client.len() >= MAX_WAITING_OF_CLIENT {
        return Ok(Err(next_end(&of_client)));
    }
    if waiting.len() >= MAX_WAITING {
        return Ok(Err(next_end(&waiting.iter().collect::<Vec<_>>())));
    }
    let of_client = (context.tenant_id(), &client.id);
    let limits = &context.services.cross_device_limits;
    Ok(limits.admit_person(of_client, &person.subject, context.now))
}

/// Stores a request, and tells the person by mail where that is possible. `query`: the validated authorization request.
/// Returns the sealed `auth_req_id`.
pub(crate) async fn begin_backchannel_request(
    context: AccountContext<'_>,
    (client, person): (&Client, &Arc<Account>),
    (query, asked): (String, BackchannelParams),
) -> Result<String, AccountError> {
    let id = AuthReqId {
        grant_id: context.services.entropy.id_at(context.now),
        client: client.id.clone(),
        expires_at: context.now.plus(asked.waits_for),
    };
    let auth_req_id = context.seal(&id)?;
    let notification = asked.notification_token.map(|token| {
        context.seal(&PingNotification {
            client: client.id.clone(),
            auth_req_id: auth_req_id.clone(),
            token: token.expose().clone(),
        })
    });
    let authorization = CrossDeviceAuthorization {
        grant_id: id.grant_id,
        client: client.id.clone(),
        client_object: client.object.clone(),
        query,
        address: context.origin.address.to_string(),
        requested_at: context.now,
        expires_at: id.expires_at,
        answer: CrossDeviceAnswer::Pending,
        backchannel: Some(BackchannelDetails {
            subject: person.subject.to_string(),
            binding_message: asked.binding_message,
            notification: notification.transpose()?,
        }),
    };
    let key = backchannel_key(context, &authorization.grant_id);
    if !context.insert(cross_device_record(key, &authorization)).await? {
        return Err(AccountError::DuplicateId(RecordKind::BackchannelAuthentication));
    }
    notify_of_request(context, person, (client, &authorization)).await;
    Ok(auth_req_id)
}

/// The requests that wait for a person, the oldest first.
pub(crate) async fn waiting_requests(
    context: AccountContext<'_>,
    person: &Subject,
) -> Result<Vec<CrossDeviceAuthorization>, AccountError> {
    let kind = RecordKind::BackchannelAuthentication;
    let stored = records_of_person(context, kind, person.as_str()).await?;
    let decoded = stored.iter().filter_map(decode_authorization);
    let mut waiting: Vec<_> = decoded.filter(|it| it.is_waiting(context.now)).collect();
    waiting.sort_by(|a, b| (a.requested_at, &a.grant_id).cmp(&(b.requested_at, &b.grant_id)));
    Ok(waiting)
}

/// Finds a request that waits for a person, by the id of its grant.
pub(crate) async fn find_waiting_request(
    context: AccountContext<'_>,
    person: &Subject,
    grant_id: &str,
) -> Result<Option<CrossDeviceAuthorization>, AccountError> {
    let found = load_cross_device(context, &backchannel_key(context, grant_id)).await?;
    Ok(found.filter(|it| {
        let asked = it.backchannel.as_ref().map(|details| details.subject.as_str());
        asked == Some(person.as_str()) && it.is_waiting(context.now)
    }))
}
