//! The objects of a client that registers itself: its `OidcClient`, and its Secret as the controller
//! would make it, which adopts it.

use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time},
};
use kube::ResourceExt;
use serde_json::{Map, Value};

use crate::{
    api::{
        GROUP, MANAGED_LABEL, OWNER_ANNOTATION, OidcClient, OidcClientSpec, REGISTERED_LABEL,
        REGISTRATION_TOKEN_ANNOTATION, USED_ANNOTATION, VERSION,
    },
    model::{Kind, NewClient, RegistrarError},
};

/// A spec that was checked before it came here.
pub(super) fn spec(spec: Map<String, Value>) -> Result<OidcClientSpec, RegistrarError> {
    serde_json::from_value(spec.into()).map_err(|error| RegistrarError::Refused(error.to_string()))
}

/// The client's object.
pub(super) fn client(new: &NewClient) -> Result<OidcClient, RegistrarError> {
    let hash = (REGISTRATION_TOKEN_ANNOTATION.to_owned(), new.token_hash.clone());
    Ok(OidcClient {
        metadata: ObjectMeta {
            namespace: Some(new.object.namespace.clone()),
            name: Some(new.object.name.clone()),
            labels: Some([(REGISTERED_LABEL.to_owned(), "true".to_owned())].into()),
            annotations: Some([hash].into()),
            // An API server says this itself; a folder does not.
            creation_timestamp: jiff::Timestamp::from_second(new.at.secs()).ok().map(Time),
            ..ObjectMeta::default()
        },
        spec: spec(new.spec.clone())?,
        status: None,
    })
}

/// The Secret of a client that was created with this UID, if it has a client secret.
pub(super) fn secret(new: &NewClient, client: &OidcClient) -> Option<Secret> {
    let value = new.secret.as_ref()?.expose();
    let entry = |text: &str| ByteString(text.as_bytes().to_vec());
    let owner = format!("{}/{}", Kind::OidcClient, new.object.name);
    let reference = client.metadata.uid.clone().map(|uid| OwnerReference {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: Kind::OidcClient.as_str().to_owned(),
        name: new.object.name.clone(),
        uid,
        controller: Some(true),
        block_owner_deletion: Some(false),
    });
    Some(Secret {
        metadata: ObjectMeta {
            namespace: Some(new.object.namespace.clone()),
            name: Some(client.generated_secret_name()),
            labels: Some([(MANAGED_LABEL.to_owned(), "true".to_owned())].into()),
            annotations: Some([(OWNER_ANNOTATION.to_owned(), owner)].into()),
            owner_references: reference.map(|reference| vec![reference]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(
            [
                ("client-id".to_owned(), entry(new.id.as_str())),
                ("client-secret".to_owned(), entry(value)),
                ("issuer".to_owned(), entry(new.issuer.as_str())),
            ]
            .into(),
        ),
        ..Secret::default()
    })
}

/// Rule: only what registered itself is changed or deleted.
pub(super) fn check(client: &OidcClient) -> Result<(), RegistrarError> {
    let registered = client.labels().get(REGISTERED_LABEL).is_some_and(|value| value == "true");
    let lives = client.metadata.deletion_timestamp.is_none();
    if registered && lives { Ok(()) } else { Err(RegistrarError::NotFound) }
}

/// Notes that a client was used; whether that is new.
pub(super) fn mark(client: &mut OidcClient) -> bool {
    let mark = (USED_ANNOTATION.to_owned(), "true".to_owned());
    client.annotations_mut().insert(mark.0, mark.1).is_none()
}
