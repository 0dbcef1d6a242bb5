//! Writes dynamically registered clients. This is the serving side's only write, under a separate
//! role that the chart creates if registration is enabled.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use kube::{
    Api, Client, Error,
    api::{ApiResource, DeleteParams, DynamicObject, Preconditions},
};
use serde_json::{Map, Value};

use super::{ClusterSource, ClusterWrite, write};
use crate::{
    api::OidcClient,
    model::{ClientRegistrar, NewClient, ObjectKey, RegistrarError, SpecCheck},
    source::{
        WriteError,
        registered_client::{self, UpdatedClient},
    },
};

/// Timeout of a request, as for every write.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum number of attempts if a change conflicts with another, such as a status update.
const MAX_ATTEMPTS: usize = 4;

fn api(client: &Client, namespace: &str) -> Api<OidcClient> {
    Api::namespaced(client.clone(), namespace)
}

async fn within<T>(
    call: impl Future<Output = Result<T, Error>> + Send,
) -> Result<Result<T, Conflict>, RegistrarError> {
    let done = tokio::time::timeout(REQUEST_TIMEOUT, call).await;
    let late = |_| RegistrarError::Unavailable("no response within 3 s".to_owned());
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

/// The object was modified, or exists already.
struct Conflict;

impl ClusterSource {
    /// Reports a write for a registering client that failed.
    fn registered<T>(&self, done: Result<T, RegistrarError>) -> Result<T, RegistrarError> {
        done.inspect_err(|error| {
            let error = match error {
                RegistrarError::NotFound => WriteError::NotFound,
                RegistrarError::Forbidden(why) | RegistrarError::Refused(why) => {
                    WriteError::Refused(why.clone())
                }
                RegistrarError::Unavailable(why) => WriteError::Unavailable(why.clone()),
            };
            (self.on_write_error)(ClusterWrite::RegisterClient, &error);
        })
    }
}

fn contended() -> RegistrarError {
    RegistrarError::Unavailable("the object keeps changing".to_owned())
}

/// Changes a registered client at the resourceVersion of its read. Fields unknown to this release
/// are preserved: during a rolling update a newer replica may have written them.
///
/// `edit` returns what it wrote, or `None` if nothing has to be written.
async fn change<T: Send>(
    client: &Client,
    object: &ObjectKey,
    edit: impl Fn(&mut DynamicObject) -> Result<Option<T>, RegistrarError> + Send,
) -> Result<Option<T>, RegistrarError> {
    let kind = ApiResource::erase::<OidcClient>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &object.namespace, &kind);
    for _ in 0..MAX_ATTEMPTS {
        let Ok(mut found) = within(api.get(&object.name)).await? else { continue };
        registered_client::check_registered_dynamically(&found.metadata)?;
        let Some(written) = edit(&mut found)? else { return Ok(None) };
        if within(api.replace(&object.name, &write::post_params(), &found)).await?.is_ok() {
            return Ok(Some(written));
        }
    }
    Err(contended())
}

#[async_trait]
impl ClientRegistrar for ClusterSource {
    async fn create_registered(&self, new: NewClient) -> Result<(), RegistrarError> {
        let api = api(&self.client, &new.object.namespace);
        let client = registered_client::registered_client(&new)?;
        let created = within(api.create(&write::post_params(), &client)).await;
        let created = created.and_then(|created| created.map_err(|Conflict| contended()));
        let created = self.registered(created)?;
        let Some(secret) = registered_client::registered_client_secret(&new, &created) else {
            return Ok(());
        };
        match write::create_secret(&self.client, secret).await {
            // If the controller was faster, its Secret is equally good. The controller also repairs
            // other failures, and the caller waits until the client is served.
            Ok(()) | Err(WriteError::Conflict) => Ok(()),
            Err(error) => {
                tracing::warn!(client = %new.object, %error, "failed to create the Secret of a registered client; leaving it to the controller");
                Ok(())
            }
        }
    }

    async fn replace_registered(
        &self,
        object: &ObjectKey,
        spec: Map<String, Value>,
        check: SpecCheck<'_>,
    ) -> Result<Map<String, Value>, RegistrarError> {
        let done = change(&self.client, object, |found| {
            let before = &found.data["spec"];
            let updated = UpdatedClient::of(before, &found.metadata, spec.clone())?;
            check(&updated.spec).map_err(|refusal| RegistrarError::Refused(refusal.0))?;
            updated.annotate(&mut found.metadata);
            found.data["spec"] = updated.spec.clone().into();
            Ok(Some(updated.spec))
        });
        self.registered(done.await).map(Option::unwrap_or_default)
    }

    async fn delete_registered(&self, object: &ObjectKey) -> Result<(), RegistrarError> {
        let api = api(&self.client, &object.namespace);
        let Ok(found) = within(api.get(&object.name)).await? else { return Err(contended()) };
        registered_client::check_registered_dynamically(&found.metadata)?;
        // The UID protects another object that has taken the name in the meantime.
        let unchanged = Preconditions { uid: found.metadata.uid, resource_version: None };
        let params = DeleteParams::background().preconditions(unchanged);
        let deleted = within(api.delete(&object.name, &params)).await;
        let deleted = deleted.and_then(|it| it.map(drop).map_err(|Conflict| contended()));
        self.registered(deleted)
    }

    async fn mark_used(&self, object: &ObjectKey) -> Result<(), RegistrarError> {
        let mark = |found: &mut DynamicObject| {
            Ok(registered_client::annotate_as_used(&mut found.metadata).then_some(()))
        };
        self.registered(change(&self.client, object, mark).await).map(drop)
    }
}
