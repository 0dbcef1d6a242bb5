//! Looks up clients for one request, among them a client that a metadata document describes.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    accounts::clients::client_documents::load_document_client,
    http::{AppState, EndpointError, Request},
    model::{Client, ResourceServers},
    protocol::{authorize::TenantLookup, params::RequestParams},
    registry::ServedTenant,
};

/// A served tenant with the client that a metadata document describes, if the request comes from such a client.
pub(in crate::http::endpoints) struct RequestClients<'a> {
    served: &'a ServedTenant,
    document: Option<Arc<Client>>,
}

impl<'a> RequestClients<'a> {
    /// Loads the document of the client that the parameters name.
    pub(in crate::http::endpoints) async fn load(
        app: &AppState,
        request: &'a Request,
        params: &RequestParams,
    ) -> Result<Self, EndpointError> {
        let document = match params.get("client_id") {
            Some(id) => load_document_client(app.context(request), id).await,
            None => Ok(None),
        };
        let document = document.map_err(|error| error.report(app.context(request)))?;
        Ok(Self { served: &request.tenant, document })
    }

    /// The clients of the tenant, and the client that has authenticated.
    pub(in crate::http::endpoints) fn with(request: &'a Request, client: &Arc<Client>) -> Self {
        let document = client.is_described_by_document().then(|| Arc::clone(client));
        Self { served: &request.tenant, document }
    }
}

impl TenantLookup for RequestClients<'_> {
    fn client(&self, id: &str) -> Option<Arc<Client>> {
        let document = self.document.as_ref().filter(|client| client.id.as_str() == id);
        document.cloned().or_else(|| TenantLookup::client(self.served, id))
    }

    fn id_token(&self, jwt: &str) -> Option<Map<String, Value>> {
        self.served.id_token(jwt)
    }

    fn resource_servers(&self) -> &ResourceServers {
        &self.served.resource_servers
    }
}
