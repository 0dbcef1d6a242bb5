//! The positive answer: a code, or tokens (RFC 6749 §4.1.2, OIDC Core §3.2.2.5).
//!
//! Order: the session learns of the client, then the gate (the grant of an implicit access token
//! is inserted), then signing: what fails after the gate is lost, never given twice.

use super::{advance::redirect, implicit};
use crate::{
    http::{
        App, Failure, Reply, Request,
        session::{self, Held},
    },
    keys::Purpose,
    protocol::{
        authorize::{self, Ask},
        error::{ErrorCode, OAuthError},
        records::{Code, Grant, SealedCode, encode},
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
        return Ok(redirect(&ask.return_to, &ended));
    }
    let grant = authorize::grant(ask, &held.session, request.now);
    let url = match ask.response_type {
        kind if kind.has_code() => code(app, request, ask, grant).await?,
        _ => implicit::tokens(app, request, ask, held, &grant).await?,
    };
    Ok(Reply::see_other(&url))
}

/// The URL of a response with a code.
async fn code(app: &App, request: &Request, ask: &Ask, grant: Grant) -> Result<String, Failure> {
    let code = authorize::code(ask, grant, app.entropy.id(), app.incarnation().await?.to_owned());
    let whole = seal(app, request, &SealedCode::Whole(Box::new(code.clone())))?;
    let sealed = if whole.len() <= LONGEST_CODE {
        whole
    } else {
        seal(app, request, &SealedCode::Stored(store(app, request, &code).await?))?
    };
    app.metrics.token_issued(&request.tenant.tenant.id, TokenKind::Code);
    Ok(ask.return_to.url(&[("code", &sealed)]))
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
