//! The successful authorization response: a code, tokens, or both (RFC 6749 §4.1.2, OIDC Core
//! §3.2.2.5, §3.3.2.5).
//!
//! Order: add the client to the session, insert the grant of an access token (the atomic gate),
//! sign. If a step after the gate fails, the result is lost, but never issued twice.

use super::{
    AuthorizationContext,
    implicit::{self, AuthorizationIssueContext, IssuedArtifacts},
    respond::respond,
};
use crate::{
    accounts::{
        session_state::{browser_state, session_state},
        sessions::{self, ActiveSession},
    },
    http::{AppState, CookiePurpose, EndpointError, Reply, Request},
    keys::SealPurpose,
    protocol::{
        authorize,
        error::{ErrorCode, OAuthError},
        records::{AuthorizationCode, SealedCode, encode},
        session::CLOCK_SKEW,
    },
    store::{Record, RecordKey, RecordKind},
    telemetry::TokenKind,
};

/// Longest code that is sent whole: longer URLs fail in some software.
const MAX_CODE_LEN: usize = 2 * 1024;

pub(super) async fn issue(
    authorization: &AuthorizationContext<'_>,
    held: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let AuthorizationContext { app, request, authorization: ask, .. } = authorization;
    if !sessions::add_client(app.context(request), held, &ask.client.id).await? {
        let ended = OAuthError::new(ErrorCode::LoginRequired, "The session has just ended.");
        return Ok(authorization.refuse(&ended));
    }
    let grant = authorize::grant(ask, &held.session, request.now);
    let grant_id = app.accounts.entropy.id_at(request.now);
    let offer = AuthorizationIssueContext { ask, held, grant: &grant, grant_id: &grant_id };
    let mut access_token = None;
    if ask.response_type.has_token() {
        access_token = Some(implicit::access_token(app, request, offer).await?);
    }
    let mut code = None;
    if ask.response_type.has_code() {
        code = Some(sealed_code(app, request, offer).await?);
    }
    app.used(&ask.client);
    let given = IssuedArtifacts { code: code.as_deref(), access_token: access_token.as_deref() };
    let mut id_token = None;
    if ask.response_type.has_id_token() {
        id_token = Some(implicit::id_token(app, request, offer, given).await?);
    }
    let mut response = implicit::response(offer, given, id_token.as_deref());
    let salt = app.accounts.entropy.id();
    let state = session_state(&ask.client, ask.return_to.uri(), held, &salt);
    response.extend(state.map(|state| ("session_state", state)));
    let response: Vec<_> = response.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let response = ask.return_to.response(&response);
    let reply = respond(&request.tenant.tenant, &ask.return_to, response);
    // The browser state that the application compares with `session_state`.
    let known = browser_state(held);
    Ok(match request.cookie(CookiePurpose::BrowserState) {
        Some(state) if state == known => reply,
        _ => reply.cookie(CookiePurpose::BrowserState, &known),
    })
}

/// Seals a code.
async fn sealed_code(
    app: &AppState,
    request: &Request,
    offer: AuthorizationIssueContext<'_>,
) -> Result<String, EndpointError> {
    let incarnation = app.accounts.store.incarnation().await?;
    let grant_id = offer.grant_id.to_owned();
    let code = authorize::code(offer.ask, offer.grant.clone(), grant_id, incarnation);
    let whole = seal(app, request, &SealedCode::Whole(Box::new(code.clone())))?;
    let sealed = if whole.len() <= MAX_CODE_LEN {
        whole
    } else {
        seal(app, request, &SealedCode::Stored(store(app, request, &code).await?))?
    };
    app.accounts.metrics.token_issued(&request.tenant.tenant.id, TokenKind::Code);
    Ok(sealed)
}

fn seal(app: &AppState, request: &Request, code: &SealedCode) -> Result<String, EndpointError> {
    let tenant = &request.tenant.tenant.id;
    let plain = encode(code);
    Ok(request.sealer()?.seal(
        SealPurpose::Code,
        tenant,
        &plain,
        &*app.accounts.entropy,
        request.now,
    ))
}

/// Stores the parts that make a code too long, and returns the record's id. Its user has signed in.
async fn store(
    app: &AppState,
    request: &Request,
    code: &AuthorizationCode,
) -> Result<String, EndpointError> {
    let id = app.accounts.entropy.id();
    let record = Record {
        key: RecordKey::new(RecordKind::CodeDetail, &request.tenant.tenant.id, id.as_str()),
        value: encode(code).into(),
        expires_at: code.expires_at.plus(CLOCK_SKEW),
        owners: Vec::new(),
        due_at: None,
    };
    if app.accounts.store.insert(record, request.now).await? {
        Ok(id)
    } else {
        Err(EndpointError::Unavailable("the id of a new code already exists".to_owned()))
    }
}
