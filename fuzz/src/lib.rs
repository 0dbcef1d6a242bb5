//! A tenant with a client for the fuzz targets.

use std::sync::{Arc, LazyLock};

pub use lanyard::model::fixtures::{client, tenant};
use lanyard::{
    model::{Client, ResourceServers, Tenant},
    protocol::authorize::TenantLookup,
};
use serde_json::{Map, Value};

/// The tenant of authorization requests.
pub static TENANT: LazyLock<Tenant> = LazyLock::new(tenant);
/// Its only client.
pub static CLIENT: LazyLock<Arc<Client>> = LazyLock::new(|| Arc::new(client()));

/// Finds the client of authorization requests; the tenant has no resource servers.
pub struct OneClient;

impl TenantLookup for OneClient {
    fn client(&self, id: &str) -> Option<Arc<Client>> {
        (id == CLIENT.id.as_str()).then(|| Arc::clone(&CLIENT))
    }

    fn id_token(&self, _: &str) -> Option<Map<String, Value>> {
        None
    }

    fn resource_servers(&self) -> &ResourceServers {
        ResourceServers::none()
    }
}
