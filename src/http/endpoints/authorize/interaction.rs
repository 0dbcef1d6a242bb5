//! Interactions in transit: sealed into forms, opened again, and, once a user has signed in, stored
//! between a POST and the page that it redirects to.

use super::{AuthorizationContext, respond::authorize_error};
use crate::{
    http::{
        AppState, CookiePurpose, EndpointError, Reply, Request,
        pages::{ErrorPage, RetryLink, error_page},
    },
    keys::SealPurpose,
    model::Entropy,
    protocol::{
        authorize::{Interaction, InteractionError, validate},
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::{decode, encode},
        session::CLOCK_SKEW,
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind},
};

/// Seals an interaction for a form.
pub(super) fn seal(
    app: &AppState,
    request: &Request,
    interaction: &Interaction,
) -> Result<String, EndpointError> {
    let entropy: &dyn Entropy = &*app.accounts.entropy;
    let plain = encode(interaction);
    let tenant = &request.tenant.tenant.id;
    Ok(request.sealer()?.seal(SealPurpose::Interaction, tenant, &plain, entropy, request.now))
}

/// Validates a form submission: a same-origin form, an interaction of this tenant and browser that
/// has not expired, and its authorization request, which is validated again.
pub(in crate::http::endpoints) async fn from_form(
    app: &AppState,
    request: &Request,
) -> Result<(RequestParams, AuthorizationContext), EndpointError> {
    if !request.same_origin() {
        return Err(EndpointError::Page(foreign_form()));
    }
    let form =
        request.form().and_then(RequestParams::reject_duplicates).map_err(EndpointError::Page)?;
    let sealed = form.require("interaction").map_err(EndpointError::Page)?;
    let opened =
        request.sealer()?.open(SealPurpose::Interaction, &request.tenant.tenant.id, sealed);
    let interaction: Interaction = opened
        .and_then(|plain| decode(&plain).ok())
        .ok_or_else(|| dead_end(request, "This form is not valid", UNREADABLE))?;
    let pre_session = request.cookie(CookiePurpose::PreSession);
    interaction.check(pre_session, request.now).map_err(|error| {
        let (title, message) = match error {
            InteractionError::Expired => ("This page has expired", EXPIRED),
            InteractionError::OtherBrowser => ("This page cannot be used", OTHER_BROWSER),
        };
        start_again(request, &interaction, title, message)
    })?;
    let step = step(app, request, interaction).await?;
    Ok((form, AuthorizationContext { by_form: true, ..step }))
}

/// Stores an interaction for the page that a 303 redirects to. Only its session can resume it. It
/// requires a signed-in user: an unauthenticated request writes no record.
pub(in crate::http::endpoints) async fn save(
    app: &AppState,
    request: &Request,
    step: &AuthorizationContext,
    page: &str,
) -> Result<Reply, EndpointError> {
    let id = app.accounts.entropy.id();
    let sid =
        step.session.as_ref().map(|held| held.session.sid.as_str()).ok_or_else(|| {
            start_again(request, &step.interaction, "You are signed out", SIGNED_OUT)
        })?;
    let record = Record {
        key: RecordKey::new(RecordKind::Interaction, &request.tenant.tenant.id, id.as_str()),
        value: encode(&step.interaction).into(),
        expires_at: step.interaction.expires_at().plus(CLOCK_SKEW),
        owners: vec![IndexEntry::new(OwnerKind::Session, sid)],
        due_at: None,
    };
    if !app.accounts.store.insert(record, request.now).await? {
        return Err(EndpointError::Unavailable("a new interaction id already exists".to_owned()));
    }
    let issuer = &request.tenant.tenant.issuer;
    Ok(Reply::see_other(&format!("{}{page}?interaction={id}", issuer.path())))
}

/// Loads the interaction that `save` stored, for a GET of its page.
pub(in crate::http::endpoints) async fn from_store(
    app: &AppState,
    request: &Request,
) -> Result<AuthorizationContext, EndpointError> {
    let params = request.query_params().map_err(EndpointError::Page)?;
    let gone = || dead_end(request, "This page is no longer available", NOTHING);
    let id = params.get("interaction").ok_or_else(gone)?;
    let key = RecordKey::new(RecordKind::Interaction, &request.tenant.tenant.id, id);
    let stored = app.accounts.store.get(&key, request.now).await?.ok_or_else(gone)?;
    let interaction: Interaction = decode(&stored.record.value).map_err(|_| gone())?;
    let step = step(app, request, interaction).await?;
    let same = step.session.as_ref().is_some_and(|held| step.interaction.belongs_to(&held.session));
    if same { Ok(step) } else { Err(gone()) }
}

async fn step(
    app: &AppState,
    request: &Request,
    interaction: Interaction,
) -> Result<AuthorizationContext, EndpointError> {
    let tenant = &request.tenant;
    let ask = validate(&tenant.tenant, &**tenant, &interaction.params())
        .map_err(|error| authorize_error(&tenant.tenant, error))?;
    let held = app.session(request).await?;
    let answers = interaction.answers(held.as_ref().map(|held| &held.session));
    Ok(AuthorizationContext {
        authorization: ask,
        session: held,
        interaction,
        answers,
        by_form: false,
    })
}

const UNREADABLE: &str = "The form data is damaged or was not created by this service.";
const EXPIRED: &str = "It was open for more than fifteen minutes.";
const OTHER_BROWSER: &str =
    "It was opened in another browser, or this browser blocks cookies from this site.";
const SIGNED_OUT: &str = "You were signed out while this page was open.";
const NOTHING: &str = "This sign-in was completed already, or was started in another browser.";

fn foreign_form() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, "The form was sent from another site.")
}

/// A page with a link that starts the same request again, which is safe for any visitor.
pub(in crate::http::endpoints) fn start_again(
    request: &Request,
    interaction: &Interaction,
    title: &str,
    message: &str,
) -> EndpointError {
    let issuer = &request.tenant.tenant.issuer;
    let href = format!("{}/oauth/authorize?{}", issuer.path(), interaction.query());
    let retry = RetryLink { href: &href, label: "Start again" };
    page(request, title, message, "Start again to continue.", Some(retry))
}

fn dead_end(request: &Request, title: &str, message: &str) -> EndpointError {
    page(request, title, message, "Go back to the application and sign in from there.", None)
}

fn page(
    request: &Request,
    title: &str,
    message: &str,
    advice: &str,
    retry: Option<RetryLink>,
) -> EndpointError {
    let html = error_page(&ErrorPage {
        tenant: Some(&request.tenant.tenant),
        title,
        message,
        advice,
        detail: "",
        code: "interaction_unusable",
        request_id: &request.id,
        retry,
    });
    EndpointError::Reply(Box::new(Reply::html(http::StatusCode::BAD_REQUEST, html)))
}
