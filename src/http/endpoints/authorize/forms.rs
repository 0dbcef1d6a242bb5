//! Interactions between pages: opened from the form that contains them, or stored while a POST
//! redirects to a page.

use http::StatusCode;
use url::form_urlencoded;

use super::{AuthorizationContext, RequestClients, authorize_error};
use crate::{
    accounts::{
        AccountContext, clients::pushed_requests::reissue_request_uri, grants::interactions,
    },
    http::{
        AppState, CookiePurpose, EndpointError, Reply, Request, UnusablePage, endpoints::account,
    },
    messages::MessageCatalog,
    model::{Endpoint, Subject},
    protocol::{
        account_page::validate_account_page_request,
        authorize::{
            Interaction, InteractionError, pushed_client_and_request,
            validate_authorization_request, validate_backchannel_request, validate_device_request,
        },
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::CrossDeviceRequest,
    },
};

/// Validates a form submission: a same-origin form, an interaction of this tenant and browser that
/// has not expired, and its authorization request, which is validated again.
pub(in crate::http::endpoints) async fn open_authorization<'a>(
    app: &'a AppState,
    request: &'a Request,
) -> Result<(RequestParams, AuthorizationContext<'a>), EndpointError> {
    if !request.same_origin() {
        return Err(foreign_form().into());
    }
    let form = request.form().and_then(RequestParams::reject_duplicates)?;
    let sealed = form.require("interaction")?;
    let interaction: Interaction = app
        .context(request)
        .open(sealed)?
        .ok_or_else(|| unreadable(request, MessageCatalog::form_invalid_title))?;
    let authorization = resume_in_browser(app, request, interaction).await?;
    Ok((form, authorization))
}

/// Validates a link of a page that contains the sealed interaction.
pub(in crate::http::endpoints) async fn open_interaction_link<'a>(
    app: &'a AppState,
    request: &'a Request,
    params: &RequestParams,
) -> Result<AuthorizationContext<'a>, EndpointError> {
    let sealed = params.require("interaction")?;
    let interaction: Interaction = app
        .context(request)
        .open(sealed)?
        .ok_or_else(|| unreadable(request, MessageCatalog::link_invalid_title))?;
    resume_in_browser(app, request, interaction).await
}

/// Resumes an interaction that has not expired, in the browser that it was made for.
pub(in crate::http::endpoints) async fn resume_in_browser<'a>(
    app: &'a AppState,
    request: &'a Request,
    interaction: Interaction,
) -> Result<AuthorizationContext<'a>, EndpointError> {
    request.language.request(interaction.ui_locales().as_deref());
    let pre_session = request.cookie(CookiePurpose::PreSession);
    interaction.check(pre_session, request.now).map_err(|error| {
        let text = request.text();
        let (title, message) = match error {
            InteractionError::Expired => (text.page_expired_title(), text.page_was_open_too_long()),
            InteractionError::OtherBrowser => {
                (text.page_unusable_title(), text.page_of_other_browser())
            }
        };
        start_again(app.context(request), &interaction, (text, title, message))
    })?;
    let authorization = resume(app, request, interaction).await?;
    Ok(AuthorizationContext { by_form: true, ..authorization })
}

/// The URL that starts the authorization of an interaction again.
pub(in crate::http::endpoints) fn start_again_url(
    context: AccountContext<'_>,
    interaction: &Interaction,
) -> Option<String> {
    if interaction.is_for_account_page() {
        return Some(Endpoint::Account.absolute_path(&context.tenant.tenant.issuer));
    }
    if let Some(url) = cross_device_url(context, interaction) {
        return Some(url);
    }
    let query = interaction.authorization_query().unwrap_or_default();
    authorization_url(context, query.to_owned())
}

/// The URL where the person types the code of a device again, or finds a request over the backchannel again; `None`
/// for other interactions.
fn cross_device_url(context: AccountContext<'_>, interaction: &Interaction) -> Option<String> {
    let issuer = &context.tenant.tenant.issuer;
    Some(match interaction.cross_device()? {
        CrossDeviceRequest::Device(device) => {
            let path = Endpoint::Device.absolute_path(issuer);
            format!("{path}?user_code={}", device.user_code)
        }
        CrossDeviceRequest::Backchannel(_) => Endpoint::Account.absolute_path(issuer),
    })
}

/// The URL of an authorization request; `None` if the request was pushed and has ended.
fn authorization_url(context: AccountContext<'_>, query: String) -> Option<String> {
    let path = Endpoint::Authorize.absolute_path(&context.tenant.tenant.issuer);
    let Some((client_id, id)) = pushed_client_and_request(&query) else {
        return Some(format!("{path}?{query}"));
    };
    let request_uri = reissue_request_uri(context, query, &id)?;
    let reference = [("client_id", client_id), ("request_uri", request_uri)];
    let reference =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(reference).finish();
    Some(format!("{path}?{reference}"))
}

/// The URL at which the authorization request starts again and the person chooses another account
/// (`prompt=select_account`); `None` if the request was pushed and has ended.
pub(in crate::http::endpoints) fn start_with_other_account_url(
    context: AccountContext<'_>,
    interaction: &Interaction,
) -> Option<String> {
    if interaction.is_for_account_page() {
        return Some(account::choose_account_path(&context.tenant.tenant.issuer));
    }
    if let Some(url) = cross_device_url(context, interaction) {
        return Some(url);
    }
    let query = interaction.authorization_query().unwrap_or_default();
    let parsed = form_urlencoded::parse(query.as_bytes()).into_owned();
    let (prompt, others): (Vec<_>, Vec<_>) = parsed.partition(|(name, _)| name == "prompt");
    let mut values: Vec<&str> = prompt.iter().flat_map(|(_, it)| it.split(' ')).collect();
    values.retain(|value| !matches!(*value, "" | "none" | "select_account"));
    values.push("select_account");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("prompt", &values.join(" "))
        .finish();
    authorization_url(context, query)
}

