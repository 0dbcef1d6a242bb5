//! The consent page and its form (OIDC Core §3.1.2.4).

use super::authorize::{AuthorizationContext, forms, proceed_authorization};
use crate::{
    accounts::grants::consents,
    http::{AppState, EndpointError, Reply, Request},
    model::{ConsentPolicy, Endpoint},
};

/// `GET I/consent`: the consent page of an interaction, after a 303.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    proceed_authorization(forms::load_authorization(app, &request).await?).await
}

/// `POST I/consent`: allow, deny, or use another account.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let (form, mut authorization) = forms::open_authorization(app, &request).await?;
    // The page named an account; only its session may answer it.
    if !authorization.has_session_of_page() {
        return Err(forms::session_changed(&authorization));
    }
    match form.get("action") {
        Some("allow") => {
            if authorization.interaction.covers(&authorization.authorization) {
                // The answer to another device takes effect, and is reported, once it is stored.
                if authorization.interaction.cross_device().is_none() {
                    store(&authorization).await?;
                    authorization.audit_consent(true);
                }
                authorization.completed.consented = true;
            }
            proceed_authorization(authorization).await
        }
        Some("switch") => forms::redirect_to(&authorization, Endpoint::Login).await,
        _ => {
            // The page for a person who may not enter has the same button.
            let is_here = authorization.interaction.cross_device().is_none();
            if is_here && authorization.entry_refusal().is_none() {
                authorization.audit_consent(false);
            }
            authorization.access_denied("The user denied the request.").await
        }
    }
}

/// Stores the permissions that the user granted, unless the client does not need them.
async fn store(authorization: &AuthorizationContext<'_>) -> Result<(), EndpointError> {
    let Some(session) = &authorization.session else { return Ok(()) };
    let request = &authorization.authorization;
    if request.client.consent == ConsentPolicy::Required {
        consents::store_consent(authorization.accounts(), &session.account, request).await?;
    }
    Ok(())
}
