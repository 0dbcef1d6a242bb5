//! Writes to the API server, each with a timeout of three seconds and a resourceVersion
//! precondition.

use std::{future::Future, time::Duration};

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, Error, ResourceExt,
    api::{
        ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions,
    },
    core::{GroupVersionKind, Status},
};
use serde_json::{Value, json};

use super::{SecretAnnotation, StatusUpdate, WriteError, undeclared_fields::OmittedFields};
use crate::{
    api::{GROUP, OidcClient, VERSION},
    model::{ManagedKind, ObjectKey, ObjectKind, ObjectRef},
};

/// Timeout of a write. It must be short enough for a write to end before the Lease expires.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);
/// The field manager of server-side apply.
const MANAGER: &str = "lanyard";

async fn within<T>(write: impl Future<Output = Result<T, Error>> + Send) -> Result<T, WriteError> {
    let done = tokio::time::timeout(WRITE_TIMEOUT, write).await;
    let done = done.map_err(|_| WriteError::Unavailable("no response within 3 s".to_owned()))?;
    done.map_err(|error| self::write_error(&error))
}

/// The error of a write.
pub(super) fn write_error(error: &Error) -> WriteError {
    match error {
        Error::Api(status) => match status.code {
            404 => WriteError::NotFound,
            403 if is_terminating(status) => WriteError::NotFound,
            409 => WriteError::Conflict,
            400 | 401 | 403 | 413 | 422 => WriteError::Refused(status.message.clone()),
            _ => WriteError::Unavailable(status.message.clone()),
        },
        _ => WriteError::Unavailable(error.to_string()),
    }
}

/// Returns true if the API server refuses to create an object because its namespace is being
/// deleted.
pub(super) fn is_terminating(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

fn secrets(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}

/// Creates a Secret; `Conflict` if it exists.
pub(super) async fn create_secret(client: &Client, secret: Secret) -> Result<(), WriteError> {
    let api = secrets(client, &secret.namespace().unwrap_or_default());
    within(api.create(&post_params(), &secret)).await.map(drop)
}

/// Replaces a Secret that has not changed since it was read.
pub(super) async fn replace_secret(client: &Client, secret: Secret) -> Result<(), WriteError> {
    let api = secrets(client, &secret.namespace().unwrap_or_default());
    within(api.replace(&secret.name_any(), &post_params(), &secret)).await.map(drop)
}

/// Changes annotations of a Secret that has not changed since it was read. The rest is what the API
/// server has, because a view may hold less than the whole Secret.
pub(super) async fn annotate_secret(
    client: &Client,
    key: &ObjectKey,
    version: &str,
    changes: &[SecretAnnotation],
) -> Result<(), WriteError> {
    let api = secrets(client, &key.namespace);
    let mut secret = within(api.get(&key.name)).await?;
    if secret.metadata.resource_version.as_deref() != Some(version) {
        return Err(WriteError::Conflict);
    }
    crate::source::annotate(&mut secret.metadata, changes);
    within(api.replace(&key.name, &post_params(), &secret)).await.map(drop)
}

/// Parameters that set the field manager.
pub(super) fn post_params() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

/// Deletes a Secret that has not changed since it was read.
pub(super) async fn delete_secret(
    client: &Client,
    key: &ObjectKey,
    version: &str,
) -> Result<(), WriteError> {
    let unchanged = Preconditions { resource_version: Some(version.to_owned()), uid: None };
    let params = DeleteParams::default().preconditions(unchanged);
    within(secrets(client, &key.namespace).delete(&key.name, &params)).await.map(drop)
}

/// Deletes a client that has not changed since it was read.
pub(super) async fn delete_client(
    client: &Client,
    key: &ObjectKey,
    seen: Option<&str>,
) -> Result<(), WriteError> {
    let api: Api<OidcClient> = Api::namespaced(client.clone(), &key.namespace);
    let unchanged = Preconditions { resource_version: seen.map(str::to_owned), uid: None };
    let params = DeleteParams::background().preconditions(unchanged);
    within(api.delete(&key.name, &params)).await.map(drop)
}

/// Applies a status with Lanyard as the only field manager, so that omitted fields are removed.
/// Leaves out fields that the installed CRD does not have.
pub(super) async fn write_status(
    client: &Client,
    omitted: &OmittedFields,
    object: &ObjectRef,
    status: StatusUpdate,
) -> Result<(), WriteError> {
    let ObjectKind::Managed(kind) = object.kind else {
        return Err(WriteError::Refused(format!("a {} has no status", object.kind)));
    };
    let gvk = GroupVersionKind::gvk(GROUP, VERSION, kind.as_str());
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
    let key = &object.key;
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &key.namespace, &resource);
    let mut patch = status_patch(kind, key, &status);
    let params = PatchParams::apply(MANAGER).force();
    let apply = async {
        match api.patch_status(&key.name, &params, &Patch::Apply(&patch)).await {
            Err(Error::Api(refused))
                if omitted.omit(kind, &mut patch["status"], &refused.message) =>
            {
                api.patch_status(&key.name, &params, &Patch::Apply(&patch)).await
            }
            done => done,
        }
    };
    within(apply).await.map(drop)
}

/// The patch of a status. Only that of a malformed object has a resourceVersion, of which the API
/// server refuses `null`.
fn status_patch(kind: ManagedKind, key: &ObjectKey, status: &StatusUpdate) -> Value {
    let (status, version) = match status {
        StatusUpdate::Managed(status) => (status.to_json(), None),
        StatusUpdate::Malformed { status, resource_version } => {
            (status.to_json(), resource_version.as_deref())
        }
    };
    let mut metadata = json!({ "name": key.name, "namespace": key.namespace });
    if let Some(version) = version {
        metadata["resourceVersion"] = version.into();
    }
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": kind.as_str(),
        "metadata": metadata,
        "status": status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{RawStatus, TenantStatus};

    #[test]
    fn only_the_status_of_a_malformed_object_is_written_under_a_version() {
        let key = ObjectKey::new("team", "main");
        let metadata = |status| {
            let patch = status_patch(ManagedKind::Tenant, &key, &status);
            patch["metadata"].as_object().expect("an object").clone()
        };
        let plain = metadata(StatusUpdate::Managed(TenantStatus::default().into()));
        assert!(!plain.contains_key("resourceVersion"), "{plain:?}");
        let malformed = |resource_version: Option<&str>| StatusUpdate::Malformed {
            status: RawStatus::default(),
            resource_version: resource_version.map(str::to_owned),
        };
        assert_eq!(metadata(malformed(Some("7")))["resourceVersion"], "7");
        assert!(!metadata(malformed(None)).contains_key("resourceVersion"));
    }
}
