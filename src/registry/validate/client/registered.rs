//! Dynamically registered clients: how to recognise them, and the data of their registration.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    api,
    model::{DynamicRegistration, REGISTERED_NAME, Timestamp},
};

/// The registration of a client, if it was registered dynamically.
pub fn dynamic_registration(raw: &api::OidcClient) -> Option<DynamicRegistration> {
    let metadata = &raw.metadata;
    if !is_registered(raw) {
        return None;
    }
    let annotation = |name: &str| metadata.annotations.as_ref().and_then(|all| all.get(name));
    Some(DynamicRegistration {
        token_hash: annotation(api::REGISTRATION_TOKEN_ANNOTATION).cloned(),
        at: metadata.creation_timestamp.as_ref().map(|at| Timestamp::from(at.0)),
        used: annotation(api::USED_ANNOTATION).is_some(),
    })
}

/// Returns true if a client was registered dynamically: it has the label, is in the tenant's namespace, and has a
/// name that registration generates. The label alone must not suffice. The holder of the registration access token
/// gets the client secret, so a label would reveal a Secret to a user without permission to read it.
pub fn is_registered(raw: &api::OidcClient) -> bool {
    let ObjectMeta { name, namespace, labels, .. } = &raw.metadata;
    let labelled = labels.as_ref().and_then(|all| all.get(api::REGISTERED_LABEL));
    let tenants = &raw.spec.tenant_ref.namespace;
    labelled.is_some_and(|value| value == "true")
        && name.as_ref().is_some_and(|name| name.starts_with(REGISTERED_NAME))
        && (tenants.is_none() || tenants == namespace)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn client(name: &str, tenant_ref: &Value) -> api::OidcClient {
        let client = json!({
            "metadata": {
                "name": name, "namespace": "team",
                "labels": { api::REGISTERED_LABEL: "true" },
            },
            "spec": { "tenantRef": tenant_ref },
        });
        serde_json::from_value(client).expect("a client")
    }

    #[test]
    fn only_clients_created_by_registration_are_registered() {
        let own = json!({ "name": "shop" });
        assert!(is_registered(&client("dcr-1", &own)));
        assert!(is_registered(&client("dcr-1", &json!({ "name": "shop", "namespace": "team" }))));
        assert!(!is_registered(&client("payroll", &own)), "declared, and labelled afterwards");
        let foreign = json!({ "name": "shop", "namespace": "other" });
        assert!(
            !is_registered(&client("dcr-1", &foreign)),
            "registration creates no clients there"
        );
    }

    #[test]
    fn removing_the_label_adopts_the_client() {
        let mut adopted = client("dcr-1", &json!({ "name": "shop" }));
        assert!(dynamic_registration(&adopted).is_some());
        adopted.metadata.labels = None;
        assert!(dynamic_registration(&adopted).is_none());
    }
}
