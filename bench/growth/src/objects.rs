//! The objects of many tenants, with the Secrets that Lanyard would have created for them, so that
//! a start is that of a long-running installation and does not include generating keys.

use anyhow::Result;
use lanyard::{
    keys::{KeyRecord, KeyTimes, generate_key_record, write_key},
    model::{Clock as _, SigningAlgorithm, SystemClock},
};
use serde_json::{Value, json};

/// Tenants that share a namespace.
const PER_NAMESPACE: usize = 10;
/// The namespace for objects that are applied while measuring.
pub const LIVE: &str = "live";

/// The namespaces of a number of tenants.
pub fn namespaces(tenants: usize) -> impl Iterator<Item = String> {
    let last = tenants.div_ceil(PER_NAMESPACE);
    (0..last).map(|number| format!("team-{number}")).chain([LIVE.to_owned()])
}

/// One tenant and its clients.
pub struct Group {
    /// The namespace of the tenant and its clients.
    pub namespace: String,
    /// The name of the tenant.
    pub name: String,
    clients: usize,
}

impl Group {
    /// The tenant with a number.
    pub fn new(number: usize, clients: usize) -> Self {
        let namespace = format!("team-{}", number / PER_NAMESPACE);
        Self { namespace, name: format!("tenant-{number}"), clients }
    }

    /// The path of its issuer below the base URL.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.namespace, self.name)
    }

    /// The `Tenant` as JSON.
    pub fn tenant(&self) -> Value {
        object("Tenant", &self.namespace, &self.name, &json!({ "displayName": "A team of many" }))
    }

    /// The names of its clients.
    pub fn client_names(&self) -> Vec<String> {
        (0..self.clients).map(|number| format!("{}-client-{number}", self.name)).collect()
    }

    /// The `OidcClient` of a name.
    pub fn client(&self, name: &str) -> Value {
        let spec = json!({
            "tenantRef": { "name": self.name },
            "clientName": "An application of many",
            "redirectUris": [format!("https://{name}.example.com/oauth2/callback")],
            "postLogoutRedirectUris": [format!("https://{name}.example.com/")],
        });
        object("OidcClient", &self.namespace, name, &spec)
    }

    /// The Secret of a client, as the controller writes it.
    pub fn client_secret(&self, name: &str, base_url: &str, uid: Option<&str>) -> Value {
        let issuer = format!("{base_url}{}", self.path());
        let applied = r#"{"clientSecret":"client-secret","entries":["client-id","issuer"]}"#;
        let mut secret = self.secret(&format!("{name}-oidc"), &format!("OidcClient/{name}"));
        secret["metadata"]["annotations"]["lanyard.dev/applied"] = json!(applied);
        secret["stringData"] = json!({
            "client-id": format!("{}.{name}", self.namespace),
            "client-secret": format!("{name:0>43}"),
            "issuer": issuer,
        });
        if let Some(uid) = uid {
            secret["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcClient", "name": name,
                "uid": uid, "controller": true, "blockOwnerDeletion": false,
            }]);
        }
        secret
    }

    /// The Secret of the tenant's keys: one RSA key with its own `kid`.
    pub fn key_secret(&self, key: &KeyRecord) -> Value {
        let owner = format!("Tenant/{}", self.name);
        let mut secret = self.secret(&format!("{}-signing-keys", self.name), &owner);
        let (entry, bytes) = write_key(&KeyRecord { kid: self.name.clone(), ..key.clone() });
        secret["data"] = json!({ entry: bytes });
        secret
    }

    fn secret(&self, name: &str, owner: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {
                "namespace": self.namespace,
                "name": name,
                "labels": { "lanyard.dev/managed": "true" },
                "annotations": { "lanyard.dev/owner": owner },
            },
        })
    }
}

/// An object of one of Lanyard's kinds.
pub fn object(kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "lanyard.dev/v1alpha1",
        "kind": kind,
        "metadata": { "namespace": namespace, "name": name },
        "spec": spec,
    })
}

/// The key of all tenants, each with another `kid` and parsed separately: generating one for
/// each would take minutes.
pub fn key() -> Result<KeyRecord> {
    let now = SystemClock.now();
    let times = KeyTimes { published_at: now, signs_from: now, retire_at: None };
    generate_key_record(SigningAlgorithm::RS256, times)
        .map_err(|_| anyhow::anyhow!("no key can be made"))
}
