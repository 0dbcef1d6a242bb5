//! The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2). An unauthenticated request
//! writes nothing: what must survive until the person has signed in travels sealed in the page.
//!
//! `advance` is the one place that takes a person a step further, from here as from the pages.

mod advance;
mod front_channel;
mod interaction;
mod issue;
mod request_object;

pub(super) use advance::{Step, advance, redirect, refuse, sign_in_page};
pub(super) use interaction::{hold, reopen, resume, start_again};

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value};

use crate::{
    http::{App, CookiePurpose, Failure, Reply, Request, session},
    keys::JwtType,
    model::Client,
    protocol::{
        authorize::{Answers, Ask, Interaction, Prompt, ReturnTo, Served, validate},
        error::{ErrorCode, OAuthError},
        params::Params,
    },
    registry::ServedTenant,
};

/// `GET I/oauth/authorize`.
pub async fn get(app: &App, request: Request) -> Result<Reply, Failure> {
    let params = request.query_params().map_err(Failure::Page)?;
    begin(app, &request, params).await
}

/// `POST I/oauth/authorize`: the same, with the parameters in the body (OIDC Core §3.1.2.1).
pub async fn post(app: &App, request: Request) -> Result<Reply, Failure> {
    let params = request.form().map_err(Failure::Page)?;
    begin(app, &request, params).await
}

async fn begin(app: &App, request: &Request, params: Params) -> Result<Reply, Failure> {
    let params = request_object::open(app, request, params).await?;
    let tenant = &request.tenant;
    let ask = validate(&tenant.tenant, &**tenant, &params)
        .map_err(|error| refuse(&tenant.tenant, error))?;
    let silent = ask.prompt.contains(&Prompt::None).then(|| ask.return_to.clone());
    match (first_step(app, request, &params, ask).await, silent) {
        (Err(failure), Some(to)) => tell(request, &to, failure),
        (answer, _) => answer,
    }
}

/// Who may show no page shows none of ours about a fault either, and somebody waits for an answer: the
/// client is told (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.1).
fn tell(request: &Request, to: &ReturnTo, failure: Failure) -> Result<Reply, Failure> {
    let (code, text) = match failure {
        Failure::Unavailable(_) => {
            (ErrorCode::TemporarilyUnavailable, "The service cannot answer right now.")
        }
        Failure::Internal(_) => (ErrorCode::ServerError, "Something went wrong here."),
        other => return Err(other),
    };
    failure.log(&request.id);
    Ok(redirect(&request.tenant.tenant, to, &OAuthError::new(code, text)))
}

async fn first_step(
    app: &App,
    request: &Request,
    params: &Params,
    ask: Ask,
) -> Result<Reply, Failure> {
    // It may not even be the sector's: nobody is sent there.
    let sector = app.sectors.check(&*app.fetch, &ask.client, request.now).await;
    sector.map_err(Failure::Page)?;
    let known = request.cookie(CookiePurpose::PreSession).map(str::to_owned);
    let pre_session = known.clone().unwrap_or_else(|| app.entropy.token());
    let held = session::load(app, request).await?;
    let session = held.as_ref().map(|held| &held.session);
    let interaction = Interaction::begin(params, &pre_session, session, request.now);
    let answers = Answers::default();
    let step = Step { ask, held, interaction, answers, by_form: false };
    let reply = advance(app, request, step).await?;
    // Only a page needs it; an answer to the client leaves the browser as it was.
    Ok(if known.is_none() && reply.status == StatusCode::OK {
        reply.cookie(CookiePurpose::PreSession, &pre_session)
    } else {
        reply
    })
}

impl Served for ServedTenant {
    fn client(&self, id: &str) -> Option<Arc<Client>> {
        Self::client(self, id).cloned()
    }

    fn id_token(&self, jwt: &str) -> Option<Map<String, Value>> {
        // Signed userinfo has no `exp` (OIDC Core §5.3.2), and is no ID token.
        let claims = self.keys.verify(jwt, JwtType::IdToken).ok()?;
        claims.contains_key("exp").then_some(claims)
    }
}