/// Stores the interaction, and redirects (303) to its page. Only its session can resume it. It
/// requires a signed-in user: an unauthenticated request writes no record.
pub(in crate::http::endpoints) async fn redirect_to(
    authorization: &AuthorizationContext<'_>,
    page: Endpoint,
) -> Result<Reply, EndpointError> {
    let (request, interaction) = (authorization.request, &authorization.interaction);
    let session = authorization.session_record().ok_or_else(|| {
        let text = request.text();
        start_again(
            authorization.accounts(),
            interaction,
            (text, text.signed_out_title(), text.signed_out_meanwhile()),
        )
    })?;
    let id = interactions::save_interaction(authorization.accounts(), interaction, session).await?;
    let path = page.absolute_path(&request.tenant.tenant.issuer);
    Ok(Reply::see_other(&format!("{path}?interaction={id}")))
}

/// Loads the interaction that `redirect_to` stored, for a GET of its page.
pub(in crate::http::endpoints) async fn load_authorization<'a>(
    app: &'a AppState,
    request: &'a Request,
) -> Result<AuthorizationContext<'a>, EndpointError> {
    let params = request.query_params()?;
    let unavailable = || {
        let text = request.text();
        dead_end(text, text.page_invalid_title(), text.sign_in_over())
    };
    let id = params.get("interaction").ok_or_else(unavailable)?;
    let interaction = interactions::load_interaction(app.context(request), id).await?;
    let interaction = interaction.ok_or_else(unavailable)?;
    request.language.request(interaction.ui_locales().as_deref());
    let authorization = resume(app, request, interaction).await?;
    if authorization.has_session_of_page() { Ok(authorization) } else { Err(unavailable()) }
}

/// Validates the authorization request of an interaction again, and loads the session.
async fn resume<'a>(
    app: &'a AppState,
    request: &'a Request,
    interaction: Interaction,
) -> Result<AuthorizationContext<'a>, EndpointError> {
    let tenant = &request.tenant;
    let params = interaction
        .authorization_params()
        .ok_or_else(|| unreadable(request, MessageCatalog::form_invalid_title))?;
    let authorization = if interaction.is_for_account_page() {
        validate_account_page_request(&tenant.tenant, &params).map_err(authorize_error)?
    } else {
        match interaction.cross_device() {
            Some(CrossDeviceRequest::Device(_)) => {
                validate_device_request(&tenant.tenant, &**tenant, &params)?
            }
            Some(CrossDeviceRequest::Backchannel(asked)) => {
                let person = Subject::new(asked.subject.as_str());
                validate_backchannel_request(&tenant.tenant, &**tenant, &params, Some(&person))?
            }
            None => {
                let clients = RequestClients::load(app, request, &params).await?;
                validate_authorization_request(&tenant.tenant, &clients, &params)
                    .map_err(authorize_error)?
            }
        }
    };
    request.facts.record_client(&authorization.client.object);
    let session = app.session(request).await?;
    let completed = session.as_ref().map(|active| interaction.completed(&active.session));
    let completed = completed.unwrap_or_default();
    let begun =
        AuthorizationContext::new((app, request), (authorization, false), session, interaction);
    Ok(AuthorizationContext { completed, ..begun })
}

/// The error of a form that another site has sent.
pub(in crate::http::endpoints) fn foreign_form() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, "The form was sent from another site.")
}

/// The error if the browser no longer has the session that the page was made for.
pub(in crate::http::endpoints) fn session_changed(
    authorization: &AuthorizationContext<'_>,
) -> EndpointError {
    let (context, interaction) = (authorization.accounts(), &authorization.interaction);
    let text = authorization.request.text();
    let texts = (text, text.session_changed_title(), text.session_changed_text());
    start_again(context, interaction, texts)
}

/// The error if the request of the page was answered before.
pub(super) fn completed_already(authorization: &AuthorizationContext<'_>) -> EndpointError {
    let text = authorization.request.text();
    dead_end(text, text.page_invalid_title(), text.sign_in_over())
}

/// A page with a link that starts the same request again, which is safe for any visitor.
fn start_again(
    context: AccountContext<'_>,
    interaction: &Interaction,
    (text, title, message): (&MessageCatalog, &str, &str),
) -> EndpointError {
    let Some(href) = start_again_url(context, interaction) else {
        return dead_end(text, title, message);
    };
    unusable(title, message, text.start_again_advice(), Some(href))
}

fn unusable(
    title: &str,
    message: &str,
    advice: &str,
    start_again: Option<String>,
) -> EndpointError {
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title: title.to_owned(),
        message: message.to_owned(),
        advice: advice.to_owned(),
        start_again,
        status: StatusCode::BAD_REQUEST,
        code: "interaction_unusable",
    }))
}

/// The page for a form or link that does not open.
fn unreadable(request: &Request, title: fn(&MessageCatalog) -> &str) -> EndpointError {
    let text = request.text();
    dead_end(text, title(text), text.form_unreadable())
}

fn dead_end(text: &MessageCatalog, title: &str, message: &str) -> EndpointError {
    unusable(title, message, text.dead_end_advice(), None)
}
