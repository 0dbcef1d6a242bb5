//! Clients that registered themselves: which they are, and what is known of their registration.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    api,
    model::{DynamicRegistration, REGISTERED_NAME, Timestamp},
};

/// What is known of a client's registration, if it registered itself.
pub fn registered(raw: &api::OidcClient) -> Option<DynamicRegistration> {
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

/// Whether a client registered itself: by its label, where registration makes clients, which is in
/// the tenant's namespace and under names of their own. Whoever has its token is told its secret: the
/// label elsewhere would tell people of Secrets that they may not read.
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
    fn only_what_registration_makes_has_registered() {
        let own = json!({ "name": "shop" });
        assert!(is_registered(&client("dcr-1", &own)));
        assert!(is_registered(&client("dcr-1", &json!({ "name": "shop", "namespace": "team" }))));
        assert!(!is_registered(&client("payroll", &own)), "declared, and labelled afterwards");
        let foreign = json!({ "name": "shop", "namespace": "other" });
        assert!(!is_registered(&client("dcr-1", &foreign)), "registration makes none there");
    }

    #[test]
    fn who_takes_the_label_off_adopts_the_client() {
        let mut adopted = client("dcr-1", &json!({ "name": "shop" }));
        assert!(registered(&adopted).is_some());
        adopted.metadata.labels = None;
        assert!(registered(&adopted).is_none());
    }
}
