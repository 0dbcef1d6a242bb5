//! Writing registered clients: the serving side's only write, under a role of its own that the chart
//! grants where registration is switched on.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use kube::{
    Api, Client, Error,
    api::{ApiResource, DeleteParams, DynamicObject, Preconditions},
};
use serde_json::{Map, Value};

use super::{ClusterSource, write};
use crate::{
    api::OidcClient,
    model::{ClientRegistrar, NewClient, ObjectKey, RegistrarError},
    source::{WriteError, registered_client},
};

/// As for every write.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a change is tried again that loses against another, such as that of the status.
const MAX_ATTEMPTS: usize = 4;

fn api(client: &Client, namespace: &str) -> Api<OidcClient> {
    Api::namespaced(client.clone(), namespace)
}

async fn within<T>(
    call: impl Future<Output = Result<T, Error>> + Send,
) -> Result<Result<T, Conflict>, RegistrarError> {
    let done = tokio::time::timeout(REQUEST_TIMEOUT, call).await;
    let late = |_| RegistrarError::Unavailable("no answer within 3 s".to_owned());
    match done.map_err(late)? {
        Ok(done) => Ok(Ok(done)),
        Err(Error::Api(status)) => match status.code {
            409 => Ok(Err(Conflict)),
            404 => Err(RegistrarError::NotFound),
            401 | 403 => Err(RegistrarError::Forbidden(status.message.clone())),
            400 | 413 | 422 => Err(RegistrarError::Refused(status.message.clone())),
            _ => Err(RegistrarError::Unavailable(status.message.clone())),
        },
        Err(error) => Err(RegistrarError::Unavailable(error.to_string())),
    }
}

/// The object changed since it was read, or is there already.
struct Conflict;

fn contended() -> RegistrarError {
    RegistrarError::Unavailable("the object keeps changing".to_owned())
}

/// Changes a registered client under the resource version that it was read at. What this release
/// does not know of it stays: while releases are rolled, a newer one may have written it.
async fn change(
    client: &Client,
    object: &ObjectKey,
    edit: impl Fn(&mut DynamicObject) -> Result<bool, RegistrarError> + Send,
) -> Result<(), RegistrarError> {
    let kind = ApiResource::erase::<OidcClient>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &object.namespace, &kind);
    for _ in 0..MAX_ATTEMPTS {
        let Ok(mut found) = within(api.get(&object.name)).await? else { continue };
        registered_client::check(&found.metadata)?;
        if !edit(&mut found)? {
            return Ok(());
        }
        if within(api.replace(&object.name, &write::params(), &found)).await?.is_ok() {
            return Ok(());
        }
    }
    Err(contended())
}

#[async_trait]
impl ClientRegistrar for ClusterSource {
    async fn create_registered(&self, new: NewClient) -> Result<(), RegistrarError> {
        let api = api(&self.client, &new.object.namespace);
        let client = registered_client::client(&new)?;
        let created = within(api.create(&write::params(), &client)).await?;
        let created = created.map_err(|Conflict| contended())?;
        let Some(secret) = registered_client::secret(&new, &created) else { return Ok(()) };
        match write::create(&self.client, secret).await {
            // The controller was faster, and its Secret is as good. What else went wrong it puts
            // right, too; who waits for the client to be served sees either.
            Ok(()) | Err(WriteError::Conflict) => Ok(()),
            Err(error) => {
                tracing::warn!(client = %new.object, %error, "the Secret of a registered client is left to the controller");
                Ok(())
            }
        }
    }

    async fn replace_registered(
        &self,
        object: &ObjectKey,
        spec: Map<String, Value>,
    ) -> Result<(), RegistrarError> {
        change(&self.client, object, |found| {
            found.data["spec"] =
                registered_client::replaced(&found.data["spec"], spec.clone())?.into();
            Ok(true)
        })
        .await
    }

    async fn delete_registered(&self, object: &ObjectKey) -> Result<(), RegistrarError> {
        let api = api(&self.client, &object.namespace);
        let Ok(found) = within(api.get(&object.name)).await? else { return Err(contended()) };
        registered_client::check(&found.metadata)?;
        // Should another object have taken the name meanwhile, it is not this one that goes.
        let unchanged = Preconditions { uid: found.metadata.uid, resource_version: None };
        let params = DeleteParams::background().preconditions(unchanged);
        within(api.delete(&object.name, &params)).await?.map(drop).map_err(|Conflict| contended())
    }

    async fn mark_used(&self, object: &ObjectKey) -> Result<(), RegistrarError> {
        change(&self.client, object, |found| Ok(registered_client::mark(&mut found.metadata))).await
    }
}
