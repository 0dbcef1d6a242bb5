//! Reading, updating and deleting a registered client (RFC 7592 §2) with its registration access
//! token.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value};

use super::{
    bearer, check, failure, information, limit, registrar, registration_service, sent,
    wait_until_served,
};
use crate::{
    http::{AppState, EndpointError, Reply, Request},
    identity::RateLimitClass,
    model::{
        AuditCause, AuditEvent, AuditText, Client, ClientCredential, ClientDeletion, SpecRefusal,
    },
    protocol::registration,
};

/// `GET I/oauth/register/<client_id>`: the metadata of a registered client (RFC 7592 §2.1).
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    registration_service(&request)?;
    let (client, token) = authorize(app, &request)?;
    Ok(information(&request, StatusCode::OK, &client, token))
}

/// `PUT I/oauth/register/<client_id>`: replaces the metadata; omitted fields are removed.
pub async fn put(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let registration = registration_service(&request)?;
    let (client, token) = authorize(app, &request)?;
    limit(app, &request, registration, RateLimitClass::Own)?;
    let sent = sent(&request)?;
    sent.check_update(&client)?;
    let found = check::validate_metadata(registration, &client.object, sent.spec)?;
    check::check_documents(app, &request, &found.client).await?;
    // Fields that an administrator has set stay, and the others have to go with them.
    let check = |spec: &Map<String, Value>| {
        registration
            .validate(&client.object, spec.clone())
            .map(drop)
            .map_err(|problem| SpecRefusal(problem.message))
    };
    let written = registrar(app)?.replace_registered(&client.object, found.spec, &check).await;
    let expected = registration.validate(&client.object, written.map_err(failure)?);
    let expected = expected
        .map_err(|problem| registration::registration_refusal(&problem.field, &problem.message))?;
    let served = wait_until_served::wait_until_served(app, &request, &expected.client).await;
    let late = || EndpointError::Unavailable("the new metadata was not served in time".to_owned());
    let client = served.ok_or_else(late)?;
    app.context(&request).audit(AuditEvent::ClientUpdated { client: (&*client).into() });
    Ok(information(&request, StatusCode::OK, &client, token))
}

/// `DELETE I/oauth/register/<client_id>`: deletes a registered client (RFC 7592 §2.3).
pub async fn delete(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    registration_service(&request)?;
    let (client, _) = authorize(app, &request)?;
    registrar(app)?.delete_registered(&client.object).await.map_err(failure)?;
    if !wait_until_served::wait_until_removed(app, &request, &client).await {
        tracing::warn!(client = %client.object, "deleted client is still served");
    }
    app.context(&request)
        .audit(AuditEvent::ClientDeleted { client: (&*client).into(), by: ClientDeletion::Client });
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Authenticates the registration access token of the client in the path. Returns the client and
/// the token.
fn authorize<'r>(
    app: &AppState,
    request: &'r Request,
) -> Result<(Arc<Client>, &'r str), EndpointError> {
    let token = bearer(request)?;
    let client = request.tenant.declared_client(&request.path_param);
    let checked =
        registration::check_registration_access_token(client.map(|client| &**client), token);
    checked.map_err(|error| {
        app.context(request).audit(AuditEvent::ClientAuthenticationFailed {
            client_id: Some(AuditText::new(request.path_param.clone())),
            client: client.map(|client| AuditText::new(client.object.to_string())),
            credential: ClientCredential::RegistrationAccessToken,
            cause: Some(AuditCause::new(error.public.clone())),
        });
        EndpointError::Bearer(error)
    })?;
    Ok((Arc::clone(client.expect("a token matches only a known client")), token))
}
