//! The form of a client that authenticates, as endpoints for clients receive it.

use std::sync::Arc;

use crate::{
    accounts::clients::client_authentication::{self, ClientAuthenticationRequest},
    http::{AppState, EndpointError, Request},
    model::Client,
    protocol::params::RequestParams,
};

/// The parameters of a request and its authenticated client.
#[derive(Debug)]
pub(super) struct AuthenticatedForm {
    /// The parameters, without duplicates.
    pub(super) params: RequestParams,
    /// The client that has authenticated, by the method that it registered.
    pub(super) client: Arc<Client>,
}

impl AuthenticatedForm {
    /// Parses the body and authenticates the client.
    pub(super) async fn read(app: &AppState, request: &Request) -> Result<Self, EndpointError> {
        let params = request.form().and_then(RequestParams::reject_duplicates)?;
        let sent = ClientAuthenticationRequest {
            authorization: request.authorization(),
            params: &params,
            endpoint: request.endpoint,
            address: request.address,
            certificate: request.certificate.as_ref(),
        };
        let client = client_authentication::authenticate_client(app.context(request), sent).await?;
        request.facts.record_client(&client.object);
        Ok(Self { params, client })
    }
}
