//! Whether an invited person has anything to set up, for the holder of the Lease, which writes and mails links.
//! Nothing is written here: an authenticator from before a restore is adopted when its person comes.

use std::sync::Arc;

use crate::{
    accounts::{
        AccountContext, AccountError, AccountServices,
        detached_context::DetachedContext,
        factors::{
            authenticators::{authenticator_key, open_authenticator},
            passkeys::{StoredPasskey, is_valid_passkey_of, open_passkey, uses_passkeys},
        },
        records::oldest_records::records_of_person,
    },
    model::{Account, PasswordState, RequiredFactor, Timestamp, UserInvitation},
    protocol::records::TotpRecord,
    registry::{ServedTenant, Snapshot},
    store::RecordKind,
};

/// Returns true if an invited person has a password or an authenticator to set up, and for a person whom this
/// snapshot does not have yet. The page of the invitation checks the same (`check_invitation_link`).
pub(super) async fn needs_setup(
    services: &Arc<AccountServices>,
    snapshot: &Snapshot,
    invited: &UserInvitation,
    now: Timestamp,
) -> Result<bool, AccountError> {
    let Some((tenant, account)) = served_invitee(snapshot, invited) else { return Ok(true) };
    let detached = DetachedContext::of_process(services, snapshot, tenant, now);
    lacks_anything(detached.context(), account).await
}

/// The tenant and the account of an invited person, if this snapshot serves them.
pub(super) fn served_invitee<'s>(
    snapshot: &'s Snapshot,
    invited: &UserInvitation,
) -> Option<(&'s Arc<ServedTenant>, &'s Arc<Account>)> {
    let tenant = snapshot.tenant(&invited.tenant)?;
    let account = tenant.account_by_subject(&invited.subject)?;
    (account.mark == invited.person).then_some((tenant, account))
}

async fn lacks_anything(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<bool, AccountError> {
    if account.password == PasswordState::SelfChosen {
        return Ok(true);
    }
    let authenticators = context.tenant.tenant.authenticators;
    let passkeys = own_passkeys(context, account).await?;
    let signs_in_by_passkey =
        account.password == PasswordState::Absent && authenticators.admits_by_passkey(account);
    if signs_in_by_passkey && passkeys.is_empty() {
        return Ok(true);
    }
    let has_usable = passkeys.iter().any(StoredPasskey::is_usable);
    Ok(match authenticators.required() {
        Some(RequiredFactor::Passkey) => !has_usable,
        Some(RequiredFactor::SecondFactor) => !has_usable && !has_app(context, account).await?,
        None => false,
    })
}

async fn own_passkeys(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Vec<StoredPasskey>, AccountError> {
    let mut own = Vec::new();
    if !uses_passkeys(context) {
        return Ok(own);
    }
    let subject = account.subject.as_str();
    for stored in records_of_person(context, RecordKind::Passkey, subject).await? {
        let opened = open_passkey(context, stored)?;
        own.extend(opened.filter(|it| is_valid_passkey_of(context, &it.passkey, account)));
    }
    Ok(own)
}

async fn has_app(context: AccountContext<'_>, account: &Account) -> Result<bool, AccountError> {
    let key = authenticator_key::<TotpRecord>(context, &account.subject);
    match context.get(&key).await? {
        Some(stored) => Ok(open_authenticator::<TotpRecord>(context, account, &stored)?.is_some()),
        None => Ok(false),
    }
}
