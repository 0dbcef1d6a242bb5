//! `I/callback/{provider}`: the redirect URI at an identity provider.

use http::StatusCode;

use super::{
    authorize::{AttemptSubject, continue_signed_in, forms},
    provider_problem,
};
use crate::{
    accounts::{
        clients::pushed_requests::restore_stored_request,
        upstream::upstream_sign_in::{UpstreamSignInError, complete_upstream_sign_in},
    },
    http::{AppState, EndpointError, Reply, Request, pages},
    identity::ThrottledCredential,
    model::Endpoint,
    protocol::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        upstream::UpstreamState,
    },
};

/// Parameters of a response that are posted on.
const FORWARDED: [&str; 5] = ["code", "state", "iss", "error", "error_description"];

/// The response in the query.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.query_params()?;
    complete(app, &request, &params).await
}

/// The response by POST. A browser sends no `SameSite=Lax` cookie with a POST of another site, so a
/// page posts it on from here.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.form()?;
    if request.same_origin() {
        return complete(app, &request, &params).await;
    }
    let fields: Vec<_> = FORWARDED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), params.get(name)?.to_owned())))
        .collect();
    let tenant = &request.tenant.tenant;
    let path = Endpoint::ProviderCallback.absolute_path(&tenant.issuer);
    let path = path.replace("{provider}", &request.path_param);
    let page = pages::form_post((tenant, request.text()), &path, &fields);
    Ok(Reply::html(StatusCode::OK, page).with_script().header("referrer-policy", "same-origin"))
}

async fn complete(
    app: &AppState,
    request: &Request,
    params: &RequestParams,
) -> Result<Reply, EndpointError> {
    let unsolicited = || {
        let text =
            "This sign-in was not started here. Go back to the application and sign in from there.";
        EndpointError::from(OAuthError::new(ErrorCode::InvalidRequest, text))
    };
    let sealed = params.get("state").ok_or_else(unsolicited)?;
    let state: UpstreamState = app.context(request).open(sealed)?.ok_or_else(unsolicited)?;
    // The answer to a request to another provider is refused here.
    if state.provider != request.path_param {
        return Err(unsolicited());
    }
    let interaction = state.interaction.clone();
    let interaction = restore_stored_request(app.context(request), interaction).await?;
    let authorization = forms::resume_in_browser(app, request, interaction).await?;
    let provider = request.tenant.provider(&state.provider);
    let Some(provider) = provider.filter(|provider| state.is_for(provider)) else {
        return Err(provider_problem::provider_gone(&authorization));
    };
    let context = app.context(request);
    let failed = |error| {
        let person = AttemptSubject::default();
        Err(provider_problem::provider_problem_page(&authorization, (provider, person), error))
    };
    // A sign-in can be answered again and again, and each answer makes a request to the provider.
    let attempt = ThrottledCredential {
        tenant: context.tenant_id(),
        client: Some(&state.nonce),
        exists: false,
        address: request.address,
    };
    let throttle = &context.services.callback_throttle;
    if throttle.admit(attempt, context.now).is_err() {
        return failed(UpstreamSignInError::throttled());
    }
    let fetch = context.upstream_client(provider);
    match complete_upstream_sign_in(context, &fetch, provider, &state, params).await {
        Ok(signed_in) => {
            throttle.succeeded(attempt);
            continue_signed_in(authorization, signed_in).await
        }
        Err(error) => {
            throttle.failed(attempt, context.now);
            failed(error)
        }
    }
}
