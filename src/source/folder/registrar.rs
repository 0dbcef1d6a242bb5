//! Dynamically registered clients as files of the state folder. A manifest in the main folder is
//! never changed.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{FolderSource, FolderState, state};
use crate::{
    api::{AnyObject, OidcClient},
    model::{
        ClientRegistrar, ManagedKind, NewClient, ObjectKey, ObjectRef, RegistrarError, SpecCheck,
    },
    source::{
        manifests::{self, ManifestObject},
        registered_client::{self, UpdatedClient},
    },
};

impl FolderSource {
    /// A registered client of the state folder.
    fn registered(
        &self,
        inner: &FolderState,
        key: &ObjectKey,
    ) -> Result<OidcClient, RegistrarError> {
        let reference = ObjectRef::new(ManagedKind::OidcClient, key.clone());
        let file = inner.files.file_of(&reference).ok_or(RegistrarError::NotFound)?;
        if !file.starts_with(&self.state) {
            return Err(RegistrarError::NotFound);
        }
        // The cached object lacks parts of the file, which a change must preserve.
        let (objects, _) = manifests::parse_manifest_file(&file);
        let found = objects.into_iter().find(|object| object.reference() == reference);
        let Some(ManifestObject::Managed(AnyObject::OidcClient(found))) = found else {
            return Err(RegistrarError::NotFound);
        };
        registered_client::check_registered_dynamically(&found.metadata)?;
        Ok(*found)
    }

    fn put(&self, client: &OidcClient, key: &ObjectKey) -> Result<(), RegistrarError> {
        let path = state::client_file_path(&self.state, key);
        state::write_client(&path, client).map_err(|error| failed(&path, &error))
    }

    /// Deletes a registered client that has not changed since it was read.
    pub(super) fn remove_client(&self, key: &ObjectKey) -> Result<(), RegistrarError> {
        self.change_files(|inner| {
            self.registered(inner, key)?;
            let path = state::client_file_path(&self.state, key);
            std::fs::remove_file(&path).map_err(|error| failed(&path, &error))
        })
    }
}

fn failed(path: &std::path::Path, error: &std::io::Error) -> RegistrarError {
    RegistrarError::Unavailable(format!("{}: {error}", path.display()))
}

#[async_trait]
impl ClientRegistrar for FolderSource {
    async fn create_registered(&self, new: NewClient) -> Result<(), RegistrarError> {
        let client = registered_client::registered_client(&new)?;
        self.change_files(|_| {
            if let Some(secret) = registered_client::registered_client_secret(&new, &client) {
                let key = ObjectKey::new(&new.object.namespace, client.generated_secret_name());
                let path = state::secret_file_path(&self.state, &key);
                state::write_secret_file(&path, &secret).map_err(|error| failed(&path, &error))?;
            }
            self.put(&client, &new.object)
        })
    }

    async fn replace_registered(
        &self,
        object: &ObjectKey,
        spec: Map<String, Value>,
        check: SpecCheck<'_>,
    ) -> Result<Map<String, Value>, RegistrarError> {
        let mut written = Map::new();
        self.change_files(|inner| {
            let mut found = self.registered(inner, object)?;
            let updated = UpdatedClient::of(&json!(found.spec), &found.metadata, spec)?;
            check(&updated.spec).map_err(|refusal| RegistrarError::Refused(refusal.0))?;
            updated.annotate(&mut found.metadata);
            written = updated.spec;
            let spec = registered_client::registered_client_spec(written.clone())?;
            self.put(&OidcClient { spec, ..found }, object)
        })?;
        Ok(written)
    }

    async fn delete_registered(&self, object: &ObjectKey) -> Result<(), RegistrarError> {
        self.remove_client(object)
    }

    async fn mark_used(&self, object: &ObjectKey) -> Result<(), RegistrarError> {
        self.change_files(|inner| {
            let mut found = self.registered(inner, object)?;
            registered_client::annotate_as_used(&mut found.metadata);
            self.put(&found, object)
        })
    }
}
