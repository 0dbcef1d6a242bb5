//! A registrar that adds clients to the objects of the manifests, which are served at once.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use k8s_openapi::{
    ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use lanyard::{
    api::{
        CachedObject, CachedSecret, OWNER_ANNOTATION, OidcClient, REGISTERED_LABEL,
        REGISTRATION_TOKEN_ANNOTATION, SecretState,
    },
    model::{ClientRegistrar, ManagedKind, NewClient, ObjectKey, RegistrarError, SpecCheck},
};
use serde_json::{Map, Value};

use super::app::Stage;

/// The registrar. It writes to the stage.
pub struct Clerk(pub Arc<Stage>);

impl fmt::Debug for Clerk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clerk")
    }
}

fn secret(new: &NewClient, name: &str) -> Option<Secret> {
    let value = new.secret.as_ref()?.expose();
    let entry = |name: &str, text: &str| (name.to_owned(), ByteString(text.as_bytes().to_vec()));
    let owner = format!("OidcClient/{}", new.object.name);
    Some(Secret {
        metadata: ObjectMeta {
            namespace: Some(new.object.namespace.to_string()),
            name: Some(name.to_owned()),
            annotations: Some([(OWNER_ANNOTATION.to_owned(), owner)].into()),
            ..ObjectMeta::default()
        },
        data: Some(
            [
                entry("client-id", new.id.as_str()),
                entry("client-secret", value),
                entry("issuer", new.issuer.as_str()),
            ]
            .into(),
        ),
        ..Secret::default()
    })
}

#[async_trait]
impl ClientRegistrar for Clerk {
    async fn create_registered(&self, new: NewClient) -> Result<(), RegistrarError> {
        let hash = (REGISTRATION_TOKEN_ANNOTATION.to_owned(), new.token_hash.clone());
        let client = OidcClient {
            metadata: ObjectMeta {
                namespace: Some(new.object.namespace.to_string()),
                name: Some(new.object.name.to_string()),
                labels: Some([(REGISTERED_LABEL.to_owned(), "true".to_owned())].into()),
                annotations: Some([hash].into()),
                ..ObjectMeta::default()
            },
            spec: serde_json::from_value(new.spec.clone().into()).expect("it was checked"),
            status: None,
        };
        let name = client.generated_secret_name();
        let secret = secret(&new, &name);
        self.0.change(|objects| {
            if let Some(secret) = secret {
                let key = ObjectKey::new(&new.object.namespace, name);
                objects.secrets.insert(key, SecretState::Loaded(CachedSecret::new(secret)));
            }
            let cached = CachedObject::new(&new.object, client);
            objects.managed.insert(new.object, cached);
        });
        Ok(())
    }

    async fn replace_registered(
        &self,
        _: &ObjectKey,
        _: Map<String, Value>,
        _: SpecCheck<'_>,
    ) -> Result<Map<String, Value>, RegistrarError> {
        Err(RegistrarError::Forbidden("the suite replaces no client".to_owned()))
    }

    async fn delete_registered(&self, object: &ObjectKey) -> Result<(), RegistrarError> {
        self.0.change(|objects| drop(objects.managed.remove(ManagedKind::OidcClient, object)));
        Ok(())
    }

    async fn mark_used(&self, _: &ObjectKey) -> Result<(), RegistrarError> {
        Ok(())
    }
}
