//! Requests over the backchannel (OpenID Connect CIBA Core 1.0) in the store, until the person answers one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::cross_device::{
    backchannel_key, cross_device_record, decode_authorization, load_cross_device,
};
use crate::{
    accounts::{
        AccountContext, AccountError, outbox::mail_notices::notify_of_request,
        records::oldest_records::records_of_person,
    },
    model::{Account, Client, ClientId, Subject, Timestamp},
    protocol::{
        backchannel::BackchannelParams,
        records::{
            AuthReqId, BackchannelDetails, CrossDeviceAnswer, CrossDeviceAuthorization,
            PingNotification,
        },
    },
    store::RecordKind,
};

pub(crate) use super::backchannel_people::{BackchannelUserHint, find_named_person};

/// Maximum number of requests of one client that wait for a person at the same time.
const MAX_WAITING_OF_CLIENT: usize = 3;
/// Maximum number of requests that wait for a person at the same time.
const MAX_WAITING: usize = 20;
/// Maximum number of recent requests of one client that a person has refused. A further one has to wait.
const MAX_REFUSED_OF_CLIENT: usize = 2;

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
    let stored = requests_to(context, &person.subject).await?;
    if let Some(wait) = wait_for_earlier(&stored, client, context.now) {
        return Ok(Err(wait));
    }
    let of_client = (context.tenant_id(), &client.id);
    let limits = &context.services.cross_device_limits;
    Ok(limits.admit_person(of_client, &person.subject, context.now))
}

/// How long a client has to wait because of earlier requests to a person: those that wait, and its own that the
/// person has refused. Replicas that ask at the same time may each admit one.
fn wait_for_earlier(
    stored: &[CrossDeviceAuthorization],
    client: &Client,
    now: Timestamp,
) -> Option<Duration> {
    let is_waiting = |it: &&CrossDeviceAuthorization| it.is_waiting(now);
    let (waiting, own) =
        (stored.iter().filter(is_waiting), stored.iter().filter(|it| it.belongs_to_client(client)));
    let next = |ends: Vec<Timestamp>, most| {
        let wait = ends.iter().map(|end| end.since(now)).min().unwrap_or_default();
        (ends.len() >= most).then_some(wait)
    };
    let own_refused =
        own.clone().filter(|it| it.is_refused(now)).map(CrossDeviceAuthorization::stored_until);
    let own_waiting = own.filter(is_waiting).map(|it| it.expires_at);
    next(own_refused.collect(), MAX_REFUSED_OF_CLIENT)
        .or_else(|| next(own_waiting.collect(), MAX_WAITING_OF_CLIENT))
        .or_else(|| next(waiting.map(|it| it.expires_at).collect(), MAX_WAITING))
}

/// Stores a request, and notifies the person by mail if possible. `query`: the validated authorization request.
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
            client_object: client.object.clone(),
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

/// The stored requests to a person, answered or not.
async fn requests_to(
    context: AccountContext<'_>,
    person: &Subject,
) -> Result<Vec<CrossDeviceAuthorization>, AccountError> {
    let kind = RecordKind::BackchannelAuthentication;
    let stored = records_of_person(context, kind, person.as_str()).await?;
    Ok(stored.iter().filter_map(decode_authorization).collect())
}

/// The requests that wait for a person, the oldest first. More may be stored than are shown, because requests that come
/// at the same time do not see each other.
pub(crate) async fn waiting_requests(
    context: AccountContext<'_>,
    person: &Subject,
) -> Result<Vec<CrossDeviceAuthorization>, AccountError> {
    Ok(shown_requests(requests_to(context, person).await?, context.now))
}

/// The oldest requests that wait, and only a few of each client.
fn shown_requests(
    mut stored: Vec<CrossDeviceAuthorization>,
    now: Timestamp,
) -> Vec<CrossDeviceAuthorization> {
    stored.retain(|it| it.is_waiting(now));
    stored.sort_by(|a, b| (a.requested_at, &a.grant_id).cmp(&(b.requested_at, &b.grant_id)));
    let mut of_clients: BTreeMap<ClientId, usize> = BTreeMap::new();
    stored.retain(|it| {
        let count = of_clients.entry(it.client.clone()).or_default();
        *count += 1;
        *count <= MAX_WAITING_OF_CLIENT
    });
    stored.truncate(MAX_WAITING);
    stored
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObjectKey, fixtures};

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

    /// A request that came so many seconds ago, and waits for a minute.
    fn request(client: &str, ago: u64, answer: CrossDeviceAnswer) -> CrossDeviceAuthorization {
        let requested_at = NOW.minus(Duration::from_secs(ago));
        CrossDeviceAuthorization {
            grant_id: format!("{client}-{ago}"),
            client: ClientId::new(client),
            client_object: ObjectKey::new("team", client),
            query: String::new(),
            address: "::1".to_owned(),
            requested_at,
            expires_at: requested_at.plus(Duration::from_mins(1)),
            answer,
            backchannel: None,
        }
    }

    fn asking(client: &str) -> Client {
        Client {
            id: ClientId::new(client),
            object: ObjectKey::new("team", client),
            ..fixtures::client()
        }
    }

    #[test]
    fn the_page_shows_a_few_requests_of_each_client() {
        // Requests that came at the same time did not see each other.
        let flood = (0..50).map(|ago| request("bank", ago, CrossDeviceAnswer::Pending));
        let mut stored: Vec<_> = flood.collect();
        stored.push(request("desk", 5, CrossDeviceAnswer::Pending));
        stored.push(request("till", 6, CrossDeviceAnswer::Refused));
        stored.push(request("late", 60, CrossDeviceAnswer::Pending));
        let shown: Vec<_> = shown_requests(stored, NOW).into_iter().map(|it| it.grant_id).collect();
        assert_eq!(shown, ["bank-49", "bank-48", "bank-47", "desk-5"]);
        let many = (0..30).map(|n| request(&format!("app{n}"), n, CrossDeviceAnswer::Pending));
        assert_eq!(shown_requests(many.collect(), NOW).len(), 20);
    }

    #[test]
    fn a_refusal_costs_the_client_more_than_the_time_that_it_chose() {
        let refused = |ago| request("bank", ago, CrossDeviceAnswer::Refused);
        let wait = |stored: &[CrossDeviceAuthorization], client| {
            wait_for_earlier(stored, &asking(client), NOW).map(|it| it.as_secs())
        };
        assert_eq!(wait(&[refused(5)], "bank"), None);
        let two = [refused(5), refused(100)];
        assert_eq!(wait(&two, "bank"), Some(500));
        assert_eq!(wait(&two, "desk"), None);
        assert_eq!(wait(&[refused(5), refused(600)], "bank"), None);
        let allowed = [5, 6].map(|ago| request("bank", ago, CrossDeviceAnswer::Allowed));
        assert_eq!(wait(&allowed, "bank"), None);
        let waiting = [5, 6, 7].map(|ago| request("bank", ago, CrossDeviceAnswer::Pending));
        assert_eq!((wait(&waiting, "bank"), wait(&waiting, "desk")), (Some(53), None));
    }
}
