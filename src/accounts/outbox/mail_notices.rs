//! Mail to people about changes of their accounts, so that a person learns of a change that someone else has made,
//! and about requests that wait for their answer. A change or request does not wait for it, and does not fail with it.

use super::mail_queue::queue_mail;
use crate::{
    accounts::AccountContext,
    model::{Account, AccountSource, Client},
    protocol::records::{
        ChangeNotice, CrossDeviceAuthorization, MailContent, NoticedChange, RequestNotice,
        WaitingMail,
    },
};

/// Mails a notice of a change to a person, where the tenant sends mail and the person has an address.
pub(crate) async fn notify_person(
    context: AccountContext<'_>,
    account: &Account,
    change: NoticedChange,
) {
    let Some(to) = address_of(account).filter(|_| context.tenant.tenant.mail.is_some()) else {
        return;
    };
    let limit = &context.services.notices;
    if !limit.take(context.tenant_id(), &account.subject, context.now) {
        tracing::warn!(tenant = %context.tenant_id(), "too many changes of an account within an hour; the person is not notified of this one");
        return;
    }
    let notice = ChangeNotice {
        change,
        name: account.display_name().to_owned(),
        at: context.store_now,
        address: context.origin.address.to_string(),
    };
    let (subject, to) = (account.subject.to_string(), to.to_owned());
    let mail = WaitingMail { subject, to, content: MailContent::Notice(notice) };
    if let Err(error) = queue_mail(context, &mail).await {
        tracing::warn!(tenant = %context.tenant_id(), %error, "the notice of a change could not be stored");
    }
}

/// Mails a notice of a client's waiting request to a person, where the tenant sends mail and the person has an address.
pub(in crate::accounts) async fn notify_of_request(
    context: AccountContext<'_>,
    person: &Account,
    (client, request): (&Client, &CrossDeviceAuthorization),
) {
    let Some(to) = address_of(person).filter(|_| context.tenant.tenant.mail.is_some()) else {
        return;
    };
    let (services, tenant, now) = (context.services, context.tenant_id(), context.now);
    let of_client = (tenant, &client.id);
    // The budget of the client goes first, so that a client cannot use up that of the person.
    if !services.cross_device_limits.admit_mail(of_client, &person.subject, now)
        || !services.request_notices.take(tenant, &person.subject, now)
    {
        tracing::warn!(%tenant, client = %client.object, "too many requests to people; this one is on the account page, and not mailed");
        return;
    }
    let waits_for = request.expires_at.since(request.requested_at);
    let notice = RequestNotice {
        name: person.display_name().to_owned(),
        application: client.name.clone(),
        at: context.store_now,
        address: request.address.clone(),
        expires_at: context.store_now.plus(waits_for),
    };
    let (subject, to) = (person.subject.to_string(), to.to_owned());
    let mail = WaitingMail { subject, to, content: MailContent::Request(notice) };
    if let Err(error) = queue_mail(context, &mail).await {
        tracing::warn!(tenant = %context.tenant_id(), %error, "the notice of a request could not be stored");
    }
}

/// The address of a person, from the manifest or verified by the identity provider.
fn address_of(account: &Account) -> Option<&str> {
    match account.source {
        AccountSource::Resource(_) => account.email(),
        AccountSource::Provider(_) | AccountSource::Declared { .. } => account.verified_email(),
    }
}
