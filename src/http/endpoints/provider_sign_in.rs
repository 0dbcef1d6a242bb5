//! `GET I/login/{provider}`: leads the browser to an identity provider. It is a link, since CSP
//! `form-action` would also judge the redirect of a form.

use std::sync::Arc;

use crate::{
    accounts::upstream_sign_in::{UpstreamWishes, begin_upstream_sign_in},
    http::{AppState, EndpointError, Reply, Request},
    protocol::{
        authorize::{Prompt, SignInReason},
        identity_provider::IdentityProvider,
        upstream::UpstreamDemands,
    },
    registry::ServedTenant,
};

use super::{
    authorize::{AuthorizationContext, forms, page},
    provider_problem,
};

/// The link of a sign-in page.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let authorization = forms::open_link(app, &request).await?;
    let tenant = &authorization.request.tenant;
    let Some(provider) = tenant.provider(&request.path_param) else {
        return Err(provider_problem::provider_gone(&authorization));
    };
    if provider.directory().is_some() {
        return page::sign_in(&authorization, SignInReason::NoSession);
    }
    redirect_to_provider(&authorization, provider).await
}

/// The provider that a browser is sent to without a page: the one that the application names or
/// that the domain of `login_hint` belongs to, or the only source of people.
pub(super) fn direct_provider<'a>(
    authorization: &'a AuthorizationContext<'_>,
) -> Option<&'a Arc<IdentityProvider>> {
    let requested = &authorization.authorization;
    let tenant = &authorization.request.tenant;
    if let Some(named) = requested.identity_provider.as_deref() {
        return tenant.provider(named).filter(|it| it.directory().is_none());
    }
    let hint = requested.login_hint.as_deref().unwrap_or_default();
    if let Some(provider) = routed_provider(tenant, hint) {
        return Some(provider);
    }
    match tenant.providers() {
        [only]
            if !only.sign_in.hidden
                && only.directory().is_none()
                && tenant.passwords().next().is_none() =>
        {
            Some(only)
        }
        _ => None,
    }
}

/// The provider that the domain of an e-mail address belongs to.
pub(super) fn routed_provider<'a>(
    tenant: &'a ServedTenant,
    address: &str,
) -> Option<&'a Arc<IdentityProvider>> {
    let domain = address.rsplit_once('@')?.1.trim().to_ascii_lowercase();
    // The people of a directory use the form.
    let mut elsewhere = tenant.providers().iter().filter(|it| it.directory().is_none());
    elsewhere.find(|provider| provider.sign_in.domains.contains(&domain))
}

/// Redirects to a provider.
pub(super) async fn redirect_to_provider(
    authorization: &AuthorizationContext<'_>,
    provider: &IdentityProvider,
) -> Result<Reply, EndpointError> {
    let AuthorizationContext { app, request, authorization: requested, interaction, .. } =
        authorization;
    let demands = UpstreamDemands {
        fresh: requested.prompt.contains(&Prompt::Login),
        max_age: requested.max_age.map(|age| age.as_secs()),
    };
    let wishes = UpstreamWishes {
        demands,
        // A hint may be a domain alone, which chooses the provider but names no person.
        login_hint: requested.login_hint.as_deref().filter(|hint| !hint.starts_with('@')),
        acr_values: &requested.acr.values,
        ui_locales: requested.ui_locales.as_deref(),
    };
    let fetch = app.upstream_client(request);
    let begun = begin_upstream_sign_in(
        authorization.accounts(),
        &fetch,
        provider,
        interaction.clone(),
        wishes,
    );
    match begun.await {
        Ok(url) => Ok(Reply::see_other(&url)),
        Err(error) => Err(provider_problem::problem_page(authorization, provider, error)),
    }
}
