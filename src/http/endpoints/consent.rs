//! The consent page and its form (OIDC Core §3.1.2.4).

use super::authorize::{Step, advance, hold, redirect, reopen, resume, start_again};
use crate::{
    http::{App, Failure, Reply, Request, session::Held},
    model::ConsentPolicy,
    protocol::{
        consent,
        error::{ErrorCode, OAuthError},
        records::{Consent, decode, encode},
    },
    store::{Key, Owner, OwnerKind, Record, RecordKind},
};

/// How often a write that loses against another is decided again.
const ATTEMPTS: usize = 3;

/// `GET I/consent`: the consent page of an interaction that a 303 leads to.
pub async fn get(app: &App, request: Request) -> Result<Reply, Failure> {
    let step = resume(app, &request).await?;
    advance(app, &request, step).await
}

/// `POST I/consent`: allow, refuse, or use another account.
pub async fn post(app: &App, request: Request) -> Result<Reply, Failure> {
    let (form, mut step) = reopen(app, &request).await?;
    // The page named a person: nobody else may answer it.
    let same = step.held.as_ref().is_some_and(|held| step.interaction.is_of(&held.session));
    if !same {
        return Err(start_again(&request, &step.interaction, "Your session has changed", CHANGED));
    }
    match form.get("action") {
        Some("allow") => {
            if step.interaction.covers(&step.ask) {
                remember(app, &request, &step).await?;
                step.answers.consented = true;
            }
            advance(app, &request, step).await
        }
        Some("switch") => hold(app, &request, &step, "/login").await,
        _ => {
            let denied = OAuthError::new(ErrorCode::AccessDenied, "The person did not agree.");
            Ok(redirect(&request.tenant.tenant, &step.ask.return_to, &denied))
        }
    }
}

const CHANGED: &str = "Since this page was opened, you have signed out or used another account.";

/// Writes down what the person agreed to, beside what they agreed to before.
async fn remember(app: &App, request: &Request, step: &Step) -> Result<(), Failure> {
    let Some(held) = &step.held else { return Ok(()) };
    if step.ask.client.consent == ConsentPolicy::Implied {
        return Ok(());
    }
    let id = consent::record_id(&held.user.subject, &step.ask.client.id);
    let key = Key::new(RecordKind::Consent, &request.tenant.tenant.id, id);
    for _ in 0..ATTEMPTS {
        let stored = app.store.get(&key, request.now).await?;
        let before: Option<Consent> =
            stored.as_ref().and_then(|stored| decode(&stored.record.value).ok());
        let agreed = consent::agree(before.as_ref(), &step.ask.wishes, request.now);
        let record = record(&key, held, &agreed);
        let written = match stored {
            Some(stored) => app.store.swap(stored.version, record, request.now).await?,
            None => app.store.insert(record, request.now).await?,
        };
        if written {
            return Ok(());
        }
    }
    Err(Failure::Unavailable("a consent changes too often".to_owned()))
}

fn record(key: &Key, held: &Held, agreed: &Consent) -> Record {
    Record {
        key: key.clone(),
        value: encode(agreed).into(),
        expires_at: agreed.given_at.plus(consent::REMEMBERED),
        owners: vec![Owner::new(OwnerKind::User, held.user.subject.as_str())],
    }
}
