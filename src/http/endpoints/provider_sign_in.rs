//! `GET I/login/{provider}`: leads the browser to an identity provider. It is a link, because CSP
//! `form-action` would also judge the redirect of a form.

use std::sync::Arc;

use crate::{
    accounts::upstream::upstream_sign_in::{UpstreamSignInOptions, begin_upstream_sign_in},
    http::{AppState, EndpointError, Reply, Request},
    protocol::{
        authorize::{NextStep, Prompt, SignInReason, wanted_levels},
        identity_provider::{IdentityProvider, acr_values_for_provider},
        upstream::UpstreamRequirements,
    },
};

use super::{
    authorize::{AttemptSubject, AuthorizationContext, forms, page},
    provider_problem,
};

/// Longest name that is passed on to a provider, in bytes.
const MAX_NAME_LEN: usize = 256;

/// The link of a sign-in page. Its `login_hint` is the name that was typed there.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.query_params()?;
    let authorization = forms::open_interaction_link(app, &request, &params).await?;
    let tenant = &authorization.request.tenant;
    let Some(provider) = tenant.provider(&request.path_param) else {
        return Err(provider_problem::provider_gone(&authorization));
    };
    if provider.directory().is_some() {
        let accepts_passwords = authorization.accepts_passwords();
        return page::show_sign_in_page(&authorization, SignInReason::NoSession, accepts_passwords);
    }
    let typed = params.get("login_hint").filter(|name| name.len() <= MAX_NAME_LEN);
    redirect_to_provider(&authorization, provider, typed.or(authorization.hinted_name())).await
}

/// The provider that a browser is sent to without a page. The application names it, the domain of `login_hint`
/// belongs to it, or it is the only source of people who may use the application. If a higher level is
/// required, the provider has to be able to reach it. The provider of the session is then considered too.
/// `accepts_passwords`: [`AuthorizationContext::accepts_passwords`].
pub(super) fn direct_provider<'a>(
    authorization: &'a AuthorizationContext<'_>,
    reason: SignInReason,
    accepts_passwords: bool,
) -> Option<&'a Arc<IdentityProvider>> {
    let chosen = chosen_provider(authorization, accepts_passwords);
    if reason != SignInReason::HigherLevel {
        return chosen;
    }
    let session = authorization.session.as_ref();
    let of_session = session.and_then(|active| active.account.provider_name());
    let of_session = of_session.and_then(|name| authorization.request.tenant.provider(name));
    let candidates = [chosen, of_session.filter(|provider| provider.directory().is_none())];
    let raises = |it: &&Arc<IdentityProvider>| authorization.can_raise_level(Some(it.name()));
    candidates.into_iter().flatten().find(raises)
}

fn chosen_provider<'a>(
    authorization: &'a AuthorizationContext<'_>,
    accepts_passwords: bool,
) -> Option<&'a Arc<IdentityProvider>> {
    let requested = &authorization.authorization;
    let tenant = &authorization.request.tenant;
    if let Some(named) = requested.identity_provider.as_deref() {
        return tenant.provider(named).filter(|it| it.directory().is_none());
    }
    let hint = requested.login_hint.as_deref().unwrap_or_default();
    if let Some(provider) = tenant.provider_for_name(hint) {
        return Some(provider);
    }
    let signs_in_here = tenant.has_people_with_passkeys() && authorization.admits_way(None);
    if signs_in_here || accepts_passwords {
        return None;
    }
    let mut admitted =
        tenant.providers().iter().filter(|it| authorization.admits_way(Some(it.name())));
    let only = admitted.next().filter(|provider| !provider.sign_in.hidden)?;
    admitted.next().is_none().then_some(only)
}

/// Whether the person is to choose an account at the provider. The application may ask for it. Or the person left a
/// page about the session's account, and must not be signed in to that account again without a question.
fn wants_other_account(authorization: &AuthorizationContext<'_>) -> bool {
    let repeats = || {
        let next = authorization.next_step(None);
        matches!(next, Ok(NextStep::SignIn(SignInReason::Again | SignInReason::HigherLevel)))
    };
    authorization.authorization.prompt.contains(&Prompt::SelectAccount)
        || (authorization.session.is_some() && !repeats())
}

/// Redirects to a provider. `login_hint`: the name of the person, where it is known.
pub(super) async fn redirect_to_provider(
    authorization: &AuthorizationContext<'_>,
    provider: &IdentityProvider,
    login_hint: Option<&str>,
) -> Result<Reply, EndpointError> {
    let AuthorizationContext { app, request, authorization: requested, interaction, .. } =
        authorization;
    let demands = UpstreamRequirements {
        fresh: requested.prompt.contains(&Prompt::Login),
        max_age: requested.max_age.map(|age| age.as_secs()),
    };
    let wanted = wanted_levels(&requested.acr, authorization.sufficient_levels());
    let acr_values = acr_values_for_provider(provider, &requested.acr_levels, &wanted);
    let options = UpstreamSignInOptions {
        demands,
        login_hint,
        select_account: wants_other_account(authorization),
        acr_values: &acr_values,
        ui_locales: requested.ui_locales.as_deref(),
    };
    let fetch = app.context(request).upstream_client(provider);
    let begun = begin_upstream_sign_in(
        authorization.accounts(),
        &fetch,
        provider,
        interaction.clone(),
        options,
    );
    match begun.await {
        Ok(url) => Ok(Reply::see_other(&url)),
        Err(error) => Err(provider_problem::provider_problem_page(
            authorization,
            (provider, AttemptSubject::default()),
            error,
        )),
    }
}
