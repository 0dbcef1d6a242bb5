//! Drops `managedFields` while deserializing. They are never used, and a page of objects stays in
//! memory until all of it is processed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer};

use super::delegate_resource::kind_of;

/// An object whose `metadata.managedFields` are dropped when it is read.
#[derive(Clone, Debug)]
pub(super) struct WithoutManagedFields<K>(pub(super) K);

impl<'de, K: Deserialize<'de> + Resource> Deserialize<'de> for WithoutManagedFields<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = K::deserialize(deserializer)?;
        object.meta_mut().managed_fields = None;
        Ok(Self(object))
    }
}

impl<K: Resource> Resource for WithoutManagedFields<K> {
    kind_of!(K);

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_managed_fields_are_dropped() {
        let mut secret = json!({
            "metadata": { "name": "shop", "labels": { "a": "b" } }, "data": { "key": "dmFsdWU=" },
        });
        let bare: Secret = serde_json::from_value(secret.clone()).expect("a Secret");
        secret["metadata"]["managedFields"] =
            json!([{ "manager": "kubectl", "fieldsV1": { "f:data": { ".": {}, "f:key": {} } } }]);
        let lean: WithoutManagedFields<Secret> = serde_json::from_value(secret).expect("a Secret");
        assert_eq!(lean.0, bare);
    }
}
