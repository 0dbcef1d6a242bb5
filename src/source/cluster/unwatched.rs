//! Objects in namespaces that are not watched. Only an account with rights in the whole cluster, or with
//! a `RoleBinding` that was left, may list them.

use std::collections::BTreeSet;

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams},
    core::GroupVersionKind,
};

use crate::{
    api::{GROUP, RawStatus, VERSION},
    model::{ManagedKind, ObjectKey, ObjectRef},
    source::UnwatchedObject,
};

/// Objects in a page of a list.
const PAGE_SIZE: u32 = 100;

/// Lists the objects of Lanyard's kinds outside the watched namespaces; none if that is forbidden.
pub(super) async fn list_unwatched_objects(
    client: &Client,
    watched: &[String],
) -> Result<Vec<UnwatchedObject>, kube::Error> {
    list_objects(client, None, watched).await
}

/// Lists the objects of Lanyard's kinds in some namespaces, except in those where that is forbidden.
pub(super) async fn list_objects_of(
    client: &Client,
    namespaces: &BTreeSet<String>,
) -> Result<Vec<UnwatchedObject>, kube::Error> {
    let mut found = Vec::new();
    for namespace in namespaces {
        found.extend(list_objects(client, Some(namespace), &[]).await?);
    }
    Ok(found)
}

async fn list_objects(
    client: &Client,
    namespace: Option<&str>,
    watched: &[String],
) -> Result<Vec<UnwatchedObject>, kube::Error> {
    let mut found = Vec::new();
    for kind in ManagedKind::ALL {
        let gvk = GroupVersionKind::gvk(GROUP, VERSION, kind.as_str());
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let mut page = ListParams::default().limit(PAGE_SIZE);
        loop {
            let list = match api.list(&page).await {
                Err(kube::Error::Api(status)) if status.code == 403 => return Ok(Vec::new()),
                list => list?,
            };
            let others =
                list.items.into_iter().filter_map(|object| unwatched(kind, object, watched));
            found.extend(others);
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => break,
            }
        }
    }
    Ok(found)
}

fn unwatched(
    kind: ManagedKind,
    mut object: DynamicObject,
    watched: &[String],
) -> Option<UnwatchedObject> {
    let (namespace, name) = (object.metadata.namespace?, object.metadata.name?);
    let status = RawStatus::read(object.data["status"].take());
    (!watched.contains(&namespace)).then(|| UnwatchedObject {
        object: ObjectRef::new(kind, ObjectKey::new(namespace, name)),
        generation: object.metadata.generation,
        resource_version: object.metadata.resource_version,
        status,
    })
}
