//! Sign-ins that wait for their second factor. Nothing is stored in the meantime.

use std::sync::Arc;

use crate::{
    accounts::{
        AccountContext, AccountError,
        people::person_records,
        records::upstream_sessions::{NewUpstreamSession, SignInSource},
        revocation::endings,
        sessions::active_session::SignedInUser,
        upstream::upstream_logout::was_ended_by_provider,
    },
    model::Account,
    protocol::{
        authorize::{Interaction, pre_session_hash},
        marks::MarkedRecord,
        records::{SuspendedSignIn, SuspendedSource},
        session::CLOCK_SKEW,
    },
};

/// Puts a sign-in off until the second factor is proved, for the same interaction in the browser with this
/// pre-session cookie. `typed_name` is the name that was typed for the first one.
pub(crate) fn suspend_sign_in(
    context: AccountContext<'_>,
    user: SignedInUser,
    (pre_session, interaction): (&str, &Interaction),
    typed_name: Option<&str>,
) -> SuspendedSignIn {
    let marks = user.marks(context);
    let source = match user.source {
        SignInSource::Tenant | SignInSource::Continued => SuspendedSource::Tenant,
        SignInSource::Directory(provider) => SuspendedSource::Directory(provider),
        SignInSource::Provider(new) => {
            let NewUpstreamSession { provider, issuer, subject, sid, tokens } = *new;
            SuspendedSource::Provider { provider, issuer, subject, sid, tokens }
        }
    };
    SuspendedSignIn {
        authentication: user.authentication,
        source,
        marks,
        started_at: context.now,
        browser: pre_session_hash(pre_session),
        interaction: interaction.fingerprint(),
        expires_at: interaction.expires_at(),
        typed_name: typed_name.map(str::to_owned),
    }
}

/// Resumes a sign-in in its browser. `None` if it has expired, is of another browser or interaction, or its
/// person may not sign in any more.
pub(crate) async fn resume_sign_in(
    context: AccountContext<'_>,
    pending: SuspendedSignIn,
    (pre_session, interaction): (Option<&str>, &Interaction),
) -> Result<Option<SignedInUser>, AccountError> {
    let browser = pre_session.map(pre_session_hash);
    if browser != Some(pending.browser)
        || pending.interaction != interaction.fingerprint()
        || context.now >= pending.expires_at.plus(CLOCK_SKEW)
    {
        return Ok(None);
    }
    let Some(account) = account_of(context, &pending).await? else { return Ok(None) };
    let record =
        MarkedRecord { marks: Some(pending.marks), created_at: pending.started_at, sid: None };
    if !endings::is_user_record_usable(context, record, &account).await? {
        return Ok(None);
    }
    if let SuspendedSource::Provider { provider, issuer, subject, sid, .. } = &pending.source {
        let (of, named) =
            ((provider.as_str(), issuer.as_str()), (subject.as_str(), sid.as_deref()));
        if was_ended_by_provider(context, of, named, pending.started_at).await? {
            return Ok(None);
        }
    }
    let source = match pending.source {
        SuspendedSource::Tenant => SignInSource::Tenant,
        SuspendedSource::Directory(provider) => SignInSource::Directory(provider),
        SuspendedSource::Provider { provider, issuer, subject, sid, tokens } => {
            let new = NewUpstreamSession { provider, issuer, subject, sid, tokens };
            SignInSource::Provider(Box::new(new))
        }
    };
    let user = SignedInUser::new(account, pending.authentication, source);
    Ok(Some(SignedInUser { chosen_password: pending.marks.credential, ..user }))
}

/// The account of the person, as it is now. The claims of a provider's person were stored when the first
/// factor was proved.
async fn account_of(
    context: AccountContext<'_>,
    pending: &SuspendedSignIn,
) -> Result<Option<Arc<Account>>, AccountError> {
    let subject = &pending.authentication.subject;
    let provider = match &pending.source {
        SuspendedSource::Tenant => return Ok(context.tenant.account_by_subject(subject).cloned()),
        SuspendedSource::Directory(provider) | SuspendedSource::Provider { provider, .. } => {
            provider
        }
    };
    let Some(provider) = context.tenant.provider(provider) else { return Ok(None) };
    if let SuspendedSource::Provider { issuer, .. } = &pending.source
        && !provider.has_issuer(issuer)
    {
        return Ok(None);
    }
    let Some(stored) = person_records::load_person(context, subject, provider).await? else {
        return Ok(None);
    };
    let Some(claims) = person_records::claims_of(&stored.person) else { return Ok(None) };
    let account = person_records::admitted_account(context, provider, &claims).ok();
    Ok(account.filter(|account| account.subject == *subject).map(Arc::new))
}
