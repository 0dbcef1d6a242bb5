//! Finds the client with an ID. An object declares it, or a metadata document describes it.

use std::{borrow::Cow, sync::Arc};

use super::ServedTenant;
use crate::{
    model::Client,
    protocol::client_document::{DocumentUrl, client_without_document},
};

impl ServedTenant {
    /// Finds a client that an object declares by its ID.
    pub fn declared_client(&self, id: &str) -> Option<&Arc<Client>> {
        self.clients.get(id)
    }

    /// Finds a client by its ID. One that a metadata document describes is without its document: it has grants,
    /// and can do nothing itself.
    pub fn client(&self, id: &str) -> Option<Cow<'_, Arc<Client>>> {
        if let Some(client) = self.declared_client(id) {
            return Some(Cow::Borrowed(client));
        }
        let url = self.document_url(id)?;
        let client = client_without_document(&self.tenant, &url)?;
        Some(Cow::Owned(Arc::new(client)))
    }

    /// The URL of the metadata document that a client ID is, if the tenant accepts documents of its host. The IDs
    /// of objects, served or not, of the issuer and of resource servers are never such URLs.
    pub fn document_url(&self, id: &str) -> Option<DocumentUrl> {
        if !self.tenant.client_documents.is_enabled() || !DocumentUrl::is_like(id) {
            return None;
        }
        let is_taken = self.clients.contains_key(id)
            || self.reserved_names().has_client_id(id)
            || self.resource_servers.find(id).is_some()
            || id.trim_end_matches('/').eq_ignore_ascii_case(self.tenant.issuer.as_str());
        let url = DocumentUrl::parse(id).ok().filter(|_| !is_taken)?;
        self.tenant.client_documents.admits_host(url.host()).then_some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::KeyRing,
        model::{ClientDocumentMode, ClientDocumentPolicy, Tenant, fixtures},
    };

    #[test]
    fn the_issuer_is_not_a_document() {
        let mode = ClientDocumentMode::AnyHost;
        let policy = ClientDocumentPolicy { mode, ..ClientDocumentPolicy::default() };
        let tenant = Tenant { client_documents: Arc::new(policy), ..fixtures::tenant() };
        assert_eq!(tenant.issuer.as_str(), "https://id.test/team/shop");
        let served = ServedTenant::new(tenant, KeyRing::default(), vec![], vec![]);
        for id in [
            "https://id.test/team/shop",
            "https://id.test/team/shop/",
            "https://id.test/team/shop//",
            "https://id.test/Team/Shop",
        ] {
            assert_eq!(served.document_url(id), None, "{id}");
            assert!(served.client(id).is_none(), "{id}");
        }
        for id in ["https://id.test/team/shop/app.json", "https://id.test/team/shops"] {
            assert!(served.document_url(id).is_some_and(|url| url.as_str() == id), "{id}");
        }
    }
}
