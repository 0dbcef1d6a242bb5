//! The pushed authorization request endpoint (RFC 9126 §2). The parameters pass the checks of the authorization
//! endpoint, and pass them again when a browser opens the request.

use http::StatusCode;
use serde::Serialize;

use super::{
    authenticated_form::AuthenticatedForm,
    authorize::{RequestClients, open_request_object},
    received_proof::received_proof,
};
use crate::{
    accounts::{
        clients::pushed_requests::push_request,
        records::budgeted_records::record_makers,
        tokens::dpop_proofs::{use_proof, verify_proof},
    },
    http::{AppState, EndpointError, Reply, Request},
    protocol::authorize::{
        AuthorizeError, PUSHED_REQUEST_LIFETIME, PushedRequestId, bind_pushed_request,
        check_pushed_parameters, pushed_request, validate_authorization_request,
    },
};

/// A successful response (RFC 9126 §2.2).
#[derive(Debug, Serialize)]
struct PushedRequestResponse {
    request_uri: String,
    expires_in: u64,
}

/// `POST I/oauth/par`: stores the parameters of an authorization request (RFC 9126 §2).
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let AuthenticatedForm { params, client } = AuthenticatedForm::read(app, &request).await?;
    let (context, tenant) = (app.context(&request), &request.tenant);
    let params = check_pushed_parameters(params, &client)?;
    let clients = RequestClients::with(&request, &client);
    let params = open_request_object((app, &request), &clients, params).await;
    let mut params = params.map_err(refused)?;
    if let Some(proof) = received_proof(&request)? {
        let mut proof = verify_proof(context, proof, None)?.of_client(&client)?;
        bind_pushed_request(&mut params, proof.key())?;
        // Nothing is written for a client that has not authenticated.
        if !client.is_public() {
            use_proof(context, record_makers(&client), Some(&mut proof)).await?;
        }
    }
    // Sealing makes the reference unguessable, so its id need not be. Ids by time put the records of used requests next
    // to each other in the store.
    let id = PushedRequestId::new(app.accounts.entropy.id_at(request.now), request.now);
    let pushed = pushed_request(&mut params, &id, request.now)?;
    validate_authorization_request(&tenant.tenant, &clients, &params).map_err(refused)?;
    let fetch = app.http_client(&request);
    app.sector_identifier_cache.verify_redirect_uris(&*fetch, &client, request.now).await?;
    let request_uri = push_request(context, &client, (&id, pushed)).await?;
    let expires_in = PUSHED_REQUEST_LIFETIME.as_secs();
    Ok(Reply::json(StatusCode::CREATED, &PushedRequestResponse { request_uri, expires_in }))
}

/// The client itself gets the errors of the authorization endpoint (RFC 9126 §2.3).
fn refused(error: AuthorizeError) -> EndpointError {
    match error {
        AuthorizeError::Page(error) | AuthorizeError::Redirect(_, error) => error.into(),
    }
}
