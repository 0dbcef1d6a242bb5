//! The pages of an authorization. Each has a form that contains the sealed interaction.

use std::sync::Arc;

use http::StatusCode;
use url::form_urlencoded;

use super::{AuthorizationContext, passkey_prompt::sign_in_prompt};
use crate::{
    accounts::{passwords::password_reset::offers_reset, sessions::active_session::ActiveSession},
    http::{
        EndpointError, Reply,
        pages::{
            self, AccountView, ConsentPage, ProviderButton, RefusedEntryPage, SignInFields,
            SignInPage,
        },
    },
    model::{Endpoint, Tenant},
    protocol::{
        access::AccessDenial,
        authorize::{Interaction, SignInReason},
        identity_provider::IdentityProvider,
    },
};

/// The sign-in page. `accepts_passwords`: [`AuthorizationContext::accepts_passwords`].
pub(in crate::http::endpoints) fn show_sign_in_page(
    authorization: &AuthorizationContext<'_>,
    reason: SignInReason,
    accepts_passwords: bool,
) -> Result<Reply, EndpointError> {
    let known = || match reason {
        SignInReason::Again | SignInReason::HigherLevel => {
            authorization.session.as_ref().map(|active| active.account.username.as_str())
        }
        SignInReason::NoSession | SignInReason::OtherPerson => None,
    };
    let username = authorization.hinted_name().or_else(known).unwrap_or_default();
    let form =
        SignInFormContent { reason, accepts_passwords, username, problem: None, account: None };
    sign_in_with(authorization, form)
}

/// The sign-in page with the error of a failed attempt.
pub(in crate::http::endpoints) fn sign_in_again(
    authorization: &AuthorizationContext<'_>,
    username: &str,
    problem: &str,
) -> Result<Reply, EndpointError> {
    let form = SignInFormContent {
        reason: SignInReason::NoSession,
        accepts_passwords: authorization.accepts_passwords(),
        username,
        problem: Some(problem),
        account: None,
    };
    sign_in_with(authorization, form)
}

/// The sign-in page with a name that was typed, for its password. The caller has checked that passwords are accepted.
pub(in crate::http::endpoints) fn enter_password(
    authorization: &AuthorizationContext<'_>,
    username: &str,
) -> Result<Reply, EndpointError> {
    let form = SignInFormContent {
        reason: SignInReason::NoSession,
        accepts_passwords: true,
        username,
        problem: None,
        account: None,
    };
    sign_in_with(authorization, form)
}

/// The page that leads to the provider of a name that was typed.
pub(in crate::http::endpoints) fn show_provider_link_page(
    authorization: &AuthorizationContext<'_>,
    provider: &IdentityProvider,
    username: &str,
) -> Result<Reply, EndpointError> {
    let sealed = seal(authorization, &authorization.interaction)?;
    let tenant = &authorization.request.tenant.tenant;
    let mut button = provider_button(tenant, provider, &sealed);
    let hint = form_urlencoded::Serializer::new(String::new())
        .append_pair("login_hint", username.trim())
        .finish();
    button.href = format!("{}&{hint}", button.href);
    Ok(Reply::html(
        StatusCode::OK,
        pages::provider_redirect((tenant, authorization.request.text()), &button),
    ))
}

/// The sign-in page with an option to continue with the session's account.
pub(super) fn choose_account(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let form = SignInFormContent {
        reason: SignInReason::NoSession,
        accepts_passwords: authorization.accepts_passwords(),
        username: authorization.hinted_name().unwrap_or_default(),
        problem: None,
        account: Some(AccountView::from(&*session.account)),
    };
    sign_in_with(authorization, form)
}

/// The variable parts of the sign-in page.
struct SignInFormContent<'a> {
    reason: SignInReason,
    /// Whether users who may use the application type their password on this page.
    accepts_passwords: bool,
    username: &'a str,
    problem: Option<&'a str>,
    account: Option<AccountView>,
}

fn sign_in_with(
    authorization: &AuthorizationContext<'_>,
    form: SignInFormContent<'_>,
) -> Result<Reply, EndpointError> {
    let sealed = seal(authorization, &authorization.interaction)?;
    let providers = provider_buttons(authorization, form.reason, &sealed);
    let fields = fields(authorization, &form);
    let autofill = fields != SignInFields::Absent;
    let passkey = sign_in_prompt(authorization, form.reason, autofill)?;
    let html = pages::sign_in_page(&SignInPage {
        providers: &providers,
        fields,
        passkey: passkey.as_ref(),
        offers_reset: fields == SignInFields::NameAndPassword
            && offers_reset(&authorization.request.tenant.tenant),
        tenant: &authorization.request.tenant.tenant,
        text: authorization.request.text(),
        client: &authorization.authorization.client,
        redirect_uri: authorization.authorization.return_to.displayed_uri(),
        interaction: &sealed,
        username: form.username,
        reason: form.reason,
        problem: form.problem,
        account: form.account,
    });
    let page = with_form(authorization, html);
    Ok(if passkey.is_some() { page.with_script() } else { page })
}

