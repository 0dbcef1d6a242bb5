//! The consent page and its form (OIDC Core §3.1.2.4).

use super::authorize::{
    AuthorizationContext, advance, from_form, from_store, redirect, save, start_again,
};
use crate::{
    accounts::sessions::ActiveSession,
    http::{AppState, EndpointError, Reply, Request},
    model::ConsentPolicy,
    protocol::{
        consent,
        error::{ErrorCode, OAuthError},
        records::{Consent, decode, encode},
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind},
};

/// Maximum attempts of a write that conflicts with others.
const MAX_ATTEMPTS: usize = 3;

/// `GET I/consent`: the consent page of an interaction, after a 303.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let step = from_store(app, &request).await?;
    advance(app, &request, step).await
}

/// `POST I/consent`: allow, deny, or use another account.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let (form, mut step) = from_form(app, &request).await?;
    // The page named an account; only its session may answer it.
    let same = step.session.as_ref().is_some_and(|held| step.interaction.belongs_to(&held.session));
    if !same {
        return Err(start_again(&request, &step.interaction, "Your session has changed", CHANGED));
    }
    match form.get("action") {
        Some("allow") => {
            if step.interaction.covers(&step.authorization) {
                remember(app, &request, &step).await?;
                step.answers.consented = true;
            }
            advance(app, &request, step).await
        }
        Some("switch") => save(app, &request, &step, "/login").await,
        _ => {
            let denied = OAuthError::new(ErrorCode::AccessDenied, "The user denied the request.");
            Ok(redirect(&request.tenant.tenant, &step.authorization.return_to, &denied))
        }
    }
}

const CHANGED: &str = "You signed out or used another account after this page was opened.";

/// Stores the permissions that the user granted, in addition to earlier ones.
async fn remember(
    app: &AppState,
    request: &Request,
    step: &AuthorizationContext,
) -> Result<(), EndpointError> {
    let Some(held) = &step.session else { return Ok(()) };
    if step.authorization.client.consent == ConsentPolicy::Implied {
        return Ok(());
    }
    let id = consent::record_id(&held.user.subject, &step.authorization.client.id);
    let key = RecordKey::new(RecordKind::Consent, &request.tenant.tenant.id, id);
    for _ in 0..MAX_ATTEMPTS {
        let stored = app.accounts.store.get(&key, request.now).await?;
        let before: Option<Consent> =
            stored.as_ref().and_then(|stored| decode(&stored.record.value).ok());
        let agreed = consent::extend_consent(
            before.as_ref(),
            &step.authorization.requested_permissions,
            request.now,
        );
        let record = record(&key, held, &agreed);
        let written = match stored {
            Some(stored) => {
                app.accounts.store.compare_and_swap(stored.version, record, request.now).await?
            }
            None => app.accounts.store.insert(record, request.now).await?,
        };
        if written {
            return Ok(());
        }
    }
    Err(EndpointError::Unavailable(
        "concurrent writes of a consent conflicted repeatedly".to_owned(),
    ))
}

fn record(key: &RecordKey, held: &ActiveSession, agreed: &Consent) -> Record {
    Record {
        key: key.clone(),
        value: encode(agreed).into(),
        expires_at: agreed.given_at.plus(consent::CONSENT_TTL),
        owners: vec![IndexEntry::new(OwnerKind::User, held.user.subject.as_str())],
        due_at: None,
    }
}
