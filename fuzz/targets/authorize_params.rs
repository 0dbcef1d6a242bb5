//! Any query: no panic, no redirect to an address that is not registered.
#![no_main]

use std::sync::{Arc, LazyLock};

use lanyard::{
    model::{Client, ResourceServers, Tenant},
    protocol::{
        authorize::{AuthorizeError, EncodedResponse, TenantLookup, validate_authorization_request},
        params::RequestParams,
    },
};
use libfuzzer_sys::fuzz_target;
use lanyard_fuzz::{client, tenant};

struct World(Arc<Client>);

impl TenantLookup for World {
    fn client(&self, id: &str) -> Option<Arc<Client>> {
        (id == self.0.id.as_str()).then(|| Arc::clone(&self.0))
    }

    fn id_token(&self, _: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
        None
    }

    fn resource_servers(&self) -> &ResourceServers {
        ResourceServers::none()
    }
}

static TENANT: LazyLock<Tenant> = LazyLock::new(tenant);
static WORLD: LazyLock<World> = LazyLock::new(|| World(Arc::new(client())));

fuzz_target!(|query: &[u8]| {
    let params = RequestParams::parse(query);
    let response = match validate_authorization_request(&TENANT, &*WORLD, &params) {
        Ok(ask) => ask.return_to.response(&[("code", "c")]),
        Err(AuthorizeError::Redirect(to, error)) => to.error(&error),
        Err(AuthorizeError::Page(_)) => return,
    };
    if let EncodedResponse::Redirect(url) = response.encode() {
        assert!(url.starts_with("https://rp.test/cb"), "{url}");
    }
});
