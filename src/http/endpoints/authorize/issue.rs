//! The positive answer: a code, tokens, or both (RFC 6749 §4.1.2, OIDC Core §3.2.2.5, §3.3.2.5).
//!
//! Order: the session learns of the client, then the gate (the grant of an access token is
//! inserted), then signing: what fails after the gate is lost, never given twice.

use super::{
    advance::{deliver, redirect},
    front_channel::{self, Given, Offer},
};
use crate::{
    http::{
        App, CookiePurpose, Failure, Reply, Request,
        front_channel::{browser_state, session_state},
        session::{self, Held},
    },
    keys::Purpose,
    protocol::{
        authorize::{self, Ask},
        error::{ErrorCode, OAuthError},
        records::{Code, SealedCode, encode},
        session::SKEW,
    },
    store::{Key, Record, RecordKind},
    telemetry::TokenKind,
};

/// The longest code that travels whole: URLs beyond 2 KiB break somewhere.
const LONGEST_CODE: usize = 2 * 1024;

pub(super) async fn issue(
    app: &App,
    request: &Request,
    ask: &Ask,
    held: &Held,
) -> Result<Reply, Failure> {
    if !session::join(app, request, held, &ask.client.id).await? {
        let ended = OAuthError::new(ErrorCode::LoginRequired, "The session has just ended.");
        return Ok(redirect(&request.tenant.tenant, &ask.return_to, &ended));
    }
    let grant = authorize::grant(ask, &held.session, request.now);
    let grant_id = app.entropy.id_at(request.now);
    let offer = Offer { ask, held, grant: &grant, grant_id: &grant_id };
    let mut access_token = None;
    if ask.response_type.has_token() {
        access_token = Some(front_channel::access_token(app, request, offer).await?);
    }
    let mut code = None;
    if ask.response_type.has_code() {
        code = Some(sealed_code(app, request, offer).await?);
    }
    app.used(&ask.client);
    let given = Given { code: code.as_deref(), access_token: access_token.as_deref() };
    let mut id_token = None;
    if ask.response_type.has_id_token() {
        id_token = Some(front_channel::id_token(app, request, offer, given).await?);
    }
    let mut response = front_channel::response(offer, given, id_token.as_deref());
    let salt = app.entropy.id();
    let state = session_state(&ask.client, ask.return_to.uri(), held, &salt);
    response.extend(state.map(|state| ("session_state", state)));
    let response: Vec<_> = response.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let response = ask.return_to.response(&response);
    let reply = deliver(&request.tenant.tenant, &ask.return_to, response);
    // What a page of the application may compare with `session_state`.
    let known = browser_state(held);
    Ok(match request.cookie(CookiePurpose::BrowserState) {
        Some(state) if state == known => reply,
        _ => reply.cookie(CookiePurpose::BrowserState, &known),
    })
}

/// A sealed code.
async fn sealed_code(app: &App, request: &Request, offer: Offer<'_>) -> Result<String, Failure> {
    let incarnation = app.store.incarnation().await?;
    let grant_id = offer.grant_id.to_owned();
    let code = authorize::code(offer.ask, offer.grant.clone(), grant_id, incarnation);
    let whole = seal(app, request, &SealedCode::Whole(Box::new(code.clone())))?;
    let sealed = if whole.len() <= LONGEST_CODE {
        whole
    } else {
        seal(app, request, &SealedCode::Stored(store(app, request, &code).await?))?
    };
    app.metrics.token_issued(&request.tenant.tenant.id, TokenKind::Code);
    Ok(sealed)
}

fn seal(app: &App, request: &Request, code: &SealedCode) -> Result<String, Failure> {
    let tenant = &request.tenant.tenant.id;
    let plain = encode(code);
    Ok(request.sealer()?.seal(Purpose::Code, tenant, &plain, &*app.entropy, request.now))
}

/// Stores what makes a code too long, and returns its id: its person has signed in.
async fn store(app: &App, request: &Request, code: &Code) -> Result<String, Failure> {
    let id = app.entropy.id();
    let record = Record {
        key: Key::new(RecordKind::CodeDetail, &request.tenant.tenant.id, id.as_str()),
        value: encode(code).into(),
        expires_at: code.expires_at.plus(SKEW),
        owners: Vec::new(),
    };
    if app.store.insert(record, request.now).await? {
        Ok(id)
    } else {
        Err(Failure::Unavailable("the id of a new code is taken".to_owned()))
    }
}
