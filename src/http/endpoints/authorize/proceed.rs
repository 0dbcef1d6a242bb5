//! One step of an authorization: look up, decide (pure), then a page, an error for the client, or
//! the response.

use super::{
    AuthorizationContext, cross_device::allow_cross_device, forms, issue, missing_factor_page,
    page, pushed, second_factor_page,
};
use crate::{
    accounts::{grants::consents, sessions::active_session::ActiveSession},
    http::{
        EndpointError, Reply,
        endpoints::{account::account_url, provider_sign_in},
    },
    model::{AuditEvent, AuditText, ConsentPolicy, Endpoint, StepUpFailure},
    protocol::{
        access::AccessDenial,
        authorize::{NextStep, SignInReason},
        error::ErrorCode,
        records::Consent,
    },
};

/// Audits a refusal without a page, or where no sign-in reaches the level.
fn audit_refusal(authorization: &AuthorizationContext<'_>, code: ErrorCode) {
    if code == ErrorCode::AccessDenied {
        authorization.audit_entry_refusal();
    }
    if code == ErrorCode::UnmetAuthenticationRequirements
        && let Some(session) = authorization.session_record()
    {
        authorization.count_entry_refusal();
        authorization.accounts().audit(AuditEvent::StepUp {
            client: (&*authorization.authorization.client).into(),
            subject: AuditText::new(session.authentication.subject.as_str()),
            sid: Some(AuditText::new(session.sid.as_str())),
            amr: session.authentication.amr().into_iter().map(AuditText::new).collect(),
            reason: Some(StepUpFailure::LevelUnreachable),
        });
    }
}

/// Takes the authorization one step further.
pub(in crate::http::endpoints) async fn proceed_authorization(
    mut authorization: AuthorizationContext<'_>,
) -> Result<Reply, EndpointError> {
    authorization.load_second_factor().await?;
    let consent = earlier_consent(&authorization).await?;
    let next = match authorization.next_step(consent.as_ref()) {
        Ok(next) => next,
        Err(error) => {
            audit_refusal(&authorization, error.code);
            return authorization.send_error(error);
        }
    };
    match (next, &authorization.session) {
        (NextStep::Issue, Some(_)) if authorization.interaction.is_for_account_page() => {
            Ok(Reply::see_other(&account_url(authorization.request, None)))
        }
        (NextStep::Issue, Some(session))
            if let Some(asked) = authorization.interaction.cross_device() =>
        {
            allow_cross_device(&authorization, session, asked).await
        }
        (NextStep::Issue, Some(session)) => {
            pushed::use_once(&authorization, session).await?;
            issue::issue_authorization_response(&authorization, session).await
        }
        // A form redirects to a page, so going back or reloading does not submit the form again.
        (NextStep::AskConsent | NextStep::RefuseEntry, Some(_)) if authorization.by_form => {
            forms::redirect_to(&authorization, Endpoint::Consent).await
        }
        (NextStep::SignIn(_) | NextStep::ChooseAccount | NextStep::SecondFactor, Some(_))
            if authorization.by_form =>
        {
            forms::redirect_to(&authorization, Endpoint::Login).await
        }
        (NextStep::SecondFactor, Some(session)) => {
            second_factor_page::ask_in_session(&authorization, &session.account).await
        }
        (NextStep::RefuseEntry, Some(session)) => refuse_entry(&authorization, session),
        (NextStep::AskConsent, Some(session)) => page::show_consent_page(&authorization, session),
        (NextStep::ChooseAccount, Some(session)) => page::choose_account(&authorization, session),
        (NextStep::SignIn(reason), _) => begin_sign_in(&authorization, reason).await,
        (
            NextStep::Issue
            | NextStep::AskConsent
            | NextStep::ChooseAccount
            | NextStep::SecondFactor
            | NextStep::RefuseEntry,
            None,
        ) => {
            let accepts_passwords = authorization.accepts_passwords();
            page::show_sign_in_page(&authorization, SignInReason::NoSession, accepts_passwords)
        }
    }
}

/// The page for a person who may not use the application, or who lacks the factor that the tenant requires.
fn refuse_entry(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
) -> Result<Reply, EndpointError> {
    if let Some(AccessDenial::MissingFactor(_)) = authorization.entry_refusal() {
        authorization.audit_entry_refusal();
        return missing_factor_page::show_missing_factor(authorization, &session.account);
    }
    page::refuse_entry(authorization, session)
}

/// The sign-in page, or a redirect to the provider that the page would lead to anyway.
async fn begin_sign_in(
    authorization: &AuthorizationContext<'_>,
    reason: SignInReason,
) -> Result<Reply, EndpointError> {
    let accepts_passwords = authorization.accepts_passwords();
    match provider_sign_in::direct_provider(authorization, reason, accepts_passwords) {
        Some(provider) if !authorization.by_form => {
            let hint = authorization.hinted_name();
            provider_sign_in::redirect_to_provider(authorization, provider, hint).await
        }
        _ => page::show_sign_in_page(authorization, reason, accepts_passwords),
    }
}

/// The permissions that the user granted before, where the client may rely on them.
async fn earlier_consent(
    authorization: &AuthorizationContext<'_>,
) -> Result<Option<Consent>, EndpointError> {
    let client = &authorization.authorization.client;
    match &authorization.session {
        Some(session) if client.consent == ConsentPolicy::Required => {
            let accounts = authorization.accounts();
            Ok(consents::load_consent(accounts, &session.account, client).await?)
        }
        _ => Ok(None),
    }
}