/// The fields of the form. Where domains belong to providers, the name comes first.
fn fields(authorization: &AuthorizationContext<'_>, form: &SignInFormContent<'_>) -> SignInFields {
    let tenant = &authorization.request.tenant;
    let suffices = form.reason != SignInReason::HigherLevel || password_raises(authorization);
    match (tenant.routes_domains(), form.accepts_passwords && suffices) {
        (true, false) => SignInFields::Name,
        (true, true) if form.username.is_empty() => SignInFields::Name,
        (_, true) => SignInFields::NameAndPassword,
        (false, false) => SignInFields::Absent,
    }
}

/// Whether a password can reach the level that is required, at the tenant itself or at a directory.
fn password_raises(authorization: &AuthorizationContext<'_>) -> bool {
    let providers = authorization.request.tenant.providers().iter();
    let directories = providers.filter(|it| it.directory().is_some()).map(|it| Some(it.name()));
    [None].into_iter().chain(directories).any(|name| authorization.can_raise_level(name))
}

/// The buttons of the identity providers whose users may use the application. If a higher level is required, only
/// providers that can reach it get a button. The provider of the session then gets its button even if it is hidden.
fn provider_buttons(
    authorization: &AuthorizationContext<'_>,
    reason: SignInReason,
    sealed: &str,
) -> Vec<ProviderButton> {
    let served = &authorization.request.tenant;
    let session = authorization.session.as_ref();
    let of_session = session.and_then(|active| active.account.provider_name());
    let is_shown = |provider: &&Arc<IdentityProvider>| match reason {
        SignInReason::HigherLevel => {
            (!provider.sign_in.hidden || of_session == Some(provider.name()))
                && authorization.can_raise_level(Some(provider.name()))
        }
        _ => !provider.sign_in.hidden,
    };
    // The people of a directory use the form.
    let providers = served.providers().iter().filter(|provider| provider.directory().is_none());
    let admitted = providers.filter(|provider| authorization.admits_way(Some(provider.name())));
    let shown = admitted.filter(is_shown);
    shown.map(|provider| provider_button(&served.tenant, provider, sealed)).collect()
}

fn provider_button(tenant: &Tenant, provider: &IdentityProvider, sealed: &str) -> ProviderButton {
    let path = Endpoint::ProviderSignIn.absolute_path(&tenant.issuer);
    ProviderButton {
        name: provider.display_name.clone(),
        unreachable: provider.unreachable,
        href: format!("{}?interaction={sealed}", path.replace("{provider}", provider.name())),
    }
}

/// Renders the page that asks the session's user for the permissions that the application requests.
pub(super) fn show_consent_page(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let permissions = &authorization.authorization.requested_permissions;
    let interaction = authorization.interaction.clone().with_displayed_permissions(permissions);
    let sealed = seal(authorization, &interaction)?;
    let html = pages::consent_page(&ConsentPage {
        tenant: &authorization.request.tenant.tenant,
        text: authorization.request.text(),
        request: &authorization.authorization,
        user: &session.account,
        cross_device: authorization.interaction.cross_device(),
        interaction: &sealed,
    });
    Ok(with_form(authorization, html))
}

/// The page for a person who may not use the application, and the audit line.
pub(super) fn refuse_entry(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let refusal = authorization.entry_refusal();
    authorization.audit_entry_refusal();
    let message = match &refusal {
        Some(AccessDenial::Refused(refused)) => refused.message.as_deref(),
        Some(AccessDenial::MissingFactor(_) | AccessDenial::HigherLevel { .. }) | None => None,
    };
    let sealed = seal(authorization, &authorization.interaction)?;
    let html = pages::refused_entry_page(&RefusedEntryPage {
        tenant: &authorization.request.tenant.tenant,
        text: authorization.request.text(),
        request: &authorization.authorization,
        user: &session.account,
        message,
        interaction: &sealed,
    });
    Ok(with_form(authorization, html).status(StatusCode::FORBIDDEN))
}

fn seal(
    authorization: &AuthorizationContext<'_>,
    interaction: &Interaction,
) -> Result<String, EndpointError> {
    Ok(authorization.accounts().seal(interaction)?)
}

/// A page with a form whose response may redirect to the client. Its referrer policy lets browsers
/// send `Origin` with the form; with `no-referrer` they send `null` (Fetch §3.1).
pub(in crate::http::endpoints) fn with_form(
    authorization: &AuthorizationContext<'_>,
    html: String,
) -> Reply {
    let request = &authorization.authorization;
    Reply::html(StatusCode::OK, html)
        .form_action(request.return_to.form_action())
        .image(request.client.details.logo_uri.as_deref())
        .header("referrer-policy", "same-origin")
}
