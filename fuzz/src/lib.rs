//! A tenant with a client for the fuzz targets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

pub use lanyard::model::fixtures::{client, tenant};
use lanyard::{
    model::{Client, ResourceServers, Subject, Tenant, Timestamp},
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        authorize::TenantLookup,
        records::{Grant, GrantState, RequestedClaims, SupersededTimes},
    },
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

/// A grant of the client at a time, without resources.
pub fn grant(now: Timestamp) -> Grant {
    let subject = Subject::new("alice-id");
    Grant {
        client: CLIENT.id.clone(),
        authentication: Authentication::by(AuthenticationMethod::password(), subject, now),
        acr: None,
        sid: None,
        scopes: BTreeSet::new(),
        nonce: None,
        wants_auth_time: false,
        created_at: now,
        ends_at: now,
        state: GrantState::PendingRedemption,
        claims: RequestedClaims::default(),
        superseded: SupersededTimes::default(),
        client_object: None,
        marks: None,
        origin: None,
        binding: None,
        resources: BTreeMap::new(),
        authorization_details: BTreeMap::new(),
    }
}
